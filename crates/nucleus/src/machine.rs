use antler_facts::Event;
use antler_sync::Relax;

use crate::fault::Fault;
use crate::ids::CpuId;
use crate::task::{Runnable, Running};

/// Firmware or hardware did not take a doorbell ring; the code is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingError(pub i64);

/// The world as the scheduler sees it, from the CPU it runs on. The kernel implements it with SBI and the hart's
/// registers, the simulator with virtual harts; the scheduler itself is the same code in both.
pub trait Machine: Relax {
    /// Nanoseconds since boot.
    fn now(&self) -> u64;

    /// Sets this CPU's one timer to fire at or after `deadline` (ns), or never.
    fn arm(&self, deadline: Option<u64>);

    /// Rings a CPU's doorbell. All memory written before is visible to the CPU when it has seen the ring, so the
    /// implementation orders memory before device.
    ///
    /// # Errors
    /// [`RingError`] when the ring was not sent.
    fn ring(&self, target: CpuId) -> Result<(), RingError>;

    /// An online CPU's doorbell could not be rung within the bound: nothing sound can follow.
    fn unreachable(&self, target: CpuId, error: RingError) -> !;

    /// Writes a fact down, if its kind is wanted.
    fn fact(&self, event: Event);

    /// Brings to memory what the hart still holds of the task (floating-point registers, if dirty). Called right before
    /// the task's token can reach another CPU.
    fn save(&self, task: &Running);

    /// The task's wait on an address ended by its deadline; its call is to return that. Called by the one waker that
    /// claimed the task, before anybody else can reach it.
    fn timed_out(&self, task: &Runnable);

    /// Whether this CPU is to do this wrong, here and now. A machine that is to be right leaves it as it is.
    fn commits(&self, _fault: Fault) -> bool {
        false
    }
}
