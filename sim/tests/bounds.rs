//! No bound is so wide that nothing could break it: with any one of them halved, some seed of a small set is red by the
//! oracle that holds the scheduler to it, and says why. The whole bound is green there.

use antler_sim::{Bound, Outcome, Plan, Scenario, judge, judge_halved};

/// The oracle of a bound, and where to look: plan, harts, seeds.
fn at(bound: Bound) -> (&'static str, &'static str, usize, u64) {
    match bound {
        Bound::Chain => ("chain", "calm", 4, 5),
        Bound::Inbox => ("wakes", "calm", 4, 5),
        Bound::Tick => ("wakes", "ceilings", 4, 40),
        Bound::Turn => ("turns", "calm", 4, 10),
        Bound::Deadline => ("deadlines", "hotplug", 4, 100),
        Bound::Heir => ("deadlines", "hotplug", 8, 200),
        Bound::Hold => ("calls", "hotplug", 4, 5),
        Bound::Kill => ("kills", "kill", 4, 100),
        Bound::Work => ("work", "late", 8, 20),
    }
}

#[test]
fn every_bound_is_within_twice_of_what_happens() {
    for bound in Bound::ALL {
        let (oracle, plan, harts, seeds) = at(bound);
        let plan = Plan::find(plan).expect("a plan of this name");
        let near = (0..seeds).map(|seed| Scenario::new(plan, harts, seed)).find(|&scenario| {
            matches!(judge_halved(scenario, bound), Outcome::Red(failure) if failure.oracle == oracle)
        });
        let Some(scenario) = near else {
            panic!("{bound:?}: no seed of {seeds} under {} comes to half of it", plan.name)
        };
        assert!(matches!(judge(scenario), Outcome::Green(_)), "{bound:?}: {scenario}");
    }
}
