use std::cell::{Cell, RefCell};

use antler_facts::{Event, Fact};
use antler_nucleus::{CpuId, Machine, RingError, Runnable, Running};
use antler_sync::Relax;

/// What virtual harts share with each other beside the scheduler: time, doorbells, timers, and what was stated.
#[derive(Debug)]
pub struct World {
    /// Virtual nanoseconds.
    pub(crate) now: Cell<u64>,
    /// By CPU: its doorbell is pending.
    pub(crate) rung: Vec<Cell<bool>>,
    /// By CPU: when its timer fires.
    pub(crate) timer: Vec<Cell<Option<u64>>>,
    /// By slot: the wait of the task ended by its deadline.
    pub(crate) timed_out: RefCell<Vec<bool>>,
    facts: RefCell<Vec<Fact>>,
}

impl World {
    /// A world of `cpus` CPUs and `tasks` task slots, at time 0.
    pub fn new(cpus: usize, tasks: usize) -> World {
        World {
            now: Cell::new(0),
            rung: (0..cpus).map(|_| Cell::new(false)).collect(),
            timer: (0..cpus).map(|_| Cell::new(None)).collect(),
            timed_out: RefCell::new(vec![false; tasks]),
            facts: RefCell::new(Vec::new()),
        }
    }

    /// Everything that was stated, in the order of the one real thread.
    pub fn facts(&self) -> Vec<Fact> {
        self.facts.borrow().clone()
    }
}

/// The world as one virtual hart sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub world: &'a World,
    pub cpu: usize,
}

impl Relax for View<'_> {
    fn relax(&self, spins: u64) {
        // One thread: a lock is never contended, and `next` turns only while it makes progress.
        assert!(spins < 1 << 16, "cpu{} turns in the scheduler without end", self.cpu);
    }
}

impl Machine for View<'_> {
    fn now(&self) -> u64 {
        self.world.now.get()
    }
    fn arm(&self, deadline: Option<u64>) {
        self.world.timer[self.cpu].set(deadline);
    }
    fn ring(&self, target: CpuId) -> Result<(), RingError> {
        self.world.rung[target.index()].set(true);
        Ok(())
    }
    fn unreachable(&self, target: CpuId, error: RingError) -> ! {
        panic!("{target} unreachable: {error:?}")
    }
    fn fact(&self, event: Event) {
        let mut facts = self.world.facts.borrow_mut();
        let seq = facts.len() as u32;
        facts.push(Fact { seq, cpu: CpuId::new(self.cpu).fact(), time: self.now(), event });
    }
    fn save(&self, _: &Running) {}
    fn timed_out(&self, task: &Runnable) {
        self.world.timed_out.borrow_mut()[task.slot()] = true;
    }
}
