//! `cargo xtask sim`: the scheduler on virtual harts, from many seeds, under every plan; on red a small scenario and the
//! command that repeats it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use antler_sim::{
    Acts, Failure, MAX_HARTS, MAX_STEPS, Outcome, PLANS, Plan, Report, Scenario, judge, judging, shrink,
    trace,
};

use crate::check;
use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};

/// Facts listed of a red run.
const LISTED: usize = 40;

/// Arguments of `sim`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Virtual harts
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=MAX_HARTS as i64))]
    harts: u16,
    /// Seeds, from 0; without --plan they go through the plans in turn
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Only this plan; see --list-plans
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// Only this seed
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Kernel entries before the workload is left to end; chosen by the number of harts when not given
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=MAX_STEPS))]
    steps: Option<u64>,
    /// Only these acts, of those that the plan allows, separated by commas; `--acts=` is none of them
    #[arg(long, value_name = "ACT,...", long_help = format!(
        "Only these acts, of those that the plan allows, separated by commas; `--acts=` is none of them. There are {}",
        listed(Acts::ALL)
    ))]
    acts: Option<String>,
    /// List every fact of the run, with --seed
    #[arg(long, requires = "seed")]
    facts: bool,
    /// List the plans and end
    #[arg(long, exclusive = true)]
    list_plans: bool,
    /// What dispatch, wake, steal and spawn cost at 2 to 512 harts and 2 to 4,096 tasks, and end
    #[arg(long, exclusive = true)]
    growth: bool,
}

/// What the seeds of a plan showed.
#[derive(Debug, Default)]
struct Row {
    seeds: u64,
    noticed: u64,
    report: Report,
}

/// `cargo xtask sim`.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    if args.growth {
        return check::growth(ctx);
    }
    if args.list_plans {
        for plan in PLANS {
            say!("{:<9} {}", plan.name, plan.about);
        }
        return Ok(Exit::Success);
    }
    let plan = match &args.plan {
        Some(name) => Some(Plan::find(name).ok_or_else(|| {
            let names: Vec<&str> = PLANS.iter().map(|plan| plan.name).collect();
            Fail::usage(format!("no plan is called {name}; there are {}", names.join(", ")))
        })?),
        None => None,
    };
    let acts = args.acts.as_deref().map(Acts::parse).transpose();
    let acts = acts
        .map_err(|name| Fail::usage(format!("no act is called {name}; there are {}", listed(Acts::ALL))))?;
    if let (Some(plan), Some(acts)) = (plan, acts)
        && acts.iter().next().is_some()
        && acts.and(plan.acts).iter().next().is_none()
    {
        return Err(Fail::usage(format!(
            "plan {} allows none of {}; it allows {}",
            plan.name,
            listed(acts),
            listed(plan.acts)
        )));
    }
    let scenario = |seed: u64| {
        let mut scenario =
            Scenario::new(plan.unwrap_or_else(|| Plan::of_seed(seed)), usize::from(args.harts), seed);
        scenario.steps = args.steps.unwrap_or(scenario.steps);
        scenario.acts = acts.map_or(scenario.acts, |acts| acts.and(scenario.acts));
        scenario
    };
    // A scheduler that panics is a finding, which is told once and in full; the default would print it for every try. A
    // panic anywhere else says its word.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !judging() {
            hook(panic);
        }
    }));
    Ok(match args.seed {
        Some(seed) => one(scenario(seed), args.facts),
        None => many(scenario, args.seeds, ctx),
    })
}

/// Their names, for readers.
fn listed(acts: Acts) -> String {
    acts.to_string().replace(',', ", ")
}

fn one(scenario: Scenario, facts: bool) -> Exit {
    let outcome = judge(scenario);
    if facts {
        trace(scenario, usize::MAX).iter().for_each(|line| say!("{line}"));
    }
    match outcome {
        Outcome::Green(report) => {
            head();
            row(scenario.plan, &Row { seeds: 1, noticed: 0, report });
            Exit::Success
        }
        Outcome::Noticed(report, failure) => {
            head();
            row(scenario.plan, &Row { seeds: 1, noticed: 1, report });
            say!("noticed: {failure}");
            Exit::Success
        }
        Outcome::Red(failure) => {
            if !facts {
                trace(scenario, LISTED).iter().for_each(|line| say!("{line}"));
            }
            say!("RED {failure}");
            say!("repeat: cargo xtask sim {scenario}");
            Exit::Red
        }
    }
}

fn many(scenario: impl Fn(u64) -> Scenario + Sync, seeds: u64, ctx: &Ctx) -> Exit {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
    let harts = scenario(0).harts;
    let step = ctx.ui.step(format!("simulating {seeds} seeds on {harts} harts"));
    let begun = Instant::now();
    let (next, entries, stop) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let tally = Mutex::new(Tally::default());
    // Seeds are taken in ascending order, so when one is red every lower one has been taken and is finished.
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let outcome = judge(scenario(seed));
                    if let Outcome::Red(_) = outcome {
                        stop.store(true, Ordering::Relaxed);
                    }
                    let (Outcome::Green(Report { entries: more, .. })
                    | Outcome::Noticed(Report { entries: more, .. }, _)
                    | Outcome::Red(Failure { step: more, .. })) = &outcome;
                    let all = entries.fetch_add(*more, Ordering::Relaxed) + more;
                    if let Ok(mut tally) = tally.lock() {
                        tally.take(seed, outcome, |seed| scenario(seed).plan);
                        let rate = all as f64 / begun.elapsed().as_secs_f64();
                        let done = tally.done;
                        step.at(format!("{} {done} of {seeds} seeds, {rate:.0} steps/s", bar(done, seeds)));
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let rate = entries.into_inner() as f64 / begun.elapsed().as_secs_f64();
    let rate = format!("{} seeds, {rate:.0} steps/s", tally.done);
    match tally.red {
        Some((seed, failure)) => {
            step.failed(&rate);
            show_red(scenario(seed), failure, ctx);
            Exit::Red
        }
        None => {
            step.done(&rate);
            show_green(&tally.rows, harts);
            Exit::Success
        }
    }
}

/// What the seeds showed, added up in their order, so that digests do not depend on which thread was faster.
#[derive(Debug, Default)]
struct Tally {
    /// By plan's place in the list.
    rows: BTreeMap<usize, Row>,
    /// Seeds below this one are in the rows.
    next: u64,
    /// Seeds that were done before a lower one: a few at a time.
    early: BTreeMap<u64, Outcome>,
    /// Seeds done.
    done: u64,
    /// The lowest red seed.
    red: Option<(u64, Failure)>,
}

impl Tally {
    fn take(&mut self, seed: u64, outcome: Outcome, plan: impl Fn(u64) -> Plan) {
        self.done += 1;
        self.early.insert(seed, outcome);
        while self.red.is_none()
            && let Some(outcome) = self.early.remove(&self.next)
        {
            let plan = plan(self.next);
            let at = PLANS.iter().position(|other| other.name == plan.name).unwrap_or(PLANS.len());
            match outcome {
                Outcome::Red(failure) => self.red = Some((self.next, failure)),
                Outcome::Green(report) => self.rows.entry(at).or_default().add(&report, 0),
                Outcome::Noticed(report, _) => self.rows.entry(at).or_default().add(&report, 1),
            }
            self.next += 1;
        }
    }
}

impl Row {
    fn add(&mut self, report: &Report, noticed: u64) {
        self.seeds += 1;
        self.noticed += noticed;
        self.report.add(report);
    }
}

/// How far it is, as a bar.
fn bar(done: u64, all: u64) -> String {
    const WIDTH: u64 = 30;
    let full = (done * WIDTH / all.max(1)).min(WIDTH) as usize;
    format!("[{}{}]", "#".repeat(full), ".".repeat(WIDTH as usize - full))
}

fn show_green(rows: &BTreeMap<usize, Row>, harts: usize) {
    head();
    let (mut seeds, mut entries) = (0, 0);
    for (&at, of_plan) in rows {
        if let Some(&plan) = PLANS.get(at) {
            row(plan, of_plan);
            seeds += of_plan.seeds;
            entries += of_plan.report.entries;
        }
    }
    say!("explored simulator at {harts} harts: {seeds} seeds, {entries} kernel entries");
}

fn head() {
    say!(
        "{:<9} {:>6} {:>10} {:>10} {:>9} {:>8} {:>9} {:>16}",
        "plan",
        "seeds",
        "entries",
        "dispatches",
        "wakes",
        "stolen",
        "IPIs",
        "digest"
    );
}

fn row(plan: Plan, Row { seeds, noticed, report }: &Row) {
    let Report { entries, dispatches, wakes, stolen, rings, struck, digest, .. } = report;
    let fault = match (plan.fault, plan.noticed_by) {
        (None, _) => String::new(),
        (Some(_), _) if *struck == 0 => "  did not strike".to_owned(),
        (Some(_), []) => format!("  struck in {struck} seeds; harmless, as it must be"),
        (Some(_), by) => {
            let rest = struck.saturating_sub(*noticed);
            let rest = if rest > 0 { format!("; no harm in {rest}") } else { String::new() };
            format!(
                "  struck in {struck} seeds; noticed at whom it struck in {noticed}, by {}{rest}",
                by.join(", ")
            )
        }
    };
    say!(
        "{:<9} {seeds:>6} {entries:>10} {dispatches:>10} {wakes:>9} {stolen:>8} {rings:>9} {digest}{fault}",
        plan.name
    );
}

fn show_red(scenario: Scenario, failure: Failure, ctx: &Ctx) {
    say!("RED {failure}");
    say!("  found by: cargo xtask sim {scenario}");
    let step = ctx.ui.step("shrinking");
    let shrunk = shrink(scenario, failure, judge);
    step.done(&format!("{} tries", shrunk.tries));
    let Scenario { harts, steps, acts, .. } = shrunk.scenario;
    say!("smallest: {harts} harts, {steps} steps, acts {acts}; its last facts:");
    trace(shrunk.scenario, LISTED).iter().for_each(|line| say!("  {line}"));
    say!("RED {}", shrunk.failure);
    say!("repeat: cargo xtask sim {}", shrunk.scenario);
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn what_makes_no_sense_is_a_usage_error() {
        for wrong in [
            "--growth --harts 3",
            "--growth --plan calm",
            "--list-plans --seeds 5",
            "--steps 0",
            "--steps 18446744073709551615",
            "--harts 513",
            "--seeds 0",
            "--seed 1 --seeds 2",
            "--facts",
        ] {
            let words = ["xtask", "sim"].into_iter().chain(wrong.split(' '));
            let error = Cli::try_parse_from(words).map(|_| ()).expect_err(wrong);
            assert_eq!(error.exit_code(), i32::from(Exit::Usage.code()), "{wrong}: {error}");
        }
        assert!(Cli::try_parse_from(["xtask", "sim", "--growth"]).is_ok());
    }

    /// What a red run prints as its repeat is what the command line means.
    #[test]
    fn a_scenario_is_the_arguments_that_it_prints() {
        for acts in ["", "hotplug", "wait,wake"] {
            let mut scenario = Scenario::new(PLANS[1], 3, 7);
            scenario.acts = Acts::parse(acts).unwrap_or(scenario.acts).and(scenario.plan.acts);
            let line = format!("xtask sim {scenario}");
            let cli = Cli::try_parse_from(line.split_whitespace())
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            let crate::cli::Command::Sim(args) = cli.command else { panic!("{line}") };
            let said = args.acts.as_deref().map(Acts::parse).transpose().expect("names of acts");
            assert_eq!(said.unwrap_or(scenario.plan.acts), scenario.acts, "{line}");
            assert_eq!((args.seed, args.steps, args.harts), (Some(7), Some(scenario.steps), 3), "{line}");
        }
    }

    #[test]
    fn rows_do_not_depend_on_who_was_faster() {
        let outcomes: Vec<Outcome> =
            (0..40).map(|seed| judge(Scenario::new(Plan::of_seed(seed), 3, seed))).collect();
        let folded = |order: &mut dyn Iterator<Item = usize>| {
            let mut tally = Tally::default();
            order.for_each(|seed| tally.take(seed as u64, outcomes[seed].clone(), Plan::of_seed));
            assert!(tally.early.is_empty() && tally.red.is_none() && tally.done == 40);
            tally.rows.values().map(|row| (row.seeds, row.noticed, row.report)).collect::<Vec<_>>()
        };
        assert_eq!(folded(&mut (0..40)), folded(&mut (0..40).rev()));
    }

    #[test]
    fn the_lowest_red_seed_is_told() {
        let failure = |step| Failure { oracle: "end", cpu: 0, step, time: 0, words: String::new() };
        let mut tally = Tally::default();
        for seed in [3, 1, 2, 0] {
            let outcome =
                if seed % 2 == 1 { Outcome::Red(failure(seed)) } else { Outcome::Green(Report::default()) };
            tally.take(seed, outcome, Plan::of_seed);
        }
        assert_eq!(tally.red, Some((1, failure(1))));
    }
}
