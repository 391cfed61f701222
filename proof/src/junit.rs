//! The verdict as JUnit XML, for CI systems: one suite a run, one case a marker and one a claim.

use std::fmt::Write as _;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::claims::State;
use crate::verdict::Verdict;

impl Verdict {
    /// The verdict as JUnit XML. `run` names the configuration. `outside` is why the run counts as failed whatever the
    /// judge found, if it does. Whoever reads only this file cannot take a red run for a green one: the case `verdict`
    /// fails with every reason.
    pub fn to_junit(&self, run: &str, outside: Option<&str>) -> String {
        let mut suite = TestSuite::new(text(run));
        suite.add_property(("smp", self.smp.to_string().as_str()));
        suite.add_property(("facts", self.facts.to_string().as_str()));
        let reasons: Vec<&str> = self.reasons.iter().map(String::as_str).chain(outside).collect();
        let failed = !self.green || outside.is_some();
        let whole = if failed { failure(&reasons, "") } else { TestCaseStatus::success() };
        suite.add_test_case(case("run", "verdict", whole, &self.line()));
        for marker in &self.markers {
            let status = status(marker.state, &marker.reasons, "");
            suite.add_test_case(case("marker", &marker.line, status, ""));
        }
        for claim in &self.claims {
            let mut facts = String::new();
            for evidence in &claim.evidence {
                // Writing to a string does not fail.
                let _ = writeln!(facts, "cpu{} fact {}: {}", evidence.cpu, evidence.seq, evidence.says);
            }
            let status = status(claim.state, &claim.reasons, &facts);
            suite.add_test_case(case("claim", claim.name, status, &claim.found));
        }
        let mut report = Report::new("antler-proof");
        report.add_test_suite(suite);
        report.to_string().expect("`text` has made everything in it legal XML")
    }
}

fn case(class: &str, name: &str, status: TestCaseStatus, out: &str) -> TestCase {
    let mut case = TestCase::new(text(name), status);
    case.set_classname(class);
    if !out.is_empty() {
        case.set_system_out(text(out));
    }
    case
}

fn status(state: State, reasons: &[String], facts: &str) -> TestCaseStatus {
    match state {
        State::Green => TestCaseStatus::success(),
        State::Red => failure(&reasons.iter().map(String::as_str).collect::<Vec<_>>(), facts),
        State::NotJudged => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("not judged in this run");
            status
        }
    }
}

fn failure(reasons: &[&str], facts: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type("red");
    status.set_message(text(reasons.first().unwrap_or(&"red, without a reason")));
    status.set_description(text(&format!("{}\n{facts}", reasons.join("\n"))));
    status
}

/// Text that XML can carry: what it cannot (control characters, non-characters) as escapes that people can read, so that
/// nothing is left out silently.
fn text(raw: &str) -> String {
    let mut clean = String::with_capacity(raw.len());
    for c in raw.chars() {
        let legal = c == '\n' || !(c.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&c));
        match legal {
            true => clean.push(c),
            false => clean.extend(c.escape_unicode()),
        }
    }
    clean
}
