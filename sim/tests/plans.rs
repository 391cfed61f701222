//! Many seeds under every plan, on few harts: nothing red, every fault that did harm noticed, and each run rich enough to
//! show something. Big machines are for `cargo xtask sim`.

use antler_sim::{Fault, Outcome, Plan, Report, Scenario, judge};

/// What the seeds of one test showed together.
#[derive(Debug, Default)]
struct Sum {
    report: Report,
    noticed: u64,
}

fn seeds(plan: &str, harts: usize, seeds: u64) -> Sum {
    let plan = Plan::find(plan).expect("a plan of this name");
    let mut sum = Sum::default();
    for seed in 0..seeds {
        let scenario = Scenario::new(plan, harts, seed);
        match judge(scenario) {
            Outcome::Green(report) => sum.report.add(&report),
            Outcome::Noticed(report, _) => {
                sum.report.add(&report);
                sum.noticed += 1;
            }
            Outcome::Red(failure) => panic!("{failure}\n  cargo xtask sim {scenario}"),
        }
    }
    let Report { dispatches, wakes, stolen, deadlines, .. } = sum.report;
    assert!(dispatches > 0 && wakes > 0 && deadlines > 0, "the runs showed nothing: {sum:?}");
    assert!(harts == 1 || stolen > 0, "no seed stole anything: {sum:?}");
    assert!(plan.fault.is_none() || sum.report.struck > 0, "no fault struck: {sum:?}");
    assert!(
        plan.fault.is_none_or(|fault| fault == Fault::Twice) || sum.noticed > 0,
        "no fault was noticed: {sum:?}"
    );
    sum
}

/// Between a hart and itself there is no doorbell to lose: the fault strikes nobody, and says so.
#[test]
fn alone_no_doorbell_is_struck() {
    for plan in ["lose", "beyond", "deaf"] {
        let plan = Plan::find(plan).expect("a plan of this name");
        for seed in 0..10 {
            match judge(Scenario::new(plan, 1, seed)) {
                Outcome::Green(report) => assert_eq!(report.struck, 0),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A number of steps is no reason to fail, however large.
#[test]
fn few_steps_and_many() {
    let plan = Plan::find("dead").expect("a plan of this name");
    for seed in 0..10 {
        for steps in [1, 20, 5_000] {
            let scenario = Scenario { steps, ..Scenario::new(plan, 3, seed) };
            assert!(!matches!(judge(scenario), Outcome::Red(_)), "{scenario}");
        }
    }
}

#[test]
fn mixed_on_4() {
    let sum = seeds("mixed", 4, 60);
    assert!(sum.report.offlined > 0 && sum.report.killed > 0 && sum.report.rode > 0, "{sum:?}");
}

/// Seeds that a twin, a bug, or a mistake of an oracle needed to show itself, and that few others go through.
#[test]
fn rare_seeds() {
    for (plan, harts, seed) in
        [("hotplug", 8, 229), ("hotplug", 16, 236), ("late", 3, 48), ("kill", 4, 2412), ("mixed", 8, 34223)]
    {
        let plan = Plan::find(plan).expect("a plan of this name");
        let scenario = Scenario::new(plan, harts, seed);
        if let Outcome::Red(failure) = judge(scenario) {
            panic!("{failure}\n  cargo xtask sim {scenario}");
        }
    }
}

#[test]
fn calm_on_1() {
    seeds("calm", 1, 30);
}

#[test]
fn calm_on_2() {
    seeds("calm", 2, 60);
}

#[test]
fn calm_on_5() {
    seeds("calm", 5, 60);
}

#[test]
fn slow_on_4() {
    seeds("slow", 4, 40);
}

#[test]
fn late_on_3() {
    seeds("late", 3, 40);
}

#[test]
fn hotplug_on_3() {
    assert!(seeds("hotplug", 3, 60).report.offlined > 0);
}

#[test]
fn hotplug_on_8() {
    assert!(seeds("hotplug", 8, 40).report.offlined > 0);
}

#[test]
fn ceilings_on_4() {
    seeds("ceilings", 4, 60);
}

#[test]
fn kill_on_4() {
    assert!(seeds("kill", 4, 40).report.killed > 0);
}

#[test]
fn busy_on_4() {
    seeds("busy", 4, 40);
}

#[test]
fn twice_on_4() {
    seeds("twice", 4, 30);
}

#[test]
fn lose_on_4() {
    seeds("lose", 4, 30);
}

#[test]
fn beyond_on_4() {
    seeds("beyond", 4, 30);
}

#[test]
fn dead_on_4() {
    seeds("dead", 4, 30);
}

#[test]
fn deaf_on_4() {
    seeds("deaf", 4, 30);
}
