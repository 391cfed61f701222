//! From every good trace, bad ones, mechanically. Each must be red. Those that say nothing else than the good one, as far as
//! any claim goes, are listed in [`harmless`] with the reason; a forgery that stays green and is not listed fails the test,
//! and so does an entry of the list that no forgery needs.
//!
//! Usually some forgeries of each kind are judged, spread over the trace; with ANTLER_DEEP=1 all of them are (and
//! with CARGO_PROFILE_TEST_OPT_LEVEL=2 that takes minutes instead of an hour). `ANTLER_TRACE=target/proof/smp4 cargo test -p antler-proof forge` forges what a proof has just left.

mod harmless;
mod make;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use antler_facts::{Event, Fact};

use self::harmless::{HARMLESS, Spot};
use self::make::{Forgery, Good, How, Values, names};
use super::recorded::{Recorded, left, recorded};
use crate::claims;
use crate::trace::Trace;
use crate::verdict::judge;

/// Recorded runs, and how many forgeries of each kind are judged of each.
const RUNS: [(u16, usize); 3] = [(1, 12), (2, 6), (4, 3)];

/// Threads that share the forgeries of one run.
const PARTS: usize = 2;

/// What a forgery is called in lists: the kind of fact, and what is done to it.
fn name(good: &Good, forgery: &Forgery) -> (&'static str, String) {
    let event = good.of(forgery.cpu)[forgery.at].event;
    let what = match forgery.how {
        How::Dropped => "dropped".to_owned(),
        How::Doubled => "doubled".to_owned(),
        How::Swapped => "swapped".to_owned(),
        How::Moved(_) => "moved".to_owned(),
        How::Word(word, _) => format!("another {}", names(&event)[word]),
        How::Timed(_) => "another time".to_owned(),
    };
    (event.kind().name(), what)
}

/// Whether the judge finds the forged facts out.
fn is_red(run: &Recorded, facts: &[Fact]) -> bool {
    let trace = Trace::from_facts(facts.iter().copied());
    // What integrity and ownership say is known by now; most forgeries end here.
    if !trace.flaws().is_empty() || !trace.lives().flaws().is_empty() || claims::any_red(&trace, &run.case) {
        return true;
    }
    let bytes: Vec<u8> = facts.iter().flat_map(Fact::encode).collect();
    !judge(&run.console, &bytes, &run.case).green
}

/// What is left when all forgeries of a run have been judged.
#[derive(Default)]
struct Outcome {
    judged: usize,
    /// Entries of the list that were needed.
    used: BTreeSet<usize>,
    unexplained: Vec<String>,
}

/// Judges up to `per` forgeries of each kind, evenly spread.
fn forge(run: &Recorded, per: usize) -> Outcome {
    let good = Good::new(&run.facts, run.case.cpus);
    assert!(!is_red(run, &run.facts), "the trace to be forged must be green itself");
    let values = Values::new(&good);
    let mut kinds: BTreeMap<(&str, String, bool), Vec<Forgery>> = BTreeMap::new();
    for (cpu, facts) in &good.by_cpu {
        for at in 0..facts.len() {
            for forgery in good.forgeries(*cpu, at, &values) {
                let (kind, what) = name(&good, &forgery);
                kinds.entry((kind, what, forgery.mended)).or_default().push(forgery);
            }
        }
    }
    let kinds: Vec<_> = kinds.into_iter().collect();
    let part = |first: usize| {
        let mut outcome = Outcome::default();
        for ((kind, what, _), forgeries) in kinds.iter().skip(first).step_by(PARTS) {
            let chosen = per.min(forgeries.len());
            for &forgery in (0..chosen).map(|number| &forgeries[number * forgeries.len() / chosen]) {
                let Some(facts) = good.forge(forgery) else { continue };
                outcome.judged += 1;
                if !is_red(run, &facts) {
                    survived(&good, forgery, kind, what, &mut outcome);
                }
            }
        }
        outcome
    };
    std::thread::scope(|scope| {
        let part = &part;
        let parts: [_; PARTS] = std::array::from_fn(|first| scope.spawn(move || part(first)));
        let mut outcome = Outcome::default();
        for part in parts {
            let Outcome { judged, used, unexplained } = part.join().expect("a part is forged to its end");
            outcome.judged += judged;
            outcome.used.extend(used);
            outcome.unexplained.extend(unexplained);
        }
        outcome
    })
}

/// The next wake of the task whose deadline a fact states.
fn woken(good: &Good, said: &Fact) -> Option<Fact> {
    let Event::Deadline { task: waits, .. } = said.event else { return None };
    let wakes = good.by_cpu.values().flatten().filter(|fact| {
        fact.time > said.time && matches!(fact.event, Event::Wake { task, .. } if task == waits)
    });
    wakes.min_by_key(|fact| fact.time).copied()
}

/// A forgery stayed green: some entry of the list says why, or the test will fail.
fn survived(good: &Good, forgery: Forgery, kind: &str, what: &str, outcome: &mut Outcome) {
    let facts = good.of(forgery.cpu);
    let at = forgery.at;
    let is = match forgery.how {
        How::Word(..) => good
            .forge(forgery)
            .and_then(|facts| facts.into_iter().filter(|fact| fact.cpu == forgery.cpu).nth(at)),
        _ => None,
    };
    let spot = Spot {
        how: forgery.how,
        was: facts[at],
        is,
        before: at.checked_sub(1).map(|at| facts[at]),
        after: facts.get(at + 1).copied(),
        woken: woken(good, &facts[at]),
        cpus: good.cpus,
    };
    let explained: Vec<usize> = (0..HARMLESS.len())
        .filter(|&number| {
            let entry = &HARMLESS[number];
            (entry.what == format!("{kind}: {what}") || entry.what == format!("*: {what}"))
                && (entry.when)(&spot)
        })
        .collect();
    if explained.is_empty() || !forgery.mended {
        outcome.unexplained.push(format!(
            "smp={}, {kind}: {what} ({:?}, mended: {}) stays green: {:?}, before it {:?}, after it {:?}",
            good.cpus,
            forgery.how,
            forgery.mended,
            spot.was,
            spot.before.map(|f| f.event),
            spot.after.map(|f| f.event)
        ));
    }
    outcome.used.extend(explained);
}

#[test]
fn every_forgery_is_red_or_explained() {
    let deep = std::env::var("ANTLER_DEEP").is_ok_and(|deep| deep == "1");
    if let Ok(folder) = std::env::var("ANTLER_TRACE") {
        let outcome = forge(&left(Path::new(&folder)), if deep { usize::MAX } else { RUNS[2].1 });
        assert!(outcome.unexplained.is_empty(), "{}", outcome.unexplained.join("\n"));
        return println!("{folder}: {} forgeries judged", outcome.judged);
    }
    let (mut used, mut unexplained) = (BTreeSet::new(), Vec::new());
    let outcomes = std::thread::scope(|scope| {
        let runs = RUNS.map(|(cpus, per)| {
            let per = if deep { usize::MAX } else { per };
            scope.spawn(move || (cpus, forge(&recorded(cpus), per)))
        });
        runs.map(|run| run.join().expect("a run is forged to its end"))
    });
    for (cpus, outcome) in outcomes {
        println!("smp={cpus}: {} forgeries judged", outcome.judged);
        used.extend(outcome.used);
        unexplained.extend(outcome.unexplained);
    }
    assert!(unexplained.is_empty(), "{} stay green:\n{}", unexplained.len(), unexplained.join("\n"));
    let unused =
        HARMLESS.iter().enumerate().filter(|(at, entry)| !used.contains(at) && (deep || !entry.rare));
    let unused: Vec<&str> = unused.map(|(_, entry)| entry.what).collect();
    assert!(unused.is_empty(), "no forgery needs these explanations any more: {unused:?}");
    assert!(HARMLESS.iter().all(|entry| !entry.why.is_empty()));
}

/// All claims that compare CPUs rest on one clock: if one CPU's is off by more than a message between two takes, effects
/// come before their causes.
#[test]
fn a_cpu_whose_clock_is_off_is_noticed() {
    for cpus in [2, 4] {
        let run = recorded(cpus);
        for cpu in 0..cpus {
            for off in [-10_000_000_i64, -100_000, 100_000, 10_000_000] {
                let facts: Vec<Fact> = run
                    .facts
                    .iter()
                    .map(|fact| match fact.cpu.0 == cpu {
                        true => Fact { time: fact.time.saturating_add_signed(off), ..*fact },
                        false => *fact,
                    })
                    .collect();
                assert!(is_red(&run, &facts), "smp={cpus}: cpu{cpu} is {off} ns off");
            }
        }
    }
}
