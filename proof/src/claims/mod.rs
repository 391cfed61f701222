//! The claims: each one function from facts to red or green, each in a file of its own.

mod bound;
mod calls;
mod ceiling;
mod chain;
mod counterfactual;
mod end;
mod entries;
mod findings;
mod integrity;
mod isolation;
mod migration;
mod offline;
mod online;
mod ownership;
mod platform;
mod qos;
mod resched;
mod returns;
mod rights;
mod satp;
mod stacks;
mod stealing;
mod stop;
mod target;
mod timer;
mod traps;
mod user_mode;

use antler_facts::Marker;
use serde::Serialize;

pub use findings::Evidence;
pub(crate) use findings::Findings;

use crate::case::Case;
use crate::trace::Trace;

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
    /// The facts that prove it, or contradict it; at most 64, those that contradict it first.
    pub evidence: Vec<Evidence>,
    /// How many facts there were to choose from.
    pub evidence_total: usize,
    /// It is red for nothing but that its self-test was never stated to be over: the kernel's own checks, or a bound, ended
    /// the run before the judge had anything to look at.
    pub by_absence: bool,
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

static CLAIMS: [Entry; 26] = [
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
        "stop",
        false,
        &[Some(Marker::Done)],
        stop::judge,
        "one CPU ends the machine, after every other one was asked to stop, did, and said nothing more",
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
        "every trap and system call came from the task that the CPU ran",
    ),
    entry(
        "returns",
        false,
        &[Some(Marker::Trap)],
        returns::judge,
        "a task goes on behind its calls, behind its yields, and behind every end of a slice",
    ),
    entry(
        "user mode",
        false,
        &[Some(Marker::UserMode)],
        user_mode::judge,
        "calls of every kind are answered, wrong ones are refused with the error of their kind, threads begin and end",
    ),
    entry(
        "entries",
        false,
        &[Some(Marker::Trap)],
        entries::judge,
        "every entry into the kernel follows its steps: trap, cause, what is done about it",
    ),
    entry(
        "calls",
        false,
        &[Some(Marker::UserMode)],
        calls::judge,
        "every system call has the effects of its kind, and nothing that takes a call happens without one",
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
        "wild programs are ended, bad pointers and rights that they lack refused, everything else runs on",
    ),
    entry(
        "qos",
        false,
        &[],
        qos::judge,
        "no CPU runs a class while it knows of something higher in its queue",
    ),
    entry(
        "migration",
        false,
        &[],
        migration::judge,
        "a task that changes its CPU was moved by a steal, a wake, a CPU that left or a ceiling, and stays itself",
    ),
    entry(
        "address spaces",
        false,
        &[],
        satp::judge,
        "each task always runs in its own address space, switched at dispatch",
    ),
    entry(
        "trap stacks",
        false,
        ONLINE,
        stacks::judge,
        "each CPU has a trap stack and a hart block of its own, keeps them, and answers Calls from there",
    ),
    entry(
        "online",
        true,
        ONLINE,
        online::judge,
        "every hart came up by itself, was checked, and answered a Call",
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

/// Whether any claim is red; looks no further than the first.
#[cfg(test)]
pub(crate) fn any_red(trace: &Trace, case: &Case) -> bool {
    CLAIMS.iter().any(|entry| conclude(entry, trace, case).state == State::Red)
}

fn conclude(entry: &Entry, trace: &Trace, case: &Case) -> Claim {
    let mut claim = Claim {
        name: entry.name,
        says: entry.says,
        markers: entry.markers,
        state: State::NotJudged,
        found: String::new(),
        reasons: Vec::new(),
        evidence: Vec::new(),
        evidence_total: 0,
        by_absence: false,
    };
    if entry.smp && !case.smp_judged {
        return claim;
    }
    let findings = (entry.judge)(trace, case);
    let no_window = findings.no_window;
    let (reasons, found, evidence, total) = findings.conclude();
    claim.by_absence = no_window && reasons.len() == 1;
    claim.state = if reasons.is_empty() { State::Green } else { State::Red };
    (claim.reasons, claim.found) = (reasons, found);
    (claim.evidence, claim.evidence_total) = (evidence, total);
    claim
}

/// Reports that a claim's window is missing, because its marker was never stated.
pub(crate) fn no_window(findings: &mut Findings, marker: Marker) {
    findings.no_window = true;
    findings.red(format!("no fact states the {marker:?} self-test, so there is nothing to look at"));
}
