//! A CPU that does not exist is no target.

use antler_abi::{Error, Syscall};
use antler_facts::{Cpu, Event, Fact, Marker, Place};

use super::{Findings, no_window};
use crate::case::Case;
use crate::trace::Trace;

pub(super) fn judge(trace: &Trace, case: &Case) -> Findings {
    let mut findings = Findings::default();
    let Some(window) = trace.window(Marker::RejectInvalidTarget) else {
        no_window(&mut findings, Marker::RejectInvalidTarget);
        return findings;
    };
    let mut seen = Refusals::default();
    for cpu in trace.cpus() {
        for refusal in refusals(trace.within(cpu, window), Error::InvalidTarget) {
            findings.at(&refusal.facts).must(refusal.target >= u64::from(case.cpus), || {
                format!("cpu{} is refused as if it did not exist", refusal.target)
            });
            seen.count(&refusal, &mut findings);
        }
    }
    for fact in trace.all() {
        if let Event::TargetRefused { target, error } = fact.event {
            let why = unfounded(trace, case, target, error, fact.time);
            findings.at(&[fact]).must(why.is_none(), || {
                let why = why.unwrap_or_default();
                format!("cpu{} refuses target {target} at {} ns: {error}; but {why}", fact.cpu.0, fact.time)
            });
        }
    }
    seen.both("a CPU that does not exist", &mut findings);
    for fact in trace.all() {
        if let Event::Request { target, .. } | Event::Ring { target, .. } = fact.event {
            findings.at(&[fact]).must(target.0 < case.cpus, || {
                format!("cpu{} posted to cpu{}, which does not exist", fact.cpu.0, target.0)
            });
        }
    }
    findings.found(format!("refused {} times from U-mode, {} in the kernel", seen.user, seen.kernel));
    findings
}

/// Why a target was not to be refused for that reason, if it was not.
fn unfounded(trace: &Trace, case: &Case, target: u64, error: Error, at: u64) -> Option<&'static str> {
    let cpu = u16::try_from(target).ok().filter(|cpu| *cpu < case.cpus).map(Cpu);
    match (error, cpu) {
        (Error::InvalidTarget, None) => None,
        (Error::InvalidTarget, Some(_)) => Some("that CPU exists"),
        (Error::Offline, Some(cpu)) if trace.away(cpu).iter().any(|span| span.has(at)) => None,
        (Error::Offline, Some(_)) => Some("that CPU was online"),
        (Error::Offline, None) => Some("there is no such CPU"),
        _ => Some("that is no reason to refuse a target"),
    }
}

/// One refused target and the system call around it.
pub(super) struct Refusal<'a> {
    pub target: u64,
    /// Number of the system call.
    pub call: u64,
    /// Whether that call itself was refused with the same error.
    pub told: bool,
    /// What the CPU posted, rang or sent to anybody in the entry of that call: a call that is refused changes nothing, so
    /// nothing else has cause to.
    pub sent: Option<&'a Fact>,
    pub time: u64,
    /// The call, the refused target, and what the caller was told.
    pub facts: Vec<&'a Fact>,
}

/// How many refusals by which way.
#[derive(Default)]
pub(super) struct Refusals {
    pub user: usize,
    pub kernel: usize,
}

impl Refusals {
    /// Counts one, and checks that the caller was told.
    pub fn count(&mut self, refusal: &Refusal<'_>, findings: &mut Findings) {
        match Syscall::from_number(refusal.call as usize) {
            Some(Syscall::Resched) => self.user += 1,
            Some(Syscall::Probe) => self.kernel += 1,
            _ => return,
        }
        findings.shows_all(refusal.facts.iter().copied());
        let sent: Vec<&Fact> = refusal.facts.iter().copied().chain(refusal.sent).collect();
        findings.at(&sent).must(refusal.sent.is_none(), || {
            format!(
                "target {} was refused, and in the same entry something was sent: {:?}",
                refusal.target,
                refusal.sent.map(|fact| fact.event)
            )
        });
        findings
            .at(&refusal.facts)
            .must(refusal.told, || format!("target {} was refused, but the call went well", refusal.target));
    }

    /// Both ways must have been tried.
    pub fn both(&self, what: &str, findings: &mut Findings) {
        findings.must(self.user > 0, || format!("no resched call from U-mode was refused for {what}"));
        findings.must(self.kernel > 0, || format!("the kernel itself never refused {what} as a target"));
    }
}

/// Whether the fact is about something that another CPU will notice.
fn sends(fact: &Fact) -> bool {
    matches!(
        fact.event,
        Event::Request { .. }
            | Event::Ring { .. }
            | Event::Rode { .. }
            | Event::Withheld { .. }
            | Event::Enqueue { place: Place::Inbox, .. }
    )
}

/// Every `TargetRefused` with that error among one CPU's facts, with its system call.
pub(super) fn refusals(facts: &[Fact], error: Error) -> Vec<Refusal<'_>> {
    let call = |fact: &Fact| matches!(fact.event, Event::Syscall { .. });
    let mut found = Vec::new();
    for (index, fact) in facts.iter().enumerate() {
        let Event::TargetRefused { target, error: e } = fact.event else { continue };
        let Some(begin) = facts[..index].iter().rposition(call).filter(|_| e == error) else { continue };
        let end = facts[index..].iter().position(call).map_or(facts.len(), |offset| index + offset);
        let Event::Syscall { number, .. } = facts[begin].event else { continue };
        let over = |f: &Fact| {
            matches!(
                f.event,
                Event::TrapUser { .. }
                    | Event::Syscall { .. }
                    | Event::Leave { .. }
                    | Event::Dispatch { .. }
                    | Event::IdleBegin {}
                    | Event::Marker { .. }
            )
        };
        let entry = &facts[begin + 1..];
        let entry = &entry[..entry.iter().position(over).unwrap_or(entry.len())];
        let told = |f: &Fact| matches!(f.event, Event::Refused { number: n, error: e, .. } if n == number && e == error);
        let told = facts[index..end].iter().find(|fact| told(fact));
        found.push(Refusal {
            target,
            call: number,
            told: told.is_some(),
            sent: entry.iter().find(|fact| sends(fact)),
            time: fact.time,
            facts: [&facts[begin], fact].into_iter().chain(told).collect(),
        });
    }
    found
}
