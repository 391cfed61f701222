//! Address spaces: a task has one, and is dispatched in it.

use std::collections::{BTreeMap, BTreeSet};

use antler_facts::{Event, Fact, Task};

use super::Findings;
use crate::case::Case;
use crate::trace::{Trace, Window};
use crate::words::task_name;

/// `satp.MODE` of Sv39 (privileged spec, "Supervisor Address Translation and Protection").
const SV39: u64 = 8;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let mut space_of: BTreeMap<Task, u64> = BTreeMap::new();
    let mut first_run: BTreeMap<Task, &Fact> = BTreeMap::new();
    for fact in trace.all() {
        let Event::Dispatch { task, satp, .. } = fact.event else { continue };
        findings.at(&[fact]).must(satp >> 60 == SV39, || {
            format!("cpu{} runs {} with satp {satp:#x}, which is not Sv39", fact.cpu.0, task_name(task))
        });
        let first = *space_of.entry(task).or_insert(satp);
        let begun = *first_run.entry(task).or_insert(fact);
        findings.at(&[begun, fact]).must(first == satp, || {
            format!(
                "cpu{} runs {} with satp {satp:#x}, elsewhere it had {first:#x}",
                fact.cpu.0,
                task_name(task)
            )
        });
    }
    // A thread shares its parent's space; a program's first thread has one that no other living program has.
    for (task, satp) in &space_of {
        let Some(life) = trace.lives().get(*task) else { continue };
        if let Some(parent) = space_of.get(&life.parent) {
            let runs: Vec<&Fact> =
                [task, &life.parent].into_iter().filter_map(|task| first_run.get(task).copied()).collect();
            findings.at(&runs).must(parent == satp, || {
                format!(
                    "{} runs in another space than its parent {}",
                    task_name(*task),
                    task_name(life.parent)
                )
            });
        }
    }
    shared(trace, &space_of, &first_run, &mut findings);
    findings.must(!space_of.is_empty(), || "no task was ever dispatched".into());
    // Each space by the first task that ran in it, then every task's first run.
    let mut spaces_shown = BTreeSet::new();
    for fact in first_run.values() {
        if matches!(fact.event, Event::Dispatch { satp, .. } if spaces_shown.insert(satp)) {
            findings.shows(fact);
        }
    }
    findings.shows_all(first_run.into_values());
    let spaces: BTreeSet<u64> = space_of.values().copied().collect();
    findings.found(format!("{} tasks in {} address spaces", space_of.len(), spaces.len()));
    findings
}

/// A space is a program's from the first run of one of its threads until the last of them ends; in that time it is no other
/// program's.
fn shared(
    trace: &Trace,
    space_of: &BTreeMap<Task, u64>,
    first_run: &BTreeMap<Task, &Fact>,
    findings: &mut Findings,
) {
    let mut spans: BTreeMap<Task, Window> = BTreeMap::new();
    for (task, life) in trace.lives().iter() {
        let Some(begun) = life.ran.first() else { continue };
        let span = Window { from: begun.span.from, to: life.exit.unwrap_or(u64::MAX) };
        let whole = spans.entry(trace.lives().first_of(task)).or_insert(span);
        *whole = Window { from: whole.from.min(span.from), to: whole.to.max(span.to) };
    }
    let mut users: BTreeMap<u64, Vec<(Window, Task)>> = BTreeMap::new();
    for (first, span) in spans {
        if let Some(satp) = space_of.get(&first) {
            users.entry(*satp).or_default().push((span, first));
        }
    }
    for mut programs in users.into_values() {
        programs.sort_by_key(|(span, first)| (span.from, *first));
        let mut last: Option<(Window, Task)> = None;
        for (span, first) in programs {
            if let Some((before, other)) = last {
                let runs: Vec<&Fact> =
                    [first, other].into_iter().filter_map(|task| first_run.get(&task).copied()).collect();
                findings.at(&runs).must(before.to <= span.from || span.to <= before.from, || {
                    let (high, low) = (first.max(other), first.min(other));
                    format!("programs of {} and {} run in one address space", task_name(high), task_name(low))
                });
            }
            last = last.filter(|(before, _)| before.to > span.to).or(Some((span, first)));
        }
    }
}
