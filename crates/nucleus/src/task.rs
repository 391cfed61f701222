//! Tasks and the tokens that stand for them.
//!
//! ```text
//!            spawn                  start                finish            join / reap
//!   Free ───────────▶ Runnable ──────────────▶ Running ─────────▶ Zombie ──────────▶ Free
//!                      ▲   ▲      ◀────────────  │
//!                      │   └──────   requeue     │ park
//!                      │  claim (one CAS)        ▼
//!                      └────────────────────  Parked
//! ```
//!
//! A [`Runnable`] or [`Running`] is the task itself: there is one token per live task that is not parked, and none can
//! be copied. A parked task is owned by its slot; whoever wins [`TaskPool::claim`] gets its token.

use alloc::boxed::Box;
use antler_abi::{Qos, ThreadHandle};
use antler_facts::Task;
use antler_sync::Line;
use antler_sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::ids::CpuId;
use crate::phase::{Phase, pack, unpack};

/// "No slot" in a link.
pub(crate) const NONE: u32 = u32::MAX;

/// A task that waits for a CPU.
#[derive(Debug)]
#[must_use = "a dropped Runnable is a lost task"]
pub struct Runnable {
    slot: u32,
}

/// A task that a CPU runs now.
#[derive(Debug)]
#[must_use = "a dropped Running is a lost task"]
pub struct Running {
    slot: u32,
}

/// A claim check for a parked task: good for one park only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(crate) slot: u32,
    pub(crate) epoch: u64,
}

impl Runnable {
    /// Pool slot, for indexing what belongs to the task.
    pub const fn slot(&self) -> usize {
        self.slot as usize
    }

    pub(crate) const fn into_slot(self) -> u32 {
        self.slot
    }

    /// The inverse of [`Runnable::into_slot`], for queues that hold tasks as slot numbers.
    pub(crate) const fn from_slot(slot: u32) -> Runnable {
        Runnable { slot }
    }
}

impl Running {
    /// Pool slot, for indexing what belongs to the task.
    pub const fn slot(&self) -> usize {
        self.slot as usize
    }
}

/// What the pool keeps of one task. Fields are grouped by who may write them.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Phase and epoch. The epoch counts parks, is never reset, and so tells one park from every other.
    state: AtomicU64,
    /// Free list link; written by the pool.
    free_next: AtomicU32,

    // Written by the holder of the token.
    generation: AtomicU32,
    owner: AtomicU32,
    qos: AtomicU32,
    pinned: AtomicU32,
    pub(crate) home: AtomicU32,
    pub(crate) order: AtomicU64,
    pub(crate) inbox_next: AtomicU32,
    pub(crate) deadline: AtomicU64,
    value: AtomicU64,

    // Guarded by the lock of the wait bucket.
    pub(crate) wait_prev: AtomicU32,
    pub(crate) wait_next: AtomicU32,
    pub(crate) wait_bucket: AtomicU32,
    pub(crate) wait_key: [AtomicU64; 2],

    // Written by a leaving CPU and the CPU that inherits its timers.
    pub(crate) timer_next: AtomicU32,
    pub(crate) timer_linked: AtomicU32,
}

impl Slot {
    fn new(next: u32) -> Slot {
        let zero = || AtomicU32::new(0);
        let none = || AtomicU32::new(NONE);
        Slot {
            state: AtomicU64::new(pack(Phase::Free, 0)),
            free_next: AtomicU32::new(next),
            generation: zero(),
            owner: zero(),
            qos: zero(),
            pinned: zero(),
            home: zero(),
            order: AtomicU64::new(0),
            inbox_next: none(),
            deadline: AtomicU64::new(u64::MAX),
            value: AtomicU64::new(0),
            wait_prev: none(),
            wait_next: none(),
            wait_bucket: none(),
            wait_key: [AtomicU64::new(0), AtomicU64::new(0)],
            timer_next: none(),
            timer_linked: zero(),
        }
    }
}

/// The pool is full; nothing was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolFull;

/// Every task that can exist, in slots.
#[derive(Debug)]
pub struct TaskPool {
    slots: Box<[Line<Slot>]>,
    /// Head of the free list: a change counter in the upper half (against ABA), slot or [`NONE`] in the lower.
    free: Line<AtomicU64>,
}

impl TaskPool {
    /// A pool of `capacity` free slots.
    pub fn new(capacity: usize) -> TaskPool {
        let last = capacity as u32 - 1;
        let slots = (0..=last).map(|i| Line(Slot::new(if i == last { NONE } else { i + 1 }))).collect();
        TaskPool { slots, free: Line(AtomicU64::new(0)) }
    }

    /// How many tasks fit.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn slot(&self, index: u32) -> &Slot {
        &self.slots[index as usize]
    }

    /// Makes a task of program `owner`, to live on `home`.
    ///
    /// # Errors
    /// [`PoolFull`] when every slot is taken.
    pub fn spawn(&self, owner: u32, qos: Qos, home: CpuId, pinned: bool) -> Result<Runnable, PoolFull> {
        let mut head = self.free.load(Ordering::Acquire);
        // Another turn means that somebody else took or gave a slot meanwhile: no waiting for anybody in particular.
        let index = loop {
            let index = head as u32;
            if index == NONE {
                return Err(PoolFull);
            }
            let next = self.slot(index).free_next.load(Ordering::Relaxed);
            let new = (head >> 32).wrapping_add(1) << 32 | u64::from(next);
            // Acquire pairs with the Release of `free`: the link just read, and the slot's last use, are complete.
            match self.free.compare_exchange(head, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break index,
                Err(seen) => head = seen,
            }
        };
        let slot = self.slot(index);
        let (_, epoch) = unpack(slot.state.load(Ordering::Relaxed));
        slot.generation
            .store(slot.generation.load(Ordering::Relaxed).wrapping_add(1).max(1), Ordering::Relaxed);
        slot.owner.store(owner, Ordering::Relaxed);
        slot.qos.store(qos.index() as u32, Ordering::Relaxed);
        slot.pinned.store(u32::from(pinned), Ordering::Relaxed);
        slot.home.store(home.index() as u32, Ordering::Relaxed);
        slot.deadline.store(u64::MAX, Ordering::Relaxed);
        slot.value.store(0, Ordering::Relaxed);
        // Release: whoever finds the phase by scanning the pool also finds the fields above.
        slot.state.store(pack(Phase::Runnable, epoch), Ordering::Release);
        Ok(Runnable { slot: index })
    }

    /// The CPU takes the task to run it.
    #[inline(always)]
    pub fn start(&self, task: Runnable) -> Running {
        self.set_phase(task.slot, Phase::Running);
        Running { slot: task.slot }
    }

    /// The CPU stops running the task, which stays runnable.
    #[inline(always)]
    pub fn requeue(&self, task: Running) -> Runnable {
        self.set_phase(task.slot, Phase::Runnable);
        Runnable { slot: task.slot }
    }

    #[inline(always)]
    fn set_phase(&self, index: u32, phase: Phase) {
        let state = &self.slot(index).state;
        // The token's holder is the only writer while the task is not parked, so a load and a store are enough.
        let (_, epoch) = unpack(state.load(Ordering::Relaxed));
        state.store(pack(phase, epoch), Ordering::Release);
    }

    /// The ticket that the coming [`TaskPool::park`] of this task will make good.
    #[inline(always)]
    pub(crate) fn next_ticket(&self, task: &Running) -> Ticket {
        let (_, epoch) = unpack(self.slot(task.slot).state.load(Ordering::Relaxed));
        Ticket { slot: task.slot, epoch: epoch + 1 }
    }

    /// Gives the task to its slot. Its registers must be in memory: the Release store is the parking CPU's last touch,
    /// and from then on any CPU may claim and run it.
    #[inline(always)]
    pub(crate) fn park(&self, task: Running) {
        let ticket = self.next_ticket(&task);
        self.slot(task.slot).state.store(pack(Phase::Parked, ticket.epoch), Ordering::Release);
    }

    /// Takes a parked task. Of all who hold a ticket for this park, one gets the token.
    pub fn claim(&self, ticket: Ticket) -> Option<Runnable> {
        let state = &self.slot(ticket.slot).state;
        let (parked, runnable) = (pack(Phase::Parked, ticket.epoch), pack(Phase::Runnable, ticket.epoch));
        // Acquire pairs with the Release in `park`: the registers saved there are visible to the winner.
        state
            .compare_exchange(parked, runnable, Ordering::AcqRel, Ordering::Relaxed)
            .ok()
            .map(|_| Runnable { slot: ticket.slot })
    }

    /// A ticket for the task in this slot, if it is parked now.
    pub fn parked(&self, index: u32) -> Option<Ticket> {
        match unpack(self.slot(index).state.load(Ordering::Acquire)) {
            (Phase::Parked, epoch) => Some(Ticket { slot: index, epoch }),
            _ => None,
        }
    }

    /// Ends the task with a value that waits in its slot until somebody fetches it.
    pub(crate) fn finish(&self, task: Running, value: u64) {
        self.slot(task.slot).value.store(value, Ordering::Relaxed);
        self.set_phase(task.slot, Phase::Zombie);
    }

    /// Fetches the value of an ended task and frees its slot; once. `None`: not ended, or fetched already.
    pub fn reap(&self, handle: ThreadHandle) -> Option<u64> {
        let slot = self.slot(handle.slot);
        let word = slot.state.load(Ordering::Acquire);
        let (phase, epoch) = unpack(word);
        if phase != Phase::Zombie || slot.generation.load(Ordering::Relaxed) != handle.generation {
            return None;
        }
        let value = slot.value.load(Ordering::Relaxed);
        // One of several reapers wins; the epoch moves on so that the loser's exchange cannot meet a later zombie.
        let freed = pack(Phase::Free, epoch + 1);
        slot.state.compare_exchange(word, freed, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            slot.free_next.store(head as u32, Ordering::Relaxed);
            let new = (head >> 32).wrapping_add(1) << 32 | u64::from(handle.slot);
            match self.free.compare_exchange(head, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(value),
                Err(seen) => head = seen,
            }
        }
    }

    /// Phase of a slot now.
    pub fn phase(&self, index: u32) -> Phase {
        unpack(self.slot(index).state.load(Ordering::Acquire)).0
    }

    /// The handle of whatever the slot holds or held last.
    #[inline(always)]
    pub fn handle(&self, index: usize) -> ThreadHandle {
        let generation = self.slots[index].generation.load(Ordering::Relaxed);
        ThreadHandle { slot: index as u32, generation }
    }

    /// The handle as facts state it.
    #[inline(always)]
    pub fn fact(&self, index: usize) -> Task {
        Task(self.handle(index).to_raw())
    }

    /// Program of the task in the slot.
    pub fn owner(&self, index: usize) -> u32 {
        self.slots[index].owner.load(Ordering::Relaxed)
    }

    /// Class of the task in the slot.
    #[inline(always)]
    pub fn qos(&self, index: usize) -> Qos {
        Qos::from_index(self.slots[index].qos.load(Ordering::Relaxed) as usize).unwrap_or(Qos::Idle)
    }

    /// Changes the running task's class.
    pub(crate) fn set_qos(&self, task: &Running, qos: Qos) {
        self.slot(task.slot).qos.store(qos.index() as u32, Ordering::Relaxed);
    }

    /// Whether the task stays on its CPU.
    pub fn pinned(&self, index: usize) -> bool {
        self.slots[index].pinned.load(Ordering::Relaxed) != 0
    }

    /// The CPU that the task last ran on, or was moved to.
    pub fn home(&self, index: usize) -> CpuId {
        CpuId::new(self.slots[index].home.load(Ordering::Relaxed) as usize)
    }

    /// Sets the task's home; by its token's holder, or by its leaving home CPU.
    pub(crate) fn set_home(&self, index: usize, home: CpuId) {
        self.slots[index].home.store(home.index() as u32, Ordering::Relaxed);
    }

    /// Changes the home of whatever the slot holds from `from` to `to`; false if it is another by now.
    pub(crate) fn move_home(&self, index: usize, from: CpuId, to: CpuId) -> bool {
        let (from, to) = (from.index() as u32, to.index() as u32);
        self.slots[index].home.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// The live slot that a handle names, if it names one (a zombie counts as live until it is reaped).
    pub fn find(&self, handle: ThreadHandle) -> Option<usize> {
        let index = handle.slot as usize;
        let live = index < self.slots.len()
            && self.phase(handle.slot) != Phase::Free
            && self.handle(index) == handle;
        live.then_some(index)
    }
}

#[cfg(test)]
mod props;

#[cfg(test)]
mod tests;
