use std::sync::Arc;

use antler_facts::Event;
use antler_nucleus::{CpuId, Machine, RingError, Runnable, Running};
use antler_sync::Relax;

use super::rest::point;
use super::world::{World, lock};

/// Turns of one spin after which the model calls it endless.
const SPINS: u64 = 50_000;

/// The world as seen from one virtual CPU.
pub(crate) struct Port {
    pub world: Arc<World>,
    pub me: usize,
}

impl Relax for Port {
    fn relax(&self, spins: u64) {
        assert!(spins < SPINS, "cpu{} spins without end", self.me);
        shuttle::thread::yield_now();
    }
}

impl Machine for Port {
    fn now(&self) -> u64 {
        lock(&self.world.rest).now
    }

    fn arm(&self, deadline: Option<u64>) {
        lock(&self.world.rest).timer[self.me] = deadline;
    }

    fn ring(&self, target: CpuId) -> Result<(), RingError> {
        // Between post and ring, others may act.
        point();
        self.world.ring(target.index());
        Ok(())
    }

    fn unreachable(&self, target: CpuId, error: RingError) -> ! {
        panic!("the doorbell of {target} cannot be rung: {}", error.0)
    }

    fn fact(&self, event: Event) {
        let now = lock(&self.world.rest).now;
        if self.world.loud {
            println!("{now:>8} cpu{}: {event:?}", self.me);
        }
        lock(&self.world.ledger).fact(self.me, event, now);
    }

    fn save(&self, task: &Running) {
        lock(&self.world.ledger).save(self.me, task.slot());
    }

    fn timed_out(&self, task: &Runnable) {
        lock(&self.world.ledger).timed_out(task.slot());
    }
}
