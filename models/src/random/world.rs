use std::sync::{Mutex, MutexGuard, PoisonError};

use antler_nucleus::{Config, Scheduler};
use antler_sync::{Brand, VirtualHart};
use shuttle::sync::atomic::AtomicU32;

use super::ledger::Ledger;
use super::plan::{PROGRAMS, Plan, SLICE, WORDS};
use super::rest::Rest;

/// A program: what the kernel keeps of one, as far as scheduling goes.
#[derive(Default)]
pub(crate) struct Program {
    /// Its threads are to end.
    pub doomed: AtomicU32,
    /// Threads that are not over.
    pub live: AtomicU32,
}

/// One execution's everything. What is under plain locks is the model's own: its threads all run on one, and switch
/// nowhere while such a lock is held. What is atomic here is shuttle's, and so is part of what is explored.
pub(crate) struct World {
    pub sched: Scheduler<1>,
    pub plan: Plan,
    pub ledger: Mutex<Ledger>,
    pub rest: Mutex<Rest>,
    pub words: [AtomicU32; WORDS],
    pub programs: [Program; PROGRAMS],
    /// The turn to change a CPU (`kernel/src/hotplug.rs`).
    pub changing: AtomicU32,
    /// Facts are printed: the schedule is a replayed one.
    pub loud: bool,
}

/// Takes one of the model's own locks, also after a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// A world with all CPUs still to come online, and its harts.
    pub fn new(plan: Plan) -> (World, Vec<VirtualHart>) {
        let (brand, harts) = Brand::virtual_harts(plan.cpus);
        let config = Config { brand, cpus: plan.cpus, tasks: plan.tasks, slice: SLICE, wait_lists: 1 };
        let world = World {
            sched: Scheduler::new(config),
            plan,
            ledger: Mutex::new(Ledger::new(plan.cpus, plan.tasks)),
            rest: Mutex::new(Rest::new(plan.cpus, plan.calls)),
            words: Default::default(),
            programs: Default::default(),
            changing: AtomicU32::new(0),
            loud: std::env::var_os("ANTLER_REPLAY").is_some(),
        };
        (world, harts)
    }

    /// Panics with the first thing that the ledger found wrong. Asked between kernel entries, where nothing is half done
    /// that would panic again while unwinding.
    pub fn stop_if_red(&self) {
        let red = lock(&self.ledger).red.take();
        if let Some(red) = red {
            panic!("{red}");
        }
    }
}
