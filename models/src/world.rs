//! A machine under loom: doorbells as latched flags, timers as the value armed last, and one frame a task, which loom
//! itself watches for accesses that nothing orders.
//!
//! What loom 0.7 does not see is in `docs/models.md`. Its one hole that is a matter of schedules, a load hidden by a later
//! access of its thread, is closed for the scheduler's atomics by how `antler_sync` loads. Those of this world are loom's
//! own, and need no more: nobody loads a doorbell here while others move.

mod cpu;
mod rest;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use antler_facts::Event;
use antler_nucleus::{Config, CpuId, Machine, RingError, Runnable, Running, Scheduler};
use antler_sync::{Brand, Relax};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU32, Ordering};

pub use cpu::{Cpu, OnThread};
pub use rest::{check, let_timers_fire, running, settle};

/// How long a task runs before others of its class have their turn, in the models' time units.
pub const SLICE: u64 = 10;

/// Turns of one wait after which a model is taken to hang.
const PATIENCE: u64 = 200;

/// The scheduler under check, and the hardware that it sees.
#[derive(Debug)]
pub struct World {
    /// The real scheduler; one word of CPUs.
    pub sched: Scheduler<1>,
    pub(crate) rung: Vec<AtomicU32>,
    timers: Mutex<HashMap<usize, u64>>,
    now: Mutex<u64>,
    frames: Vec<Frame>,
}

/// What a task has outside its slot.
#[derive(Debug)]
struct Frame {
    cell: UnsafeCell<()>,
    step: AtomicU32,
}

// The clock and the timers are behind ordinary mutexes: each timer is its own CPU's, and others look at it only when
// nothing moves, so loom need not see them.
impl World {
    /// A machine of `cpus` CPUs, none online, and a pool of `tasks` tasks (a power of two); its CPUs in order.
    pub fn offline(cpus: usize, tasks: usize) -> Vec<Cpu> {
        let (brand, harts) = Brand::virtual_harts(cpus);
        let config = Config { brand, cpus, tasks, slice: SLICE, wait_lists: 1 };
        #[expect(clippy::arc_with_non_send_sync, reason = "loom's threads are coroutines of one thread")]
        let world = Arc::new(World {
            sched: Scheduler::new(config),
            rung: (0..cpus).map(|_| AtomicU32::new(0)).collect(),
            timers: Mutex::default(),
            now: Mutex::default(),
            frames: (0..tasks)
                .map(|_| Frame { cell: UnsafeCell::new(()), step: AtomicU32::new(0) })
                .collect(),
        });
        harts.into_iter().map(|hart| Cpu::new(world.clone(), hart)).collect()
    }

    /// The same with every CPU online.
    pub fn online<const CPUS: usize>(tasks: usize) -> [Cpu; CPUS] {
        let mut cpus = World::offline(CPUS, tasks);
        cpus.iter_mut().for_each(Cpu::come_online);
        cpus.try_into().expect("as many as were asked for")
    }

    /// Moves the clock.
    pub fn set_now(&self, now: u64) {
        *self.now.lock().expect("not poisoned") = now;
    }

    /// When a CPU's timer will fire, if it will.
    pub fn armed(&self, cpu: usize) -> Option<u64> {
        self.timers.lock().expect("not poisoned").get(&cpu).copied()
    }

    pub(crate) fn disarm(&self, cpu: usize) {
        self.timers.lock().expect("not poisoned").remove(&cpu);
    }

    /// Uses a task's frame, as who saves registers there or restores them does.
    pub(crate) fn touch(&self, slot: usize) {
        let frame = &self.frames[slot];
        // A step of its own: loom's clocks move at atomics only, and an access right after a store that publishes would
        // pass for one before it.
        frame.step.load(Ordering::Relaxed);
        // Opening the cell is the access that loom checks; the pointer is not needed.
        frame.cell.with_mut(|_| ());
    }
}

/// The world as one CPU sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub world: &'a World,
    pub cpu: usize,
}

impl Relax for View<'_> {
    fn relax(&self, spins: u64) {
        assert!(spins < PATIENCE, "cpu{} waits without end", self.cpu);
        loom::thread::yield_now();
    }
}

impl Machine for View<'_> {
    fn now(&self) -> u64 {
        *self.world.now.lock().expect("not poisoned")
    }

    fn arm(&self, deadline: Option<u64>) {
        let mut timers = self.world.timers.lock().expect("not poisoned");
        match deadline {
            Some(deadline) => timers.insert(self.cpu, deadline),
            None => timers.remove(&self.cpu),
        };
    }

    fn ring(&self, target: CpuId) -> Result<(), RingError> {
        // Release: what was written before the ring is visible to who has seen it, as `Machine::ring` promises.
        self.world.rung[target.index()].fetch_or(1, Ordering::Release);
        Ok(())
    }

    fn unreachable(&self, target: CpuId, error: RingError) -> ! {
        panic!("{target} cannot be reached: {error:?}")
    }

    fn fact(&self, _: Event) {}

    fn save(&self, task: &Running) {
        self.world.touch(task.slot());
    }

    fn timed_out(&self, task: &Runnable) {
        self.world.touch(task.slot());
    }
}
