//! What each fault must turn red, and what it may.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// The table, from the root.
pub const FILE: &str = "proof/counterfactuals.toml";

/// Claims that no fault turns red at one hart, and why.
const NOT_ALONE: [(&str, &str); 3] = [
    ("platform", "what its faults get wrong is which hart is which"),
    ("stop", "there is nobody to stop"),
    ("trap stacks", "one stack cannot be somebody else's, and nobody calls the only CPU"),
];

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
    /// The only CPU that commits it; any that comes to it if not given.
    #[serde(default, skip_serializing)]
    pub on: Option<u16>,
    /// Claims that must be red, and markers whose line must be missing.
    pub must: BTreeSet<String>,
    /// Others that may be.
    #[serde(default)]
    pub may: BTreeSet<String>,
    /// The run may end at the first missing marker: those behind it may be missing too, and the claims under them red.
    #[serde(default)]
    pub ends: bool,
    /// What must be red on a machine of one hart; empty if it is not tried on one.
    #[serde(default, skip_serializing)]
    pub alone: BTreeSet<String>,
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

    /// Each claim and marker that a machine of one hart is judged by must be turned red by a fault there, but for a few.
    ///
    /// # Errors
    /// Those that none turns red.
    pub fn covers_alone(&self, judged: &BTreeSet<String>) -> anyhow::Result<()> {
        let covered: BTreeSet<&String> = self.fault.iter().flat_map(|fault| &fault.alone).collect();
        let excused = |name: &str| NOT_ALONE.iter().any(|(claim, _)| *claim == name);
        let open = judged.iter().filter(|name| !covered.contains(name) && !excused(name));
        let open: Vec<&str> = open.map(String::as_str).collect();
        anyhow::ensure!(open.is_empty(), "no fault must turn these red at one hart: {}", open.join("; "));
        Ok(())
    }

    fn check(&self) -> anyhow::Result<()> {
        let mut names = BTreeSet::new();
        for fault in &self.fault {
            anyhow::ensure!(names.insert(&fault.name), "fault `{}` is there twice", fault.name);
            anyhow::ensure!(!fault.must.is_empty(), "fault `{}` need not turn anything red", fault.name);
            for run in fault.runs() {
                let known = known(run.smp);
                if let Some(name) = run.must.union(&run.may).find(|name| !known.contains(*name)) {
                    anyhow::bail!("fault `{}`: the judge has no claim and no marker `{name}`", run.run());
                }
            }
        }
        // One for every claim and marker, or a hole in the proof would stay unseen.
        let covered: BTreeSet<&String> = self.fault.iter().flat_map(|fault| &fault.must).collect();
        let open: Vec<String> = known(2).into_iter().filter(|name| !covered.contains(name)).collect();
        anyhow::ensure!(open.is_empty(), "no fault must turn these red: {}", open.join("; "));
        Ok(())
    }
}

impl Fault {
    /// The runs that it is seen in: on its machine, and alone if it is to be.
    pub fn runs(&self) -> impl Iterator<Item = Fault> {
        let alone = || {
            let known = known(1);
            let may = self.must.union(&self.may).filter(|name| known.contains(*name)).cloned().collect();
            Fault { smp: 1, must: self.alone.clone(), may, ..self.clone() }
        };
        [self.clone()].into_iter().chain((!self.alone.is_empty()).then(alone))
    }

    /// The boot argument that has it committed.
    pub fn argument(&self) -> String {
        match self.on {
            Some(cpu) => format!("fault={}@cpu{cpu}", self.name),
            None => format!("fault={}", self.name),
        }
    }

    /// What a run is called: its folder, and the row of the matrix.
    pub fn run(&self) -> String {
        match self.smp {
            1 => format!("{}-smp1", self.name),
            _ => self.name.clone(),
        }
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
