//! Every target on its whole corpus, then on mutants of it. `ANTLER_DEEP=1` runs fifty times as many.

use std::path::Path;

use antler_fuzz::{Campaign, Length, TARGETS, campaign, target};

/// Mutants of a plain run: as many as take one or two seconds without optimisation.
const RUNS: [(&str, u64); 7] = [
    ("dtb", 2000),
    ("elf", 7000),
    ("tar", 3000),
    ("manifest", 4000),
    ("bootargs", 6000),
    ("facts", 200),
    ("console", 1000),
];

const DEEP: u64 = 50;

fn run(name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate has a folder above it");
    let deep = std::env::var("ANTLER_DEEP").is_ok_and(|value| value == "1");
    let (_, runs) = RUNS.into_iter().find(|(listed, _)| *listed == name).expect("a count for each target");
    let runs = if deep { runs * DEEP } else { runs };
    let target = target(name).expect("a target of this name");
    let plan = Campaign { target, root, seed: 1, length: Length::Runs(runs) };
    match campaign(&plan, |_| ()) {
        Ok(tally) => {
            assert_eq!(tally.mutants, runs);
            // `cargo xtask check` adds these up.
            println!("explored fuzz {name}: {} inputs, {} mutants", tally.samples, tally.mutants);
        }
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn no_target_is_left_out() {
    let listed: Vec<&str> = RUNS.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, TARGETS.iter().map(|target| target.name).collect::<Vec<_>>());
}

macro_rules! campaigns {
    ($($name:ident)*) => { $(#[test] fn $name() { run(stringify!($name)); })* };
}

campaigns!(dtb elf tar manifest bootargs facts console);
