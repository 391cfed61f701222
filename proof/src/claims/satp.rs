//! Address spaces: a task has one, and is dispatched in it.

use std::collections::{BTreeMap, BTreeSet};

use antler_facts::{Event, Fact, Task};

use super::Findings;
use crate::trace::Trace;
use crate::verdict::Case;
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
    let firsts: Vec<_> = trace.lives().iter().filter(|(_, life)| life.parent == Task(0)).collect();
    for (index, (task, life)) in firsts.iter().enumerate() {
        let begin = life.ran.first().map_or(u64::MAX, |stay| stay.span.from);
        let end = life.exit.unwrap_or(u64::MAX);
        for (other, twin) in &firsts[..index] {
            let lived = twin.ran.first().is_some_and(|stay| stay.span.from < end)
                && twin.exit.unwrap_or(u64::MAX) > begin;
            let (mine, theirs) = (space_of.get(task), space_of.get(other));
            let runs: Vec<&Fact> =
                [task, other].into_iter().filter_map(|task| first_run.get(task).copied()).collect();
            findings.at(&runs).must(!lived || mine.is_none() || mine != theirs, || {
                format!("programs of {} and {} run in one address space", task_name(*task), task_name(*other))
            });
        }
    }
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
