//! What each fault must turn red, and what it may.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// The table, from the root.
pub const FILE: &str = "proof/counterfactuals.toml";

/// All faults.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    fault: Vec<Fault>,
}

/// One fault and what is expected of it. Claims are called by their names, markers by their lines.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Its name, as in `fault=NAME`; the report calls it the fault.
    #[serde(rename(serialize = "fault"))]
    pub name: String,
    /// What the kernel does wrong.
    pub what: String,
    /// Harts of the machine.
    #[serde(default = "two")]
    pub smp: u16,
    /// Claims that must be red, and markers whose line must be missing.
    pub must: BTreeSet<String>,
    /// Others that may be.
    #[serde(default)]
    pub may: BTreeSet<String>,
    /// The run may end at the first missing marker: those behind it may be missing too, and the claims under them red.
    #[serde(default)]
    pub ends: bool,
}

const fn two() -> u16 {
    2
}

impl Table {
    /// Reads and checks the table.
    ///
    /// # Errors
    /// Names given twice, claims and markers that the judge does not know, a fault that need not turn anything red.
    pub fn read(root: &Path) -> anyhow::Result<Table> {
        let text = std::fs::read_to_string(root.join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
        let table: Table = toml::from_str(&text).with_context(|| FILE.to_owned())?;
        table.check().with_context(|| FILE.to_owned())?;
        Ok(table)
    }

    /// The faults, in the table's order.
    pub fn faults(&self) -> &[Fault] {
        &self.fault
    }

    fn check(&self) -> anyhow::Result<()> {
        let mut names = BTreeSet::new();
        for fault in &self.fault {
            anyhow::ensure!(names.insert(&fault.name), "fault `{}` is there twice", fault.name);
            anyhow::ensure!(!fault.must.is_empty(), "fault `{}` need not turn anything red", fault.name);
            let known = known(fault.smp);
            if let Some(name) = fault.must.union(&fault.may).find(|name| !known.contains(*name)) {
                anyhow::bail!("fault `{}`: the judge has no claim and no marker `{name}`", fault.name);
            }
        }
        // One for every claim and marker, or a hole in the proof would stay unseen.
        let covered: BTreeSet<&String> = self.fault.iter().flat_map(|fault| &fault.must).collect();
        let open: Vec<String> = known(2).into_iter().filter(|name| !covered.contains(name)).collect();
        anyhow::ensure!(open.is_empty(), "no fault must turn these red: {}", open.join("; "));
        Ok(())
    }
}

/// Names of all claims, and lines of all markers on so many CPUs.
pub fn known(cpus: u16) -> BTreeSet<String> {
    let lines = antler_proof::expected_markers(cpus).into_iter().map(|marker| marker.text);
    antler_proof::claim_names().map(str::to_owned).chain(lines).collect()
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        write!(
            f,
            "{} ({} harts): {}\n    must be red: {}",
            self.name,
            self.smp,
            self.what,
            list(&self.must)
        )?;
        if !self.may.is_empty() {
            write!(f, "\n    may be red: {}", list(&self.may))?;
        }
        if self.ends {
            write!(f, "\n    and what comes after it")?;
        }
        Ok(())
    }
}
