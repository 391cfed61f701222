//! A seed means the same bytes everywhere, and the same run every time.

use antler_sim::{Outcome, PLANS, Plan, Report, Scenario, judge};

fn report(plan: &str, harts: usize, seed: u64) -> Report {
    let plan = Plan::find(plan).expect("a plan of this name");
    match judge(Scenario::new(plan, harts, seed)) {
        Outcome::Green(report) | Outcome::Noticed(report, _) => report,
        Outcome::Red(failure) => panic!("{failure}"),
    }
}

/// These change when the scheduler, the facts' wire form or the simulator's choices change, and only then.
#[test]
fn digests_are_golden() {
    let golden = [
        ("calm", 2, 1, "1508c493eb702c7c"),
        ("mixed", 5, 2, "7ca58580fde4b683"),
        ("hotplug", 70, 3, "263a75b4abca7569"),
        ("lose", 4, 4, "effb6109762f63f8"),
    ];
    let found: Vec<_> = golden
        .iter()
        .map(|&(plan, harts, seed, _)| (plan, harts, seed, report(plan, harts, seed).digest.to_string()))
        .collect();
    let golden: Vec<_> = golden.into_iter().map(|(p, h, s, d)| (p, h, s, d.to_owned())).collect();
    assert_eq!(found, golden);
}

#[test]
fn a_seed_repeats_exactly() {
    for &plan in PLANS {
        let scenario = Scenario::new(plan, 6, 11);
        assert_eq!(judge(scenario), judge(scenario), "{scenario}");
    }
}

#[test]
fn seeds_differ() {
    assert_ne!(report("calm", 4, 1).digest, report("calm", 4, 2).digest);
}
