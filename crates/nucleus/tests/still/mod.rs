//! A world in which nothing happens by itself, for tests that go step by step.

use std::cell::{Cell, RefCell};

use antler_facts::Event;
use antler_nucleus::{CpuId, Machine, RingError, Runnable, Running};
use antler_sync::Relax;

/// One thread plays all CPUs. Doorbells and timers are noted, and the test acts on them.
#[derive(Debug, Default)]
pub struct Still {
    /// The time, until the test moves it.
    pub now: Cell<u64>,
    /// What a timer was armed with last, whichever CPU's.
    pub armed: Cell<Option<u64>>,
    /// CPUs that were rung, in order.
    pub rings: RefCell<Vec<usize>>,
    /// How long was waited at each wait, as it was told.
    pub waits: RefCell<Vec<u64>>,
}

impl Relax for Still {
    fn relax(&self, spins: u64) {
        assert!(spins < 1000, "one thread waits for itself");
        self.waits.borrow_mut().push(spins);
    }
}

impl Machine for Still {
    fn now(&self) -> u64 {
        self.now.get()
    }
    fn arm(&self, deadline: Option<u64>) {
        self.armed.set(deadline);
    }
    fn ring(&self, target: CpuId) -> Result<(), RingError> {
        self.rings.borrow_mut().push(target.index());
        Ok(())
    }
    fn unreachable(&self, target: CpuId, error: RingError) -> ! {
        panic!("{target}: {error:?}")
    }
    fn fact(&self, _: Event) {}
    fn save(&self, _: &Running) {}
    fn timed_out(&self, _: &Runnable) {}
}
