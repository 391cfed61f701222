//! The facts as such: whole, in order, none missing.

use super::Findings;
use crate::trace::Trace;
use crate::verdict::Case;

pub(super) fn judge(trace: &Trace, case: &Case) -> Findings {
    let mut findings = Findings::default();
    if trace.is_empty() {
        findings.red("there are no facts: the kernel found no modern virtio console, or never got that far");
        return findings;
    }
    for flaw in trace.flaws() {
        findings.red(flaw.clone());
    }
    for cpu in trace.cpus().filter(|cpu| cpu.0 >= case.cpus) {
        findings.red(format!("facts come from cpu{}, but the machine has {} CPUs", cpu.0, case.cpus));
    }
    findings.found(format!("{} facts of {} CPUs", trace.len(), trace.cpus().count()));
    findings
}
