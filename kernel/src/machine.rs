//! The scheduler's world on real harts: SBI, CSRs, and this hart's fact ring.

use antler_facts::Event;
use antler_nucleus::{CpuId, Machine, RingError, Runnable, Running};
use antler_sync::Relax;

use crate::faults::{self, Fault};
use crate::hart::HartBlock;
use crate::{doorbell, end, evidence, fp, state, time, timer};

/// The hart that we run on. It has no content: everything is found through `tp`.
pub(crate) struct Here;

/// Turns of one wait after which a lock counts as lost: minutes of host time.
const SPIN_LIMIT: u64 = 1 << 33;

/// How long a task waits at most for a tick that does a doorbell's work ([`Fault::TickInstead`]), in ns.
const TICK: u64 = 1_000_000;

impl Relax for Here {
    fn relax(&self, spins: u64) {
        core::hint::spin_loop();
        // The machine may be stopping, and the hart that holds what we wait for may have stopped already.
        end::stop_if_asked();
        assert!(spins < SPIN_LIMIT, "a lock never came free");
    }
}

impl Machine for Here {
    #[inline(always)]
    fn now(&self) -> u64 {
        time::now()
    }

    fn arm(&self, deadline: Option<u64>) {
        let deadline = match faults::commits(Fault::TickInstead) {
            true => Some(deadline.unwrap_or(u64::MAX).min(time::now() + TICK)),
            false => deadline,
        };
        timer::set(deadline.map_or(u64::MAX, time::to_ticks));
    }

    fn ring(&self, target: CpuId) -> Result<(), RingError> {
        if faults::commits(Fault::IpiDropped) || faults::commits(Fault::TickInstead) {
            return Ok(());
        }
        doorbell::ring(target).map_err(RingError)
    }

    fn unreachable(&self, target: CpuId, error: RingError) -> ! {
        panic!("the doorbell of {target} ({}) cannot be rung: SBI error {}", state::hart_of(target), error.0)
    }

    fn fact(&self, event: Event) {
        #[cfg(feature = "faults")]
        faults::leave_incomplete(&event);
        #[cfg(feature = "faults")]
        let Some(event) = faults::misstate(event) else { return };
        evidence::state(HartBlock::mine().cpu, event);
    }

    fn save(&self, task: &Running) {
        if !faults::commits(Fault::FpUnsaved) {
            fp::save(&mut state::kernel().threads.running(task).fp);
        }
    }

    fn timed_out(&self, task: &Runnable) {
        state::kernel().threads.waiting(task).frame.set_result(Err(antler_abi::Error::TimedOut));
    }

    #[cfg(feature = "faults")]
    fn commits(&self, fault: antler_nucleus::Fault) -> bool {
        faults::scheduler_commits(fault)
    }
}

/// The hart that we run on, in an entry during which nobody wants facts: that is asked once, and not for each of them.
pub(crate) struct Quiet;

impl Relax for Quiet {
    fn relax(&self, spins: u64) {
        Here.relax(spins);
    }
}

impl Machine for Quiet {
    #[inline(always)]
    fn now(&self) -> u64 {
        Here.now()
    }

    fn arm(&self, deadline: Option<u64>) {
        Here.arm(deadline);
    }

    fn ring(&self, target: CpuId) -> Result<(), RingError> {
        Here.ring(target)
    }

    fn unreachable(&self, target: CpuId, error: RingError) -> ! {
        Here.unreachable(target, error)
    }

    fn fact(&self, _event: Event) {}

    fn save(&self, task: &Running) {
        Here.save(task);
    }

    fn timed_out(&self, task: &Runnable) {
        Here.timed_out(task);
    }
}
