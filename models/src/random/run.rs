use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use super::cpu::Cpu;
use super::plan::Plan;
use super::world::{World, lock};

/// How much longer a deep run is.
const DEEPER: usize = 12;

/// Steps (atomic accesses and the like) that one schedule may take.
const STEPS: usize = 2_000_000;

/// What all schedules of a run did, added up.
#[derive(Default)]
struct Totals {
    entries: AtomicU64,
    audits: AtomicU64,
    stolen: AtomicU64,
    left: AtomicU64,
}

/// Runs random programs of `plan` under random schedules, and under PCT of depths 3 and 12, a third each; says how many
/// schedules and kernel entries that were. Seeds are fixed, so a run repeats; `ANTLER_SEED` sets another. A red schedule
/// is written to a file in `folder`, and `ANTLER_REPLAY=FILE` runs that schedule alone and prints its facts.
///
/// # Panics
/// When a schedule is red: with the first thing that was wrong in it.
pub fn explore_programs(plan: Plan, folder: &str) {
    assert!((2..=8).contains(&plan.cpus));
    if let Some(file) = std::env::var_os("ANTLER_REPLAY") {
        let replay = ReplayScheduler::new_from_file(&file).expect("the schedule can be read");
        run(plan, folder, replay, "replayed");
        return;
    }
    let seed = std::env::var("ANTLER_SEED").map_or(0x616e_746c_6572, |seed| seed.parse().expect("a number"));
    let schedules = plan.schedules.div_ceil(3) * if crate::deep() { DEEPER } else { 1 };
    run(plan, folder, RandomScheduler::new_from_seed(seed, schedules), "random");
    run(plan, folder, PctScheduler::new_from_seed(seed, 3, schedules), "PCT of depth 3");
    run(plan, folder, PctScheduler::new_from_seed(seed, 12, schedules), "PCT of depth 12");
}

fn run(plan: Plan, folder: &str, scheduler: impl Scheduler + 'static, kind: &str) {
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.stack_size = 0x20000;
    config.silence_warnings = true;
    config.failure_persistence = FailurePersistence::File(Some(folder.into()));
    let totals = Arc::new(Totals::default());
    let sums = totals.clone();
    let said = Said(plan.name);
    let schedules = Runner::new(scheduler, config).run(move || one(plan, &sums));
    std::mem::forget(said);
    let sum = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "explored {}: {schedules} schedules ({kind}) of {} cpus, {} kernel entries, {} quiet points, \
         {} tasks stolen, {} taken off a leaving cpu",
        plan.name,
        plan.cpus,
        sum(&totals.entries),
        sum(&totals.audits),
        sum(&totals.stolen),
        sum(&totals.left),
    );
}

/// Says how to repeat a red schedule, when it is dropped by the panic.
struct Said(&'static str);

impl Drop for Said {
    fn drop(&mut self) {
        eprintln!("{}: to replay, run this test alone with ANTLER_REPLAY=<the file named above>", self.0);
    }
}

/// One schedule: from all CPUs' bring-up to the last task's end.
fn one(plan: Plan, totals: &Totals) {
    let (world, harts) = World::new(plan);
    let world = Arc::new(world);
    // One after the other: how CPUs come up side by side is the bring-up model's subject.
    let harts: Vec<_> =
        harts.into_iter().filter_map(|hart| Cpu::new(world.clone(), hart).come_online()).collect();
    let threads: Vec<_> = harts
        .into_iter()
        .map(|hart| {
            let world = world.clone();
            shuttle::thread::spawn(move || Cpu::new(world, hart).live())
        })
        .collect();
    for thread in threads {
        thread.join().expect("a CPU's thread ends");
    }
    let (rest, ledger) = (lock(&world.rest), lock(&world.ledger));
    assert!(rest.over && ledger.live() == 0, "over before its end");
    totals.entries.fetch_add(rest.entries, Ordering::Relaxed);
    totals.audits.fetch_add(rest.audits, Ordering::Relaxed);
    totals.stolen.fetch_add(ledger.stolen, Ordering::Relaxed);
    totals.left.fetch_add(ledger.left, Ordering::Relaxed);
}
