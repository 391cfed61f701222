//! What shrinking returns is red by itself, exactly as it says.

use antler_sim::{Bound, Failure, Outcome, PLANS, Plan, Scenario, judge, judge_halved, shrink};

fn repeats(scenario: Scenario, failure: Failure, judge: impl Fn(Scenario) -> Outcome) {
    let oracle = failure.oracle;
    let shrunk = shrink(scenario, failure, &judge);
    let found = judge(shrunk.scenario);
    assert_eq!(found, Outcome::Red(shrunk.failure), "{scenario} shrunk to {}", shrunk.scenario);
    assert!(shrunk.scenario.harts <= scenario.harts && shrunk.scenario.steps >= 1);
    assert!(matches!(found, Outcome::Red(failure) if failure.oracle == oracle));
}

/// A fault that no oracle is asked to notice is a failure like any other, and depends on when the fault strikes.
#[test]
fn of_a_fault_that_counts_as_a_failure() {
    let mut shrunk = 0;
    for plan in PLANS.iter().filter(|plan| !plan.noticed_by.is_empty()) {
        // Such a plan asks nothing, so whatever is found is red.
        let plan = Plan { noticed_by: &[], ..*plan };
        for seed in 0..6 {
            let scenario = Scenario::new(plan, 5, seed);
            if let Outcome::Red(failure) = judge(scenario) {
                repeats(scenario, failure, judge);
                shrunk += 1;
            }
        }
    }
    assert!(shrunk > 15, "only {shrunk} were red");
}

#[test]
fn of_an_oracle_that_asks_too_much() {
    let mut shrunk = 0;
    for bound in Bound::ALL {
        for &plan in PLANS.iter().step_by(3) {
            let scenario = Scenario::new(plan, 5, 1);
            if let Outcome::Red(failure) = judge_halved(scenario, bound) {
                repeats(scenario, failure, |scenario| judge_halved(scenario, bound));
                shrunk += 1;
            }
        }
    }
    assert!(shrunk > 15, "only {shrunk} were red");
}
