//! The bounds that oracles hold the scheduler to, in virtual ns. Each is the sum of what may legitimately delay the thing
//! on the CPU that it is about. Time that a CPU waits in the kernel for others is in none of them: the book knows when it
//! does, and grants that time to that CPU alone.

use crate::plan::Plan;
use crate::scenario::Scenario;

/// What is bounded. Named so that a test can halve each and see that some seed comes close enough to notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// From a ring to the entry that sees it.
    Chain,
    /// From a push into an inbox, with a doorbell for it, to the queue.
    Inbox,
    /// The same when the tick of the slice is left to find the task.
    Tick,
    /// How long a task runs while another of its class waits on the same CPU.
    Turn,
    /// From a deadline to the wake by it.
    Deadline,
    /// The same when the deadline was left to another CPU.
    Heir,
    /// From what a CPU waited for in the kernel to its going on.
    Hold,
    /// From the end of a program to the end of its tasks that run.
    Kill,
    /// How long a CPU sleeps beside work while others are rung for it.
    Work,
}

impl Bound {
    /// Every bound.
    pub const ALL: [Bound; 9] = [
        Bound::Chain,
        Bound::Inbox,
        Bound::Tick,
        Bound::Turn,
        Bound::Deadline,
        Bound::Heir,
        Bound::Hold,
        Bound::Kill,
        Bound::Work,
    ];
}

/// What may take how long, at most.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// A doorbell, from ring to pending.
    delay: u64,
    /// By CPU: an interrupt waits so long for the entry that handles it, and an entry takes so long.
    entry: Vec<u64>,
    halved: Option<Bound>,
}

impl Bounds {
    /// The bounds of a plan on harts that are so many times slower than the fastest.
    pub(crate) fn new(plan: &Plan, speeds: &[u64], halved: Option<Bound>) -> Bounds {
        let entry = speeds.iter().map(|speed| speed * ENTRY).collect();
        Bounds { delay: plan.delay.1, entry, halved }
    }

    fn scaled(&self, bound: Bound, ns: u64) -> u64 {
        if self.halved == Some(bound) { ns / 2 } else { ns }
    }

    /// From a ring to the beginning of the entry that sees it.
    pub(crate) fn chain(&self, cpu: usize) -> u64 {
        self.scaled(Bound::Chain, self.delay + self.entry[cpu])
    }

    /// From a push to the end of the entry that takes the task in because of a doorbell rung at the time of the push.
    pub(crate) fn inbox(&self, cpu: usize) -> u64 {
        self.scaled(Bound::Inbox, self.delay + 2 * self.entry[cpu])
    }

    /// From a push to the end of the entry that takes the task in because of the tick: the slice may have begun at the end
    /// of an entry that the push overlaps.
    pub(crate) fn tick(&self, cpu: usize) -> u64 {
        self.scaled(Bound::Tick, Scenario::SLICE + 3 * self.entry[cpu])
    }

    /// From the end of an entry that leaves a task with others of its class behind it to the end of the one that takes it off.
    pub(crate) fn turn(&self, cpu: usize) -> u64 {
        self.scaled(Bound::Turn, Scenario::SLICE + 2 * self.entry[cpu])
    }

    /// From a deadline, or the end of the entry in which its timer was set, to the wake.
    pub(crate) fn deadline(&self, cpu: usize) -> u64 {
        self.scaled(Bound::Deadline, self.entry[cpu])
    }

    /// From the ring that tells a CPU that it has inherited deadlines to the end of the entry in which it sets its timer.
    pub(crate) fn heir(&self, cpu: usize) -> u64 {
        self.scaled(Bound::Heir, self.delay + 2 * self.entry[cpu])
    }

    /// From what a CPU waits for in the kernel to its going on: it looks by itself now and then.
    pub(crate) fn hold(&self, cpu: usize) -> u64 {
        self.scaled(Bound::Hold, POLL + self.entry[cpu])
    }

    /// From the ring that makes a CPU look at its task to the end of the entry in which it does.
    pub(crate) fn kill(&self, cpu: usize) -> u64 {
        self.scaled(Bound::Kill, self.delay + 2 * self.entry[cpu])
    }

    /// From the ring of a sleeping CPU to the end of the entry in which it takes work, and rings the next sleeper.
    pub(crate) fn hop(&self, cpu: usize) -> u64 {
        self.scaled(Bound::Work, self.delay + 2 * self.entry[cpu])
    }

    /// The longest way through the kernel.
    pub(crate) fn entry(&self, cpu: usize) -> u64 {
        self.entry[cpu]
    }
}

/// Longest way into the kernel, and longest time in it, on the fastest hart, ns.
pub(crate) const ENTRY: u64 = 60;

/// How often a CPU that waits in the kernel looks by itself, ns.
pub(crate) const POLL: u64 = 2_000;

/// How long a hart takes to start, at most, ns.
pub(crate) const START: u64 = 5_000;
