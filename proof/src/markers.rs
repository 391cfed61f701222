//! The judge's own copy of the marker strings and their order (RFC-0021, "Deterministic markers").

use antler_facts::Marker;

/// One line that a run must print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The whole line, exactly.
    pub text: String,
    /// The self-test whose fact must stand under the line; `None` for `cpuN online`, which `Online` facts support.
    pub fact: Option<Marker>,
    /// Whether the line belongs to the SMP part of the contract.
    pub smp: bool,
}

/// First words of every self-test line.
pub(crate) const SELFTEST: &str = "KSELFTEST:";
/// First words of boot lines; only `boot ok` and `cpuN online` of them are markers.
pub(crate) const INIT: &str = "KINIT:";

/// The lines of a run on `cpus` CPUs (at least 1), in order. SMP lines are left out at one CPU, where they must not
/// appear.
pub fn expected(cpus: u16) -> Vec<Expected> {
    let smp = cpus >= 2;
    let mut lines: Vec<Expected> = (1..cpus)
        .map(|n| Expected { text: format!("{INIT} cpu{n} online"), fact: None, smp: true })
        .collect();
    lines.push(Expected { text: format!("{INIT} boot ok"), fact: Some(Marker::Boot), smp: false });
    let selftests = [
        ("trap", Marker::Trap, false),
        ("user mode", Marker::UserMode, false),
        ("timer", Marker::Timer, false),
        ("isolation", Marker::Isolation, false),
        ("smp online", Marker::SmpOnline, true),
        ("ipi counterfactual", Marker::IpiCounterfactual, true),
        ("ipi resched", Marker::IpiResched, true),
        ("test_reject_invalid_ipi_target_cpu", Marker::RejectInvalidTarget, true),
        ("test_reject_offline_cpu_resched", Marker::RejectOffline, true),
        ("work stealing", Marker::WorkStealing, true),
        ("test_reject_steal_above_bound", Marker::RejectStealAboveBound, true),
        ("test_reject_steal_higher_qos", Marker::RejectStealHigherQos, true),
    ];
    for (name, fact, belongs_to_smp) in selftests {
        if smp || !belongs_to_smp {
            let text = format!("{SELFTEST} {name} ok");
            lines.push(Expected { text, fact: Some(fact), smp: belongs_to_smp });
        }
    }
    lines.push(Expected { text: format!("{SELFTEST} done"), fact: Some(Marker::Done), smp: false });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cpu_has_no_smp_lines_and_two_have_the_nine_of_the_contract() {
        assert!(expected(1).iter().all(|line| !line.smp));
        let smp: Vec<String> = expected(2).into_iter().filter(|l| l.smp).map(|l| l.text).collect();
        assert_eq!(
            smp,
            [
                "KINIT: cpu1 online",
                "KSELFTEST: smp online ok",
                "KSELFTEST: ipi counterfactual ok",
                "KSELFTEST: ipi resched ok",
                "KSELFTEST: test_reject_invalid_ipi_target_cpu ok",
                "KSELFTEST: test_reject_offline_cpu_resched ok",
                "KSELFTEST: work stealing ok",
                "KSELFTEST: test_reject_steal_above_bound ok",
                "KSELFTEST: test_reject_steal_higher_qos ok",
            ]
        );
        assert_eq!(expected(64).iter().filter(|l| l.text.starts_with("KINIT: cpu")).count(), 63);
    }
}
