//! Nothing lost, nothing twice: tasks live in one place and end once, CPUs run one task at a time.

use antler_facts::{Cpu, Event, Fact, Leave};

use super::Findings;
use crate::trace::{Trace, task_name};
use crate::verdict::Case;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    for flaw in trace.lives().flaws() {
        findings.red(flaw.clone());
    }
    let mut count = 0;
    for (task, life) in trace.lives().iter() {
        count += 1;
        findings
            .must(life.ended(), || format!("{} never ended: it was last {}", task_name(task), life.place()));
    }
    findings.must(count > 0, || "no task was ever made".into());
    for cpu in trace.cpus() {
        one_at_a_time(cpu, trace.of(cpu), &mut findings);
    }
    findings.found(format!("{count} tasks made and ended"));
    findings
}

/// On one CPU, each dispatch is left before the next begins, and idle is without a task.
fn one_at_a_time(cpu: Cpu, facts: &[Fact], findings: &mut Findings) {
    let mut running = None;
    for fact in facts {
        let trouble = match (fact.event, running) {
            (Event::Dispatch { task, .. }, None) => {
                running = Some(task);
                continue;
            }
            (Event::Leave { task, .. }, Some(current)) if task == current => {
                running = None;
                continue;
            }
            (Event::Dispatch { task, .. }, Some(current)) => {
                running = Some(task);
                format!("runs {} while {} has not left", task_name(task), task_name(current))
            }
            (Event::Leave { task, why }, _) if why != Leave::Exit || running.is_some() => {
                running = None;
                format!("states that {} leaves, which was not running", task_name(task))
            }
            (Event::IdleBegin {}, Some(current)) => format!("goes idle while {} runs", task_name(current)),
            _ => continue,
        };
        findings.red(format!("cpu{} {trouble}, at {} ns", cpu.0, fact.time));
    }
}
