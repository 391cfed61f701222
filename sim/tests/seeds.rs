//! Many seeds on few and on many virtual harts: nothing lost, nothing twice, everything ends.

use antler_sim::{Scenario, run};

fn green(harts: usize, seeds: u64, steps: usize, hotplug: bool) {
    let (mut stolen, mut offlined) = (0, 0);
    for seed in 0..seeds {
        let scenario = Scenario { harts, seed, steps, tasks: 1024, hotplug };
        match run(scenario) {
            Ok(report) => (stolen, offlined) = (stolen + report.stolen, offlined + report.offlined),
            Err(failure) => panic!("{failure:?} in {scenario:?}"),
        }
    }
    assert!(harts == 1 || stolen > 0, "no seed stole anything: the runs showed nothing");
    assert!(!hotplug || offlined > 0, "no seed took a CPU offline");
}

#[test]
fn one_hart() {
    green(1, 50, 500, false);
}

#[test]
fn two_harts() {
    green(2, 100, 2000, false);
}

#[test]
fn eight_harts_come_and_go() {
    green(8, 100, 4000, true);
}

#[test]
fn a_hundred_harts() {
    green(100, 3, 20_000, true);
}

#[test]
fn a_seed_repeats_exactly() {
    let scenario = Scenario { harts: 5, seed: 42, steps: 3000, tasks: 256, hotplug: true };
    assert_eq!(run(scenario), run(scenario));
}
