//! The facts as such: whole, in order, none missing.

use antler_facts::Fact;

use super::Findings;
use crate::case::Case;
use crate::trace::Trace;

pub(super) fn judge(trace: &Trace, case: &Case) -> Findings {
    let mut findings = Findings::default();
    if trace.is_empty() {
        findings.red("there are no facts: the kernel found no modern virtio console, or never got that far");
        return findings;
    }
    for flaw in trace.flaws() {
        let facts: Vec<&Fact> = flaw.facts.iter().collect();
        findings.at(&facts).red(&*flaw.what);
    }
    for cpu in trace.cpus() {
        let facts = trace.of(cpu);
        let ends: Vec<&Fact> = facts.first().into_iter().chain(facts.last()).collect();
        findings.at(&ends).must(cpu.0 < case.cpus, || {
            format!("facts come from cpu{}, but the machine has {} CPUs", cpu.0, case.cpus)
        });
        findings.shows_all(ends);
    }
    findings.found(format!("{} facts of {} CPUs", trace.len(), trace.cpus().count()));
    findings
}
