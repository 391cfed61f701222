//! The scheduler's world on real harts: SBI, CSRs, and this hart's fact ring.

use antler_facts::Event;
use antler_nucleus::{CpuId, Machine, RingError, Runnable, Running};
use antler_sync::Relax;

use crate::hart::HartBlock;
use crate::{end, evidence, fp, sbi, state, time};

/// The hart that we run on. It has no content: everything is found through `tp`.
pub(crate) struct Here;

/// Turns of one wait after which a lock counts as lost: minutes of host time.
const SPIN_LIMIT: u64 = 1 << 33;

impl Relax for Here {
    fn relax(&self, spins: u64) {
        core::hint::spin_loop();
        // The machine may be stopping, and the hart that holds what we wait for may have stopped already.
        end::stop_if_asked();
        assert!(spins < SPIN_LIMIT, "a lock never came free");
    }
}

impl Machine for Here {
    fn now(&self) -> u64 {
        time::now()
    }

    fn arm(&self, deadline: Option<u64>) {
        sbi::set_timer(deadline.map_or(u64::MAX, time::to_ticks));
    }

    fn ring(&self, target: CpuId) -> Result<(), RingError> {
        sbi::send_ipi(state::hart_of(target)).map_err(RingError)
    }

    fn unreachable(&self, target: CpuId, error: RingError) -> ! {
        panic!("the doorbell of {target} ({}) cannot be rung: SBI error {}", state::hart_of(target), error.0)
    }

    fn fact(&self, event: Event) {
        evidence::state(HartBlock::mine().cpu, event);
    }

    fn save(&self, task: &Running) {
        fp::save(&mut state::kernel().threads.running(task).fp);
    }

    fn timed_out(&self, task: &Runnable) {
        state::kernel().threads.waiting(task).frame.set_result(Err(antler_abi::Error::TimedOut));
    }
}
