//! What virtual harts share beside the scheduler, and the world as one of them sees it.

use std::cell::{Cell, RefCell};
use std::panic::resume_unwind;

use antler_facts::{Event, Fact};
use antler_nucleus::{CpuId, Machine, RingError, Runnable, Running, Scheduler};
use antler_sync::Relax;

use crate::book::{At, Wrong};
use crate::digest::Digest;
use crate::note::Note;
use crate::watch::Watch;
use crate::wires::{REFUSED, Wires};

/// "Never" as a time.
pub(crate) const NEVER: u64 = u64::MAX;

/// Turns of one wait in the scheduler after which it counts as endless. On one thread no lock is contended, and every turn
/// of `next` follows a task that moved.
const SPINS: u64 = 20_000;

/// Facts of one entry after which it counts as endless: many times what a CPU that leaves states with every task on its
/// queue.
const FACTS: u64 = 50_000;

/// Carried by the unwinding out of a scheduler that cannot go on; what is wrong is in the watch.
#[derive(Debug)]
pub(crate) struct Stop;

#[derive(Debug)]
pub(crate) struct World {
    /// Virtual ns.
    pub now: Cell<u64>,
    /// When the entry under way began.
    pub began: Cell<u64>,
    /// Kernel entries so far.
    pub step: Cell<u64>,
    /// Whose entry is under way.
    pub cpu: Cell<usize>,
    /// By CPU: when its timer fires.
    pub timer: Vec<Cell<u64>>,
    /// By CPU: its doorbell is pending.
    pub pending: Vec<Cell<bool>>,
    pub wires: RefCell<Wires>,
    pub watch: RefCell<Watch>,
    pub digest: Cell<Digest>,
    /// By CPU: how many facts it has stated.
    facts: Vec<Cell<u32>>,
    /// The entry that stated the last fact, and how many it has stated.
    stated: Cell<(u64, u64)>,
    after_failure: Cell<u64>,
}

impl World {
    pub(crate) fn new(cpus: usize, wires: Wires, watch: Watch) -> World {
        World {
            now: Cell::new(0),
            began: Cell::new(0),
            step: Cell::new(0),
            cpu: Cell::new(0),
            timer: (0..cpus).map(|_| Cell::new(NEVER)).collect(),
            pending: (0..cpus).map(|_| Cell::new(false)).collect(),
            wires: RefCell::new(wires),
            watch: RefCell::new(watch),
            digest: Cell::new(Digest::default()),
            facts: (0..cpus).map(|_| Cell::new(0)).collect(),
            stated: Cell::new((0, 0)),
            after_failure: Cell::new(0),
        }
    }

    pub(crate) fn at(&self, cpu: usize) -> At {
        At { step: self.step.get(), time: self.now.get(), began: self.began.get(), cpu }
    }

    pub(crate) fn note(&self, cpu: usize, note: Note) {
        self.watch.borrow_mut().note(self.at(cpu), &note);
    }
}

/// The world as one virtual hart sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a, const W: usize> {
    pub world: &'a World,
    pub sched: &'a Scheduler<W>,
    pub cpu: usize,
}

impl<const W: usize> View<'_, W> {
    fn stop(&self, oracle: &'static str, wrong: Wrong) -> ! {
        self.world.watch.borrow_mut().fail(self.world.at(self.cpu), oracle, wrong);
        // Not a panic: nothing is printed, and the run's end says what was found.
        resume_unwind(Box::new(Stop))
    }
}

impl<const W: usize> Relax for View<'_, W> {
    fn relax(&self, spins: u64) {
        if spins > SPINS {
            let words = format!("cpu{} turns in the scheduler without end", self.cpu);
            self.stop("end", Wrong { cpu: self.cpu, words });
        }
    }
}

impl<const W: usize> Machine for View<'_, W> {
    fn now(&self) -> u64 {
        self.world.now.get()
    }

    fn arm(&self, deadline: Option<u64>) {
        self.world.timer[self.cpu].set(deadline.unwrap_or(NEVER));
    }

    fn ring(&self, target: CpuId) -> Result<(), RingError> {
        self.world.wires.borrow_mut().ring(target.index(), self.now()).map_err(RingError)
    }

    fn unreachable(&self, target: CpuId, error: RingError) -> ! {
        let code = error.0;
        // Noticed for the stated reason only if it names the hart that is deaf, and what firmware said.
        let right = self.world.wires.borrow().struck == Some(target.index()) && code == REFUSED;
        let oracle = if right { "unreachable" } else { "end" };
        let words = format!("the doorbell of {target} cannot be rung: firmware's error {code}");
        self.stop(oracle, Wrong { cpu: target.index(), words })
    }

    fn fact(&self, event: Event) {
        let at = self.world.at(self.cpu);
        let (entry, count) = self.world.stated.get();
        let count = if entry == at.step { count + 1 } else { 1 };
        self.world.stated.set((at.step, count));
        if count > FACTS {
            let words =
                format!("cpu{} states fact after fact and does not come out of the scheduler", self.cpu);
            self.stop("end", Wrong { cpu: self.cpu, words });
        }
        let seq = self.world.facts[self.cpu].replace(self.world.facts[self.cpu].get() + 1);
        let fact = Fact { seq, cpu: CpuId::new(self.cpu).fact(), time: at.time, event };
        let mut digest = self.world.digest.get();
        digest.fact(&fact);
        self.world.digest.set(digest);
        let received = self.sched.counters(CpuId::new(self.cpu)).wakes_received.get();
        let mut watch = self.world.watch.borrow_mut();
        if let Some(story) = &mut watch.story {
            story.push(fact);
        }
        watch.fact(at, received, &event);
        if watch.failure.is_some() {
            // The entry is left to end by itself, since unwinding out of the middle of a queue is a panic of its own; but a
            // broken scheduler may go round for ever.
            let more = self.world.after_failure.get() + 1;
            self.world.after_failure.set(more);
            if more > SPINS {
                drop(watch);
                resume_unwind(Box::new(Stop));
            }
        }
    }

    fn save(&self, _: &Running) {}

    fn timed_out(&self, task: &Runnable) {
        self.world.note(self.cpu, Note::TimedOut { slot: task.slot() });
    }
}
