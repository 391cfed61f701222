//! Calls that take a right: resched, a CPU taken offline or brought back, probes. Part of the claim *calls*.

use antler_abi::Syscall;
use antler_facts::{Event, Fact, Task};

use super::{Findings, user_mode::is_refused};
use crate::trace::Trace;
use crate::words::task_name;

/// Calls that take a right are answered for one program only, the one that has the markers stated: others are refused.
pub(super) fn judge(trace: &Trace, findings: &mut Findings) {
    let by_right = [Syscall::Resched, Syscall::CpuOffline, Syscall::CpuOnline, Syscall::Probe];
    let mut answered: Vec<(Task, bool, &Fact)> = Vec::new();
    for cpu in trace.cpus() {
        for (at, pair) in trace.of(cpu).windows(2).enumerate() {
            let Event::Syscall { number, task } = pair[0].event else { continue };
            if by_right.iter().any(|call| call.number() as u64 == number)
                && !is_refused(&trace.of(cpu)[at..], number)
            {
                let marks = matches!(pair[1].event, Event::Marker { .. });
                answered.push((trace.lives().first_of(task), marks, &pair[0]));
            }
        }
    }
    let Some(tester) = answered.iter().find(|(_, marks, _)| *marks).map(|(first, ..)| *first) else { return };
    for (first, _, fact) in answered {
        findings.at(&[fact]).must(first == tester, || {
            format!(
                "cpu{} at {} ns: a call that takes a right is answered for the program of {}, which is not the one that tests",
                fact.cpu.0,
                fact.time,
                task_name(first)
            )
        });
    }
}
