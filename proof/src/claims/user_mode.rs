//! System calls of every kind are answered, and wrong ones refused with the error of their kind. What the answers are, and
//! whether memory holds what was written, only the guest can see.

use std::collections::BTreeSet;

use antler_abi::{Error, Syscall};
use antler_facts::{Event, Fact, Marker, Task};

use super::{Findings, no_window};
use crate::case::Case;
use crate::trace::Trace;

/// Calls that must have been made, and not refused.
const ANSWERED: [Syscall; 13] = [
    Syscall::FileFind,
    Syscall::FileInfo,
    Syscall::FileRead,
    Syscall::Args,
    Syscall::Map,
    Syscall::Unmap,
    Syscall::Reserve,
    Syscall::Spawn,
    Syscall::Join,
    Syscall::Clock,
    Syscall::Cpu,
    Syscall::CpusOnline,
    Syscall::SetQos,
];

/// Errors that must have been given, and with how many different first arguments or numbers.
const REFUSED: [(Error, usize); 5] = [
    (Error::NoSuchCall, 3),
    (Error::NoFile, 2),
    (Error::Exists, 1),
    (Error::BadArgument, 2),
    (Error::BadHandle, 3),
];

/// Threads that must begin and end.
const THREADS: usize = 2;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let Some(window) = trace.window(Marker::UserMode) else {
        no_window(&mut findings, Marker::UserMode);
        return findings;
    };
    let (mut answered, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for cpu in trace.cpus() {
        let facts = trace.within(cpu, window);
        for (at, fact) in facts.iter().enumerate() {
            match fact.event {
                Event::Syscall { number, .. }
                    if !is_refused(&facts[at..], number) && answered.insert(number) =>
                {
                    findings.shows(fact);
                }
                Event::Refused { number, error, argument }
                    if refused.insert((error.code(), number, argument)) =>
                {
                    findings.shows(fact);
                }
                _ => {}
            }
        }
    }
    let missing = ANSWERED.into_iter().filter(|call| !answered.contains(&(call.number() as u64)));
    let missing: Vec<String> = missing.map(|call| format!("{call:?}")).collect();
    findings.must(missing.is_empty(), || {
        format!("before the user-mode marker no call of these kinds was answered: {}", missing.join(", "))
    });
    for (error, wanted) in REFUSED {
        let found = refused.iter().filter(|(code, ..)| *code == error.code()).count();
        findings.must(found >= wanted, || {
            format!("before the user-mode marker {found} different calls were refused with {error:?}, {wanted} are needed")
        });
    }
    let threads = trace.lives().iter().filter(|(_, life)| {
        life.parent != Task(0)
            && life.spawned.is_some_and(|(_, at)| window.has(at))
            && life.exit.is_some_and(|at| window.has(at))
            && !life.ran.is_empty()
    });
    let threads = threads.count();
    findings.must(threads >= THREADS, || {
        format!("before the user-mode marker {threads} threads began and ended, {THREADS} are needed")
    });
    findings.found(format!(
        "{} kinds of calls answered, {} different calls refused, {threads} threads begun and ended",
        answered.len(),
        refused.len()
    ));
    findings
}

/// Whether the call that is the first of these facts is refused before its task enters the kernel again.
pub(super) fn is_refused(facts: &[Fact], number: u64) -> bool {
    let over = |fact: &&Fact| !matches!(fact.event, Event::TrapUser { .. } | Event::Dispatch { .. });
    facts
        .iter()
        .take_while(over)
        .any(|fact| matches!(fact.event, Event::Refused { number: n, .. } if n == number))
}
