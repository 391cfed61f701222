//! Traps and system calls belong to the task that the CPU runs.

use antler_facts::{Event, Fact};

use super::Findings;
use crate::case::Case;
use crate::trace::Trace;
use crate::words::{is_doorbell, task_name};

pub(super) fn judge(trace: &Trace, case: &Case) -> Findings {
    let mut findings = Findings::default();
    let (mut traps, mut calls) = (0usize, 0usize);
    for cpu in trace.cpus() {
        let (mut running, mut dispatched) = (None, None);
        for fact in trace.of(cpu) {
            let (task, what) = match fact.event {
                Event::Dispatch { task, .. } => {
                    (running, dispatched) = (Some(task), Some(fact));
                    continue;
                }
                Event::Leave { .. } => {
                    running = None;
                    continue;
                }
                Event::TrapUser { task, cause } => {
                    traps += 1;
                    let doorbell = case.doorbells.cause();
                    findings.at(&[fact]).must(!is_doorbell(cause) || cause == doorbell, || {
                        format!(
                            "cpu{} was interrupted at {} ns by scause {cause:#x}; on a machine whose doorbells are {} it is \
                             {doorbell:#x}",
                            cpu.0,
                            fact.time,
                            case.doorbells.name()
                        )
                    });
                    (task, "a trap")
                }
                Event::Syscall { task, .. } => {
                    calls += 1;
                    (task, "a system call")
                }
                _ => continue,
            };
            findings.shows(fact);
            let since: Vec<&Fact> = dispatched.into_iter().chain([fact]).collect();
            findings.at(&since).must(running == Some(task), || {
                let current = running.map_or("nothing".to_owned(), task_name);
                format!(
                    "cpu{} states {what} of {} at {} ns while it ran {current}",
                    cpu.0,
                    task_name(task),
                    fact.time
                )
            });
        }
    }
    findings.found(format!("{traps} traps, {calls} system calls"));
    findings
}
