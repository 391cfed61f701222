//! The claims: each one function from facts to red or green, each in a file of its own.

mod bound;
mod ceiling;
mod chain;
mod counterfactual;
mod end;
mod entries;
mod integrity;
mod isolation;
mod offline;
mod online;
mod ownership;
mod platform;
mod resched;
mod satp;
mod stealing;
mod target;
mod timer;
mod traps;

use antler_facts::Marker;
use serde::Serialize;

use crate::trace::Trace;
use crate::verdict::Case;

/// Reasons kept for one claim; further ones are counted.
const REASONS: usize = 12;

/// What became of a claim or a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Proved.
    Green,
    /// Not proved.
    Red,
    /// Not looked at in this run.
    NotJudged,
}

/// One claim and what the facts say of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// Short name.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub says: &'static str,
    /// The marker lines that it stands under: which of the self-tests, or `None` for `cpuN online`.
    #[serde(skip)]
    pub markers: &'static [Option<Marker>],
    /// Red or green.
    pub state: State,
    /// What was found, in numbers.
    pub found: String,
    /// Why it is red; at most a dozen.
    pub reasons: Vec<String>,
}

/// What a claim's function gathers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    reasons: Vec<String>,
    more: usize,
    found: String,
}

impl Findings {
    /// Something that contradicts the claim, or evidence that is missing.
    pub fn red(&mut self, reason: impl Into<String>) {
        match self.reasons.len() < REASONS {
            true => self.reasons.push(reason.into()),
            false => self.more += 1,
        }
    }

    /// Red unless `holds`.
    pub fn must(&mut self, holds: bool, reason: impl FnOnce() -> String) {
        if !holds {
            self.red(reason());
        }
    }

    /// What was found, in numbers, for a claim that holds.
    pub fn found(&mut self, found: impl Into<String>) {
        self.found = found.into();
    }
}

type Judge = fn(&Trace, &Case) -> Findings;

/// A claim before it is judged.
struct Entry {
    name: &'static str,
    says: &'static str,
    /// Judged only when SMP is.
    smp: bool,
    markers: &'static [Option<Marker>],
    judge: Judge,
}

const fn entry(
    name: &'static str,
    smp: bool,
    markers: &'static [Option<Marker>],
    judge: Judge,
    says: &'static str,
) -> Entry {
    Entry { name, says, smp, markers, judge }
}

const ONLINE: &[Option<Marker>] = &[None, Some(Marker::SmpOnline)];

static CLAIMS: [Entry; 19] = [
    entry("integrity", false, &[], integrity::judge, "every CPU's facts are there, in order, none dropped"),
    entry(
        "platform",
        false,
        &[Some(Marker::Boot)],
        platform::judge,
        "the machine has the harts asked for, cpu0 is the boot hart, facts leave by a modern port",
    ),
    entry(
        "end",
        false,
        &[Some(Marker::Done)],
        end::judge,
        "the kernel ended the machine itself, with the code seen",
    ),
    entry(
        "ownership",
        false,
        &[],
        ownership::judge,
        "each task is in one place, runs on one CPU at a time and ends exactly once",
    ),
    entry(
        "traps",
        false,
        &[Some(Marker::Trap), Some(Marker::UserMode)],
        traps::judge,
        "every trap and system call came from the task that the CPU ran, and programs did run",
    ),
    entry(
        "entries",
        false,
        &[Some(Marker::Trap)],
        entries::judge,
        "every entry into the kernel follows its steps: trap, cause, what is done about it",
    ),
    entry(
        "timer",
        false,
        &[Some(Marker::Timer)],
        timer::judge,
        "timers fire at or after their deadline and wake sleepers",
    ),
    entry(
        "isolation",
        false,
        &[Some(Marker::Isolation)],
        isolation::judge,
        "wild programs are ended, bad pointers refused, everything else runs on",
    ),
    entry(
        "address spaces",
        false,
        &[],
        satp::judge,
        "each task always runs in its own address space, switched at dispatch",
    ),
    entry(
        "online",
        true,
        ONLINE,
        online::judge,
        "every hart came up by itself, on its own stack and block, and answered a Call from there",
    ),
    entry(
        "ipi chain",
        true,
        &[],
        chain::judge,
        "every request has one doorbell, is seen by its target and acknowledged to its true sender",
    ),
    entry(
        "counterfactual",
        true,
        &[Some(Marker::IpiCounterfactual)],
        counterfactual::judge,
        "without the doorbell nothing happens for 100 system calls; with it, at once",
    ),
    entry(
        "resched",
        true,
        &[Some(Marker::IpiResched)],
        resched::judge,
        "between every two CPUs, one IPI alone makes a busy CPU run the task it was sent for",
    ),
    entry(
        "reject invalid target",
        true,
        &[Some(Marker::RejectInvalidTarget)],
        target::judge,
        "a CPU that does not exist is refused, from U-mode and in the kernel, and nothing is sent",
    ),
    entry(
        "reject offline target",
        true,
        &[Some(Marker::RejectOffline)],
        offline::judge,
        "a stopped CPU is refused while firmware says STOPPED, and works again after its return",
    ),
    entry(
        "stealing",
        true,
        &[Some(Marker::WorkStealing)],
        stealing::judge,
        "work put on one CPU is stolen and runs on several at once, each task exactly once",
    ),
    entry(
        "steals",
        false,
        &[],
        stealing::judge_all,
        "every steal moves what it says, from where the tasks were",
    ),
    entry(
        "steal bound",
        true,
        &[Some(Marker::RejectStealAboveBound)],
        bound::judge,
        "more than the bound is refused, and a real idle steal moves at most the bound",
    ),
    entry(
        "class ceiling",
        true,
        &[Some(Marker::RejectStealHigherQos)],
        ceiling::judge,
        "a CPU with a ceiling leaves higher classes alone and still takes lower ones",
    ),
];

/// Names of all claims, in the order in which they are judged.
pub fn names() -> impl Iterator<Item = &'static str> {
    CLAIMS.iter().map(|entry| entry.name)
}

/// Every claim, judged.
pub(crate) fn judge_all(trace: &Trace, case: &Case) -> Vec<Claim> {
    CLAIMS.iter().map(|entry| conclude(entry, trace, case)).collect()
}

fn conclude(entry: &Entry, trace: &Trace, case: &Case) -> Claim {
    let mut claim = Claim {
        name: entry.name,
        says: entry.says,
        markers: entry.markers,
        state: State::NotJudged,
        found: String::new(),
        reasons: Vec::new(),
    };
    if entry.smp && !case.smp_judged {
        return claim;
    }
    let Findings { mut reasons, more, found } = (entry.judge)(trace, case);
    if more > 0 {
        reasons.push(format!("and {more} more of this claim"));
    }
    claim.state = if reasons.is_empty() { State::Green } else { State::Red };
    (claim.reasons, claim.found) = (reasons, found);
    claim
}

/// Reports that a claim's window is missing, because its marker was never stated.
pub(crate) fn no_window(findings: &mut Findings, marker: Marker) {
    findings.red(format!("no fact states the {marker:?} self-test, so there is nothing to look at"));
}
