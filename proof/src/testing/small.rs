//! Traces of a few facts, each told by hand, and what one claim says of them.

use super::*;
use crate::claims::{self, Claim};
use crate::trace::{Flaw, Trace};

/// One fact: who states it, when (ns), what.
pub(super) type Said = (u16, u64, Event);

/// The first task, and others by number.
pub(super) const T: Task = task(1);

/// No reason, no flaw.
pub(super) const NOTHING: [&str; 0] = [];

pub(super) const fn task(number: u64) -> Task {
    Task(1 << 32 | number)
}

/// The facts, numbered per CPU in the order in which they are given.
pub(super) fn trace(said: &[Said]) -> Trace {
    let mut next: BTreeMap<u16, u32> = BTreeMap::new();
    let facts = said.iter().map(|&(cpu, time, event)| {
        let seq = next.entry(cpu).or_default();
        *seq += 1;
        Fact { seq: *seq - 1, cpu: Cpu(cpu), time, event }
    });
    Trace::from_facts(facts.collect::<Vec<_>>())
}

/// What is wrong, in words.
pub(super) fn words(flaws: &[Flaw]) -> Vec<String> {
    flaws.iter().map(|flaw| flaw.what.clone()).collect()
}

/// Why that claim is red on so many CPUs; nothing if it is green.
pub(super) fn reasons(claim: &str, cpus: u16, said: &[Said]) -> Vec<String> {
    reasons_in(claim, &Case::new(cpus), said)
}

/// The same of a run that was asked to be something else.
pub(super) fn reasons_in(claim: &str, case: &Case, said: &[Said]) -> Vec<String> {
    judged(claim, case, said).reasons
}

/// That claim, judged.
pub(super) fn judged(claim: &str, case: &Case, said: &[Said]) -> Claim {
    let claims = claims::judge_all(&trace(said), case);
    claims.into_iter().find(|c| c.name == claim).expect("a claim of that name")
}

/// That claim's reasons are exactly these.
#[track_caller]
pub(super) fn says(claim: &str, cpus: u16, said: &[Said], expected: &[&str]) {
    assert_eq!(reasons(claim, cpus, said), expected);
}

/// One of that claim's reasons is exactly this; others may stand beside it.
#[track_caller]
pub(super) fn tells(claim: &str, cpus: u16, said: &[Said], expected: &str) {
    let reasons = reasons(claim, cpus, said);
    assert!(reasons.iter().any(|reason| reason == expected), "{reasons:#?}");
}

/// The list with one fact in place of the one at `at`.
pub(super) fn with(said: &[Said], at: usize, fact: Said) -> Vec<Said> {
    let mut said = said.to_vec();
    said[at] = fact;
    said
}

/// The list without the facts at these places.
pub(super) fn minus(said: &[Said], gone: &[usize]) -> Vec<Said> {
    said.iter().enumerate().filter(|(at, _)| !gone.contains(at)).map(|(_, fact)| *fact).collect()
}

/// The list with more facts after it.
pub(super) fn plus(said: &[Said], more: &[Said]) -> Vec<Said> {
    [said, more].concat()
}

pub(super) fn marker(marker: Marker) -> Event {
    Event::Marker { marker }
}

pub(super) fn spawned(task: Task, parent: Task) -> Event {
    Event::Spawned { task, parent, class: Qos::Normal }
}

pub(super) fn enqueue(task: Task, target: u16) -> Event {
    Event::Enqueue { task, target: Cpu(target), place: Place::Local }
}

pub(super) fn dispatch(task: Task) -> Event {
    Event::Dispatch { task, class: Qos::Normal, satp: 8 << 60 | 1 }
}

pub(super) fn leave(task: Task, why: Leave) -> Event {
    Event::Leave { task, why }
}

pub(super) fn exit(task: Task) -> Event {
    Event::Exit { task, value: 0 }
}

pub(super) fn stolen(task: Task, victim: u16) -> Event {
    Event::Stolen { task, victim: Cpu(victim) }
}

pub(super) fn evicted(task: Task, to: u16) -> Event {
    Event::Evicted { task, to: Cpu(to) }
}

pub(super) fn trap(task: Task, cause: u64) -> Event {
    Event::TrapUser { cause, task }
}

pub(super) fn syscall(task: Task, call: Syscall) -> Event {
    Event::Syscall { number: call.number() as u64, task }
}

pub(super) fn ask(target: u16, n: u64, what: Request) -> Event {
    Event::Request { target: Cpu(target), n, what }
}

pub(super) fn ring(target: u16, n: u64) -> Event {
    Event::Ring { target: Cpu(target), n }
}

pub(super) fn rode(target: u16, n: u64) -> Event {
    Event::Rode { target: Cpu(target), n }
}

pub(super) fn withheld(target: u16, n: u64) -> Event {
    Event::Withheld { target: Cpu(target), n }
}

pub(super) fn ack(sender: u16, n: u64) -> Event {
    Event::Ack { sender: Cpu(sender), n }
}

/// A doorbell seen in a trap out of U-mode.
pub(super) const SEEN: Event = Event::Seen { at: Seen::Trap };
/// A doorbell seen out of WFI.
pub(super) const WOKE: Event = Event::Seen { at: Seen::Wfi };
/// The trap for a doorbell.
pub(super) const BELL: Event = Event::TrapUser { cause: SOFTWARE_INTERRUPT, task: T };
