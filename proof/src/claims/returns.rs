//! A task that enters the kernel goes on where it was: behind calls, behind yields, and behind the ends of its slices. What
//! its registers hold then only the guest can compare.

use std::collections::BTreeMap;

use antler_abi::Syscall;
use antler_facts::{Cpu, Event, Fact, Leave, Marker, Task};

use super::{Findings, no_window};
use crate::case::Case;
use crate::trace::{Trace, Window};
use crate::words::{TIMER_INTERRUPT, task_name};

/// Calls of each kind that one task must make, and go on.
const CALLS: usize = 16;
/// Slices that must end under one task.
const SLICES: usize = 5;

/// What one task did, and went on behind.
#[derive(Default)]
struct Did<'a> {
    nulls: Vec<&'a Fact>,
    yields: Vec<&'a Fact>,
    slices: Vec<&'a Fact>,
}

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let Some(window) = trace.window(Marker::Trap) else {
        no_window(&mut findings, Marker::Trap);
        return findings;
    };
    let last = last_entries(trace, window);
    let goes_on = |task: Task, fact: &Fact| last.get(&task).is_some_and(|last| *last > moment(fact));
    let mut tasks: BTreeMap<Task, Did<'_>> = BTreeMap::new();
    for cpu in trace.cpus() {
        let facts = trace.within(cpu, window);
        for (at, fact) in facts.iter().enumerate() {
            match fact.event {
                Event::Syscall { number, task } if goes_on(task, fact) => {
                    let did = tasks.entry(task).or_default();
                    if number == Syscall::Null.number() as u64 {
                        did.nulls.push(fact);
                    } else if number == Syscall::Yield.number() as u64 {
                        did.yields.push(fact);
                    }
                }
                Event::Leave { task, why: Leave::Preempt }
                    if by_timer(&facts[..at], task) && goes_on(task, fact) =>
                {
                    tasks.entry(task).or_default().slices.push(fact);
                }
                _ => {}
            }
        }
    }
    let most = |count: fn(&Did<'_>) -> usize| {
        let most = tasks.iter().max_by_key(|(_, did)| count(did));
        most.map_or((0, String::from("no task")), |(task, did)| (count(did), task_name(*task)))
    };
    for (what, wanted, (found, task)) in [
        ("null calls", CALLS, most(|did| did.nulls.len())),
        ("yields", CALLS, most(|did| did.yields.len())),
        ("ends of its slices", SLICES, most(|did| did.slices.len())),
    ] {
        findings.must(found >= wanted, || {
            format!("before the trap marker {task} went on behind {found} {what}; {wanted} are needed")
        });
    }
    let (mut calls, mut slices) = (0, 0);
    for did in tasks.values() {
        calls += did.nulls.len() + did.yields.len();
        slices += did.slices.len();
        // Slices first: there are few of them, and only so many facts are kept.
        findings.shows_all(did.slices.iter().chain(&did.yields).chain(&did.nulls).copied());
    }
    findings.found(format!("tasks went on behind {calls} calls and {slices} ends of slices"));
    findings
}

/// Whether the entry under way, of which these are the last facts, began with the timer that interrupted the task.
fn by_timer(facts: &[Fact], task: Task) -> bool {
    let trap = facts.iter().rev().find(|fact| matches!(fact.event, Event::TrapUser { .. }));
    trap.is_some_and(|trap| trap.event == Event::TrapUser { cause: TIMER_INTERRUPT, task })
}

/// When each task entered the kernel last: time, CPU, number. What it did before that, it went on behind.
fn last_entries(trace: &Trace, window: Window) -> BTreeMap<Task, (u64, Cpu, u32)> {
    let mut last = BTreeMap::new();
    for fact in trace.all_within(window) {
        if let Event::TrapUser { task, .. } = fact.event {
            let entered = last.entry(task).or_insert_with(|| moment(fact));
            *entered = moment(fact).max(*entered);
        }
    }
    last
}

fn moment(fact: &Fact) -> (u64, Cpu, u32) {
    (fact.time, fact.cpu, fact.seq)
}
