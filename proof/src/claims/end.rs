//! The machine's end is the kernel's own decision.

use antler_facts::Event;

use super::Findings;
use crate::trace::Trace;
use crate::verdict::{Case, GuestEnd};

pub(super) fn judge(trace: &Trace, case: &Case) -> Findings {
    let mut findings = Findings::default();
    let ends: Vec<_> = trace
        .all()
        .filter_map(|fact| match fact.event {
            Event::End { code } => Some((fact.cpu, fact.time, code)),
            _ => None,
        })
        .collect();
    match ends[..] {
        [(cpu, time, code)] => {
            findings.must(trace.of(cpu).last().is_some_and(|fact| fact.event == Event::End { code }), || {
                format!("cpu{} states facts after the machine's end", cpu.0)
            });
            if let GuestEnd::Code(seen) = case.end {
                findings.must(i64::from(seen) == code as i64, || {
                    format!("the kernel states end code {code}, the machine's was {seen}")
                });
            }
            findings.must(code == 0, || format!("the kernel states end code {code}"));
            findings.found(format!("ended at {time} ns with {code}"));
        }
        _ => findings.red(format!("{} facts state the machine's end, one must", ends.len())),
    }
    findings
}
