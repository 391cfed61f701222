//! Wild programs end, and only they; bad pointers, and calls that take a right, are refused.

use std::collections::{BTreeMap, BTreeSet};

use antler_abi::{Error, Syscall};
use antler_facts::{Event, Fact, Marker, Task};

use super::Findings;
use crate::case::Case;
use crate::trace::Trace;
use crate::words::task_name;

/// The faults that wild programs commit, one each: what it does, and the `scause` values that are the hardware's word for it
/// (page fault or access fault; privileged spec, table of `scause`).
const FAULTS: [(&str, [u64; 2]); 4] = [
    ("a read of kernel memory", [13, 5]),
    ("a jump into the void", [12, 1]),
    ("a stack overflow", [15, 7]),
    ("an instruction that there is not", [2, 2]),
];

/// Calls that take a pointer, each of which must be refused so many times for bad ones; and whether it is their first
/// argument, which a fact states: then they must be different ones.
const POINTERS: [(Syscall, bool); 6] = [
    (Syscall::Write, true),
    (Syscall::FileFind, true),
    (Syscall::FileInfo, false),
    (Syscall::FileRead, false),
    (Syscall::Wait, true),
    (Syscall::Wake, true),
];
const BAD: usize = 5;

/// Calls that must be refused for want of a right, each so many times by each wild program: a higher class, a thread of one, a
/// pinned thread, and so on.
const RIGHTS: [(Syscall, usize); 6] = [
    (Syscall::SetQos, 1),
    (Syscall::Spawn, 2),
    (Syscall::Resched, 1),
    (Syscall::CpuOffline, 1),
    (Syscall::CpuOnline, 1),
    (Syscall::Probe, 1),
];

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let Some(until) = trace.marker_time(Marker::Isolation) else {
        super::no_window(&mut findings, Marker::Isolation);
        return findings;
    };
    let late = |fact: &&Fact| fact.time > until && matches!(fact.event, Event::Fault { .. });
    for fact in trace.all().filter(late) {
        findings.at(&[fact]).red(format!(
            "cpu{} ends a program for a fault at {} ns, when all wild programs have ended",
            fact.cpu.0, fact.time
        ));
    }
    let faults: Vec<_> = trace
        .all()
        .filter(|fact| fact.time <= until)
        .filter_map(|fact| match fact.event {
            Event::Fault { task, cause, address } => {
                let kernel = address >> 63 == 1;
                findings.at(&[fact]).must(kernel || !FAULTS[0].1.contains(&cause), || {
                    format!(
                        "{} was ended for reading {address:#x}, which is not the kernel's",
                        task_name(task)
                    )
                });
                Some((fact, task, cause))
            }
            _ => None,
        })
        .collect();
    for (what, causes) in FAULTS {
        let ended = || faults.iter().filter(|(.., cause)| causes.contains(cause));
        findings.must(ended().next().is_some(), || {
            format!("no program was ended for {what} (scause {} or {})", causes[0], causes[1])
        });
        let tasks: BTreeSet<Task> = ended().map(|(_, task, _)| *task).collect();
        let facts: Vec<&Fact> = ended().map(|(fact, ..)| *fact).collect();
        findings.at(&facts).must(tasks.len() <= 1, || {
            format!("{} programs were ended for {what}; one does that", tasks.len())
        });
    }
    for (fact, task, cause) in &faults {
        let known = FAULTS.iter().any(|(_, causes)| causes.contains(cause));
        findings.at(&[fact]).must(known, || {
            format!("{} was ended for scause {cause:#x}, which no program here causes", task_name(*task))
        });
    }
    for (fact, task, cause) in &faults {
        let life = trace.lives().get(*task);
        let twice = faults.iter().filter(|(_, other, _)| other == task).count() > 1;
        findings.shows_all([*fact]);
        findings.at(&[fact]).must(!twice, || format!("{} was ended for a fault twice", task_name(*task)));
        findings.shows_all(life.and_then(|life| life.last()));
        findings.at(&[fact]).must(life.is_some_and(|life| life.exit.is_some_and(|at| at <= until)), || {
            format!(
                "{} faulted (scause {cause}), but its end was not stated before the marker",
                task_name(*task)
            )
        });
        let again = life.and_then(|life| life.ran.iter().find(|stay| stay.span.from > fact.time));
        let facts: Vec<&Fact> = [*fact].into_iter().chain(again.map(|stay| &stay.begin)).collect();
        findings.at(&facts).must(life.is_some() && again.is_none(), || {
            format!("{} ran again after its fault at {} ns", task_name(*task), fact.time)
        });
        let others = trace.all().any(|later| {
            matches!(later.event, Event::Dispatch { task: t, .. } if t != *task) && later.time >= fact.time
        });
        findings
            .at(&[fact])
            .must(others, || format!("no other task ran after the fault of {}", task_name(*task)));
    }
    let refused = trace.all().filter(|fact| fact.time <= until).filter_map(|fact| match fact.event {
        Event::Refused { number, error: Error::BadAddress, argument } => Some((fact, number, argument)),
        _ => None,
    });
    let refused: Vec<(&Fact, u64, u64)> = refused.collect();
    findings.shows_all(refused.iter().map(|(fact, ..)| *fact));
    for (call, states_it) in POINTERS {
        let of_call = refused.iter().filter(|(_, number, _)| *number == call.number() as u64);
        let pointers: BTreeSet<u64> = of_call.clone().map(|(.., argument)| *argument).collect();
        let times = if states_it { pointers.len() } else { of_call.count() };
        findings.must(times >= BAD, || {
            format!("{call:?} was refused for {times} bad pointers before the marker; {BAD} are needed")
        });
    }
    let wild: BTreeSet<Task> = faults.iter().map(|(_, task, _)| *task).collect();
    let rights = rights(trace, &wild, until, &mut findings);
    let refused = refused.len();
    findings.found(format!(
        "{} programs ended for faults, {refused} bad pointers and {rights} calls without the right refused",
        faults.len()
    ));
    findings
}

/// Calls refused for want of a right before the marker: how many. Each wild program made all of them.
fn rights(trace: &Trace, wild: &BTreeSet<Task>, until: u64, findings: &mut Findings) -> usize {
    let mut denied: BTreeMap<(Task, u64), Vec<&Fact>> = BTreeMap::new();
    for cpu in trace.cpus() {
        for pair in trace.of(cpu).windows(2).filter(|pair| pair[1].time <= until) {
            let (Event::Syscall { task, .. }, Event::Refused { number, error: Error::Denied, .. }) =
                (pair[0].event, pair[1].event)
            else {
                continue;
            };
            denied.entry((task, number)).or_default().push(&pair[1]);
        }
    }
    for (task, (call, wanted)) in wild.iter().flat_map(|task| RIGHTS.map(|right| (*task, right))) {
        let times = denied.get(&(task, call.number() as u64)).map_or(0, Vec::len);
        findings.must(times >= wanted, || {
            format!(
                "{} was refused {call:?} for want of a right {times} times before the marker; {wanted} are needed",
                task_name(task)
            )
        });
    }
    let all: Vec<&Fact> = denied.into_values().flatten().collect();
    findings.shows_all(all.iter().copied());
    all.len()
}
