//! The bounds that oracles hold the scheduler to, in virtual ns. Each is the sum of what may legitimately delay the thing.

use crate::plan::Plan;
use crate::scenario::{Act, Scenario};

/// What may take how long, at most.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// A doorbell, from ring to pending.
    pub delay: u64,
    /// By CPU: from a pending interrupt to the end of the kernel entry that handles it.
    pub entry: Vec<u64>,
    /// A CPU waits in the kernel for others (Calls, hotplug), and looks at no queue meanwhile.
    pub held: u64,
    /// A CPU sleeps beside a task that it may run.
    pub work: u64,
}

impl Bounds {
    /// The bounds of a plan on harts that are so many times slower than the fastest.
    pub(crate) fn new(plan: &Plan, speeds: &[u64]) -> Bounds {
        let entry: Vec<u64> = speeds.iter().map(|speed| 3 * speed * ENTRY).collect();
        let slowest = entry.iter().max().copied().unwrap_or(0);
        let round_trip = 2 * (plan.delay.1 + slowest);
        let calls = if plan.acts.has(Act::Call) { 2 * round_trip } else { 0 };
        // The one who takes a CPU offline waits for its answer, and that CPU may wait for others before it leaves.
        let hotplug = if plan.acts.has(Act::Hotplug) { 4 * round_trip + 4 * POLL + START } else { 0 };
        let hop = plan.delay.1 + 2 * slowest;
        let work = if plan.acts.has(Act::Ceiling) { HOPS * hop } else { 0 };
        Bounds { delay: plan.delay.1, entry, held: calls + hotplug, work }
    }

    /// From a post to the acknowledgement. The post may ride on a ring that a slower CPU makes at the end of an entry that is
    /// under way.
    pub fn chain(&self, cpu: usize) -> u64 {
        self.delay + self.entry[cpu] + self.slowest()
    }

    fn slowest(&self) -> u64 {
        self.entry.iter().max().copied().unwrap_or(0)
    }

    /// From a push into a CPU's inbox to its queue: by a ring, or by the tick of the slice that is running.
    pub fn inbox(&self, cpu: usize) -> u64 {
        Scenario::SLICE.max(self.chain(cpu)) + 2 * self.entry[cpu] + self.held
    }

    /// How long a task may run while another of its class waits on the same CPU.
    pub fn turn(&self, cpu: usize) -> u64 {
        2 * Scenario::SLICE + 2 * self.entry[cpu] + self.held
    }

    /// From a deadline to the wake by it; the deadline may be handed over once.
    pub fn deadline(&self) -> u64 {
        self.delay + 4 * self.slowest() + 2 * self.held
    }
}

/// Wakes in a chain that may go to CPUs of lower ceilings before the right one is rung.
const HOPS: u64 = 2;

/// Longest way into the kernel, and longest time in it, on the fastest hart, ns.
pub(crate) const ENTRY: u64 = 60;

/// How often a CPU that waits in the kernel looks by itself, ns.
pub(crate) const POLL: u64 = 2_000;

/// How long a hart takes to start, at most, ns.
pub(crate) const START: u64 = 5_000;
