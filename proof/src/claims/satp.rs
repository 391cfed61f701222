//! Address spaces: a task has one, and is dispatched in it.

use std::collections::{BTreeMap, BTreeSet};

use antler_facts::{Event, Task};

use super::Findings;
use crate::trace::{Trace, task_name};
use crate::verdict::Case;

/// `satp.MODE` of Sv39 (privileged spec, "Supervisor Address Translation and Protection").
const SV39: u64 = 8;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let mut space_of: BTreeMap<Task, u64> = BTreeMap::new();
    for fact in trace.all() {
        let Event::Dispatch { task, satp, .. } = fact.event else { continue };
        findings.must(satp >> 60 == SV39, || {
            format!("cpu{} runs {} with satp {satp:#x}, which is not Sv39", fact.cpu.0, task_name(task))
        });
        let first = *space_of.entry(task).or_insert(satp);
        findings.must(first == satp, || {
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
            findings.must(parent == satp, || {
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
            findings.must(!lived || mine.is_none() || mine != theirs, || {
                format!("programs of {} and {} run in one address space", task_name(*task), task_name(*other))
            });
        }
    }
    findings.must(!space_of.is_empty(), || "no task was ever dispatched".into());
    let spaces: BTreeSet<u64> = space_of.values().copied().collect();
    findings.found(format!("{} tasks in {} address spaces", space_of.len(), spaces.len()));
    findings
}
