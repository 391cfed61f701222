//! One run as its files tell it: what `verdict.json` says, and the facts themselves.

use std::collections::BTreeMap;

use antler_proof::{Case, Trace};
use serde::{Deserialize, Serialize};

/// What became of a claim or a marker, as the judge said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Proved.
    Green,
    /// Not proved.
    Red,
    /// Not looked at in this run.
    #[default]
    NotJudged,
}

/// One fact that a claim rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Who states it.
    pub cpu: u16,
    /// Its number among that CPU's facts.
    pub seq: u64,
    /// What it shows, in words.
    pub says: String,
}

/// One claim with its verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Short name.
    pub name: String,
    /// What it says, in a sentence.
    pub says: String,
    /// Red or green.
    pub state: State,
    /// What was found, in numbers.
    pub found: String,
    /// Why it is red.
    pub reasons: Vec<String>,
    /// Facts that it rests on; not necessarily all of them.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// How many there are in all.
    #[serde(default)]
    pub evidence_total: usize,
}

/// One expected line of the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkerLine {
    /// The line.
    pub line: String,
    /// Whether it was printed in its place, and what it claims holds.
    pub state: State,
    /// Why it is red.
    pub reasons: Vec<String>,
}

/// `verdict.json`. Fields that this crate does not show are passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The configuration's name: `smp4-icount`.
    pub configuration: String,
    /// How the guest ended, in words.
    pub guest: String,
    /// The run's time on the host, s.
    pub host_seconds: f64,
    /// Whether it ran on the legacy transport, and so proves nothing.
    #[serde(default)]
    pub legacy: bool,
    /// Whether everything that had to be proved was.
    pub green: bool,
    /// CPUs asked for.
    pub smp: u16,
    /// Whether the SMP part was judged.
    pub smp_judged: bool,
    /// Facts read.
    pub facts: usize,
    /// The markers, in order.
    pub markers: Vec<MarkerLine>,
    /// The claims.
    pub claims: Vec<Claim>,
    /// Everything that is red, in words.
    pub reasons: Vec<String>,
    /// The command that makes this run again.
    #[serde(default)]
    pub repeat: String,
    /// QEMU's version: `10.0.2`.
    #[serde(default)]
    pub qemu: String,
}

/// The counterfactual matrix, and the kernel that it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// SHA-256 of the shipped kernel of the same tree, in hex.
    pub kernel: String,
    /// Its rows.
    pub faults: Vec<Fault>,
}

/// One row of the counterfactual matrix: a kernel with a fault, and what turned red.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The fault's name.
    pub fault: String,
    /// What it does, in words.
    pub what: String,
    /// Harts of the machine.
    pub smp: u16,
    /// Markers and claims that it must turn red.
    pub must: Vec<String>,
    /// Markers and claims that it may turn red.
    pub may: Vec<String>,
    /// What it did turn red.
    pub red: Vec<String>,
    /// Whether that is as stated.
    pub ok: bool,
}

/// A run, ready to be shown.
#[derive(Clone, Debug)]
pub struct Run {
    /// The judge's word.
    pub verdict: Verdict,
    /// The facts.
    pub trace: Trace,
    /// The console, invalid UTF-8 replaced.
    pub console: String,
    /// Names of the programs in the order in which they are started; a name may be followed by its arguments.
    pub programs: Vec<String>,
    /// SHA-256 of the kernel that ran, in hex, if it is known.
    pub kernel: Option<String>,
    /// The counterfactual matrix, when one was made.
    pub matrix: Option<Matrix>,
}

impl Run {
    /// The claims under each marker line, by the judge's own table. Every claim without a marker is under "".
    pub(crate) fn claims_by_line(&self) -> BTreeMap<String, Vec<&Claim>> {
        // A run of nothing has the same claims under the same markers; `verdict.json` does not say which.
        let table = antler_proof::judge(b"", b"", &Case::new(self.verdict.smp.max(1))).claims;
        let lines = antler_proof::expected_markers(self.verdict.smp.max(1));
        let mut by_line: BTreeMap<String, Vec<&Claim>> = BTreeMap::new();
        for claim in &self.verdict.claims {
            let markers = table.iter().find(|entry| entry.name == claim.name).map_or(&[][..], |e| e.markers);
            let mut under: Vec<String> = lines
                .iter()
                .filter(|line| markers.contains(&line.fact))
                .map(|line| line.text.clone())
                .collect();
            if under.is_empty() {
                under.push(String::new());
            }
            for line in under {
                by_line.entry(line).or_default().push(claim);
            }
        }
        by_line
    }
}
