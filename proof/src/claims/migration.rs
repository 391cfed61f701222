//! A task that changes its CPU stays the same task, and something that may move it moved it.

use std::collections::BTreeSet;

use antler_abi::Qos;
use antler_facts::{Cpu, Event, Fact, Leave, Place, Task};

use super::Findings;
use super::ceiling::{Ceiling, ceilings};
use crate::case::Case;
use crate::life::Life;
use crate::requests::leaving;
use crate::trace::Trace;
use crate::words::task_name;

/// What brought a task to another CPU, for the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Steal,
    Wake,
    Evict,
    Ceiling,
}

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let ceilings = ceilings(trace);
    let mut causes = Vec::new();
    for (task, life) in trace.lives().iter() {
        for pair in life.steps.windows(2) {
            step(trace, task, life, &pair[0], &pair[1], &ceilings, &mut findings);
        }
        causes.extend(moves(task, life, &mut findings));
    }
    for cpu in trace.cpus() {
        evictions(trace, cpu, &mut findings);
    }
    let count = |cause| causes.iter().filter(|other| **other == cause).count();
    findings.found(format!(
        "{} moves: {} by steals, {} by wakes, {} by CPUs that left, {} by ceilings",
        causes.len(),
        count(Cause::Steal),
        count(Cause::Wake),
        count(Cause::Evict),
        count(Cause::Ceiling)
    ));
    findings
}

/// Two facts of one task that follow each other.
fn step(
    trace: &Trace,
    task: Task,
    life: &Life,
    before: &Fact,
    fact: &Fact,
    ceilings: &[Ceiling<'_>],
    findings: &mut Findings,
) {
    let Event::Enqueue { target, place, .. } = fact.event else { return };
    let name = task_name(task);
    let by = fact.cpu;
    findings.at(&[fact]).must((place == Place::Local) == (target == by), || {
        format!("cpu{} says {place:?} of {name}, which goes to cpu{}", by.0, target.0)
    });
    match before.event {
        Event::Wake { target: chosen, .. } => {
            findings.at(&[before, fact]).must(chosen == target, || {
                format!("cpu{} woke {name} for cpu{}, and put it on cpu{}", by.0, chosen.0, target.0)
            });
        }
        Event::Evicted { .. } => findings
            .at(&[before, fact])
            .must(target != by, || format!("cpu{} evicted {name} and kept it", by.0)),
        // It leaves a CPU for another one of itself only when it is above the CPU's ceiling.
        Event::Leave { why: Leave::Yield | Leave::Preempt, .. } | Event::Stolen { .. } if target != by => {
            let class = class_before(life, fact);
            findings.at(&[before, fact]).must(
                class.is_none_or(|class| below(trace, ceilings, by, class, fact)),
                || {
                    format!(
                        "cpu{} sent {name} to cpu{} without a ceiling that forbids it here",
                        by.0, target.0
                    )
                },
            );
        }
        // From one queue to another: a ceiling, or the queue's CPU left. The latter is for ownership to judge.
        Event::Enqueue { target: old, .. } if old == by => {
            let class = class_before(life, fact);
            findings.at(&[before, fact]).must(
                class.is_none_or(|class| below(trace, ceilings, by, class, fact)),
                || {
                    format!(
                        "cpu{} handed {name} on to cpu{} without a ceiling that forbids it here",
                        by.0, target.0
                    )
                },
            );
        }
        _ => {}
    }
}

/// The class that the task has at that step, if it did not ask for another since it ran last.
fn class_before(life: &Life, fact: &Fact) -> Option<Qos> {
    let at = life.steps.iter().position(|step| step == fact)?;
    life.steps[..at].iter().rev().find_map(|step| match step.event {
        Event::Syscall { .. } => Some(None),
        Event::Dispatch { class, .. } | Event::Spawned { class, .. } => Some(Some(class)),
        _ => None,
    })?
}

/// Whether a CPU's ceiling was, or may just have been, below that class.
fn below(trace: &Trace, ceilings: &[Ceiling<'_>], cpu: Cpu, class: Qos, fact: &Fact) -> bool {
    ceilings.iter().filter(|ceiling| ceiling.cpu == cpu && ceiling.class < class).any(|ceiling| {
        // It holds before it is stated, from when its setter stated the fact before.
        let from = trace.index(ceiling.set).map_or(0, |at| trace.earliest(ceiling.set.cpu, at));
        (from..=ceiling.span.to).contains(&fact.time)
    })
}

/// Every time that the task ran on one CPU and then on another: what moved it.
fn moves(task: Task, life: &Life, findings: &mut Findings) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut ran: Option<usize> = None;
    for (at, fact) in life.steps.iter().enumerate() {
        let Event::Dispatch { satp, .. } = fact.event else { continue };
        let last = ran.replace(at).map(|last| (last, life.steps[last]));
        let Some((from, old)) = last.filter(|(_, old)| old.cpu != fact.cpu) else { continue };
        let way = &life.steps[from..at];
        let name = task_name(task);
        let all: Vec<&Fact> = way.iter().chain([fact]).collect();
        findings.shows_all(all.iter().copied());
        let cause = way.iter().rev().find_map(|step| match step.event {
            Event::Stolen { .. } => Some(Cause::Steal),
            Event::Evicted { .. } => Some(Cause::Evict),
            Event::Wake { .. } => Some(Cause::Wake),
            Event::Leave { why: Leave::Yield | Leave::Preempt, .. } => Some(Cause::Ceiling),
            _ => None,
        });
        findings.at(&all).must(cause.is_some(), || {
            format!("{name} ran on cpu{} and then on cpu{}, and nothing moved it", old.cpu.0, fact.cpu.0)
        });
        causes.extend(cause);
        let same = matches!(old.event, Event::Dispatch { satp: before, .. } if before == satp);
        findings.at(&[&old, fact]).must(same, || {
            format!("{name} came from cpu{} to cpu{} in another address space", old.cpu.0, fact.cpu.0)
        });
    }
    causes
}

/// Only a CPU on its way out evicts tasks and gives them new homes.
fn evictions(trace: &Trace, cpu: Cpu, findings: &mut Findings) {
    let facts = trace.of(cpu);
    let mut rehomed = BTreeSet::new();
    for (index, (fact, leaves)) in facts.iter().zip(leaving(facts)).enumerate() {
        let (task, to) = match fact.event {
            Event::Evicted { task, to } => (task, to),
            Event::Rehome { task, to } => {
                let parked = waited(trace, task, trace.earliest(cpu, index), fact.time);
                findings.at(&[fact]).must(parked && rehomed.insert(task), || {
                    format!(
                        "cpu{} gives {} a new home at {} ns, which does not wait, or has one",
                        cpu.0,
                        task_name(task),
                        fact.time
                    )
                });
                (task, to)
            }
            Event::Online { .. } => {
                rehomed.clear();
                continue;
            }
            _ => continue,
        };
        let what = fact.event.kind().name();
        findings.at(&[fact]).must(leaves && to != fact.cpu, || {
            format!(
                "cpu{} states {what} of {} at {} ns and does not leave",
                cpu.0,
                task_name(task),
                fact.time
            )
        });
    }
}

/// Whether a task waited at some moment of that span.
fn waited(trace: &Trace, task: Task, from: u64, to: u64) -> bool {
    let steps = trace.lives().get(task).map_or(&[][..], |life| &life.steps);
    steps.iter().enumerate().any(|(at, step)| {
        let left = matches!(step.event, Event::Leave { why: Leave::Block, .. }) && step.time <= to;
        left && steps.get(at + 1).is_none_or(|next| next.time >= from)
    })
}
