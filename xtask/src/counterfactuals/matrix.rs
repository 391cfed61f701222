//! Faults against what turned red.

use std::collections::BTreeSet;
use std::path::Path;

use antler_proof::{GuestEnd, State, Verdict};
use anyhow::Context as _;
use serde::Serialize;

use super::table::Fault;
use crate::exit::Exit;
use crate::proof::Outcome;

/// One fault and what it did.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The fault, with what is expected of it.
    #[serde(flatten)]
    fault: Fault,
    /// Claims that are red, and markers whose line is missing or has no fact.
    red: BTreeSet<String>,
    /// Claims that are red because of what the judge found, and not only because their self-test was never over.
    #[serde(skip)]
    found: BTreeSet<String>,
    /// How the guest ended.
    guest: String,
    /// Everything expected is so.
    ok: bool,
    /// What is not so.
    wrong: Vec<String>,
    /// The command that repeats the run.
    repeat: String,
}

impl Row {
    /// Compares.
    pub fn new(fault: &Fault, outcome: &Outcome) -> Row {
        let verdict = &outcome.verdict;
        let red = red(verdict);
        let mut wrong = Vec::new();
        let list = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>().join(", ");
        let unseen = list(fault.must.difference(&red).collect());
        if !unseen.is_empty() {
            wrong.push(format!("not red: {unseen}"));
        }
        let allowed = allowed(fault, verdict, &red);
        let too_red = list(red.difference(&allowed).collect());
        if !too_red.is_empty() {
            wrong.push(format!("red, though it should not be: {too_red}"));
        }
        if verdict.green || outcome.exit == Exit::Success {
            wrong.push("NOBODY NOTICED: the verdict is green".to_owned());
        }
        if verdict.end == GuestEnd::TimedOut {
            wrong.push("it ended by the run's time-out, not by a bound of its own".to_owned());
        }
        Row {
            ok: wrong.is_empty(),
            found: verdict
                .claims
                .iter()
                .filter(|claim| claim.state == State::Red && !claim.by_absence)
                .map(|claim| claim.name.to_owned())
                .collect(),
            red,
            guest: outcome.guest.clone(),
            wrong,
            repeat: format!("cargo xtask counterfactuals {}", fault.name),
            fault: fault.clone(),
        }
    }
}

/// What a verdict calls red, by name. A marker that is printed and stated, and only lacks a claim under it, goes without
/// saying.
pub fn red(verdict: &Verdict) -> BTreeSet<String> {
    let claims =
        verdict.claims.iter().filter(|claim| claim.state == State::Red).map(|claim| claim.name.to_owned());
    let markers =
        verdict.markers.iter().filter(|marker| marker.lacks_its_own).map(|marker| marker.line.clone());
    claims.chain(markers).collect()
}

/// What may be red.
fn allowed(fault: &Fault, verdict: &Verdict, red: &BTreeSet<String>) -> BTreeSet<String> {
    let mut allowed: BTreeSet<String> = fault.must.union(&fault.may).cloned().collect();
    if fault.ends {
        let lines: Vec<&String> = verdict.markers.iter().map(|marker| &marker.line).collect();
        let first = lines.iter().position(|line| red.contains(*line)).unwrap_or(lines.len());
        let behind = &verdict.markers[first..];
        allowed.extend(behind.iter().skip(1).map(|marker| marker.line.clone()));
        allowed.extend(behind.iter().flat_map(|marker| marker.claims.iter().map(|name| (*name).to_owned())));
    }
    allowed
}

/// All rows.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Matrix {
    rows: Vec<Row>,
}

impl Matrix {
    /// Of rows in any order.
    pub fn new(mut rows: Vec<Row>) -> Matrix {
        rows.sort_by_key(|row| row.fault.run());
        Matrix { rows }
    }

    /// Whether every fault was noticed as it must be.
    pub fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.ok)
    }

    /// Claims that must be red in some row, and in each such row are red only because the guest's own checks, or a bound,
    /// ended the run first: nothing shows that the judge would see anything. Several harts and one are told apart.
    pub fn only_by_absence(&self) -> Vec<String> {
        let claims: BTreeSet<&str> = antler_proof::claim_names().collect();
        let mut must = BTreeSet::new();
        let mut found = BTreeSet::new();
        for row in &self.rows {
            let alone = row.fault.smp == 1;
            let of = |names: &BTreeSet<String>| -> Vec<(bool, String)> {
                names
                    .iter()
                    .filter(|name| claims.contains(name.as_str()))
                    .map(|name| (alone, name.clone()))
                    .collect()
            };
            must.extend(of(&row.fault.must));
            found.extend(of(&row.found.intersection(&row.fault.must).cloned().collect()));
        }
        let name =
            |(alone, name): &(bool, String)| format!("{name}{}", if *alone { " (one hart)" } else { "" });
        must.difference(&found).map(name).collect()
    }

    /// The table, on stdout.
    pub fn print(&self) {
        let width = self.rows.iter().map(|row| row.fault.run().len()).max().unwrap_or(0);
        for row in &self.rows {
            let must: Vec<&str> = row.fault.must.iter().map(String::as_str).collect();
            let others = row.red.difference(&row.fault.must).count();
            let mark = if row.ok { "ok  " } else { "HOLE" };
            let more = if others == 0 { String::new() } else { format!(" (and {others} more)") };
            say!("  {mark} {:width$}  {}{more}", row.fault.run(), must.join(", "));
            row.wrong.iter().for_each(|wrong| say!("       {:width$}  {wrong}", ""));
            if !row.ok {
                say!("       {:width$}  repeat: {}", "", row.repeat);
            }
        }
    }

    /// Writes it for the report and for machines, with the SHA-256 of the shipped kernel.
    pub fn write(&self, kernel: String, path: &Path) -> anyhow::Result<()> {
        #[derive(Serialize)]
        struct File<'a> {
            kernel: String,
            faults: &'a Matrix,
        }
        let json = serde_json::to_string_pretty(&File { kernel, faults: self })
            .context("cannot write the matrix as JSON")?;
        std::fs::write(path, json + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    /// One line: how many, and whether all were seen.
    pub fn line(&self) -> String {
        let seen = self.rows.iter().filter(|row| row.ok).count();
        let word = if self.is_good() { "COUNTERFACTUALS GREEN" } else { "COUNTERFACTUALS RED" };
        format!(
            "{word}: {seen} of {} runs with a fault turn red what they must, and nothing else",
            self.rows.len()
        )
    }
}
