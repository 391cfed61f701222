//! The machine's end is the kernel's own decision.

use antler_facts::{Event, Fact};

use super::Findings;
use crate::case::{Case, GuestEnd};
use crate::trace::Trace;

pub(super) fn judge(trace: &Trace, case: &Case) -> Findings {
    let mut findings = Findings::default();
    let ends: Vec<_> = trace
        .all()
        .filter_map(|fact| match fact.event {
            Event::End { code } => Some((fact, code)),
            _ => None,
        })
        .collect();
    match ends[..] {
        [(end, code)] => {
            let last = trace.of(end.cpu).last().unwrap_or(end);
            findings
                .at(&[end, last])
                .must(last == end, || format!("cpu{} states facts after the machine's end", end.cpu.0));
            if let GuestEnd::Code(seen) = case.end {
                findings.at(&[end]).must(i64::from(seen) == code as i64, || {
                    format!("the kernel states end code {code}, the machine's was {seen}")
                });
            }
            findings.at(&[end]).must(code == 0, || format!("the kernel states end code {code}"));
            findings.found(format!("ended at {} ns with {code}", end.time));
            findings.shows(end);
        }
        _ => {
            let facts: Vec<&Fact> = ends.iter().map(|(fact, _)| *fact).collect();
            findings.at(&facts).red(format!("{} facts state the machine's end, one must", ends.len()));
        }
    }
    findings
}
