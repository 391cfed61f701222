//! What a run shows: the scheduler set up, run to its end, and the verdict under the plan.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use antler_facts::Fact;
use antler_nucleus::{Config, Scheduler};
use antler_sync::{Brand, VirtualHart};

use crate::book::Book;
use crate::bounds::{Bound, Bounds};
use crate::choices::Choices;
use crate::outcome::{Failure, Outcome, Report};
use crate::scenario::Scenario;
use crate::sim::Sim;
use crate::watch::Watch;
use crate::wires::Wires;
use crate::world::World;

thread_local! {
    static JUDGING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a run, so that a panic is a finding about the scheduler which the run's outcome tells. For
/// panic hooks, which would print it for every run that a search tries.
pub fn judging() -> bool {
    JUDGING.get()
}

/// Runs a scenario and says how it ended.
pub fn judge(scenario: Scenario) -> Outcome {
    run(scenario, None, false).0
}

/// Runs a scenario with one bound halved: a bound that no seed comes close enough to is one that nothing can break.
pub fn judge_halved(scenario: Scenario, bound: Bound) -> Outcome {
    run(scenario, Some(bound), false).0
}

/// Runs a scenario and lists its last facts, `most` at most.
pub fn trace(scenario: Scenario, most: usize) -> Vec<String> {
    let story = run(scenario, None, true).1;
    let from = story.len().saturating_sub(most);
    story[from..]
        .iter()
        .map(|fact| format!("{:>9} ns  cpu{:<3} {:?}", fact.time, fact.cpu.0, fact.event))
        .collect()
}

fn run(scenario: Scenario, halved: Option<Bound>, story: bool) -> (Outcome, Vec<Fact>) {
    match scenario.harts {
        0..=64 => run_on::<1>(scenario, halved, story),
        _ => run_on::<8>(scenario, halved, story),
    }
}

fn run_on<const W: usize>(scenario: Scenario, halved: Option<Bound>, story: bool) -> (Outcome, Vec<Fact>) {
    let Scenario { plan, harts, seed, .. } = scenario;
    let mut choices = Choices::new(seed, 1);
    let speeds: Vec<u64> = (0..harts)
        .map(|_| if plan.slow && choices.once_in(4) { 100 } else { choices.within(1, 3) })
        .collect();
    let crowd = 1 + choices.below(4 * harts as u64);
    let tasks = (crowd.max(7) as usize + 1).next_power_of_two();
    let mut watch = Watch::new(Book::new(harts, tasks, Bounds::new(&plan, &speeds, halved)));
    watch.story = story.then(Vec::new);
    let world = World::new(harts, Wires::new(plan, harts, Choices::new(seed, 2)), watch);
    let (brand, tokens) = Brand::virtual_harts(harts);
    let config = Config { brand, cpus: harts, tasks, slice: Scenario::SLICE, wait_lists: 8 };
    let sched = Scheduler::<W>::new(config);
    let tokens = tokens.into_iter().map(VirtualHart::enter).collect();
    let mut sim = Sim::new(scenario, &world, &sched, tokens, &speeds, crowd, choices);
    // A scheduler that panics or cannot go on unwinds to here; nothing of it is used afterwards but what was written down.
    let outer = JUDGING.replace(true);
    let ended = catch_unwind(AssertUnwindSafe(|| sim.all()));
    JUDGING.set(outer);
    let (struck, harm, mut report) = (sim.struck(), sim.harm(), sim.report);
    drop(sim);
    let mut watch = world.watch.into_inner();
    if let Err(payload) = ended {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let step = world.step.get();
        let time = world.now.get();
        let failure = Failure { oracle: "panic", cpu: world.cpu.get(), step, time, words: text.to_owned() };
        watch.failure.get_or_insert(failure);
    }
    watch.book.cpus.iter().for_each(|cpu| cpu.sums.tell(&mut report));
    report.digest = world.digest.get();
    report.struck = u64::from(struck.is_some());
    (verdict(scenario, report, struck, harm, watch.failure), watch.story.unwrap_or_default())
}

/// What a run's end means under its plan: whom the fault struck, and whether somebody surely needed what it took away.
fn verdict(
    scenario: Scenario,
    report: Report,
    struck: Option<usize>,
    harm: bool,
    failure: Option<Failure>,
) -> Outcome {
    let noticed_by = scenario.plan.noticed_by;
    match (failure, struck) {
        (None, Some(cpu)) if harm && !noticed_by.is_empty() => Outcome::Red(Failure {
            oracle: "faults",
            cpu,
            step: report.entries,
            time: 0,
            words: format!(
                "the fault at cpu{cpu} did harm and no oracle noticed ({})",
                noticed_by.join(", ")
            ),
        }),
        (None, _) => Outcome::Green(report),
        (Some(failure), Some(cpu)) if failure.cpu == cpu && noticed_by.contains(&failure.oracle) => {
            Outcome::Noticed(report, failure)
        }
        (Some(failure), _) => Outcome::Red(failure),
    }
}
