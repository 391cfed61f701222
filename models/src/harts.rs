use antler_facts::Event;
use antler_nucleus::{Config, CpuId, Machine, RingError, Runnable, Running, Scheduler};
use antler_sync::{Brand, Relax, VirtualHart};

use crate::{Bell, Turn};

/// The world around a scheduler in a model: a doorbell for each CPU, and nothing else. Its clock stands at 0.
#[derive(Debug)]
pub struct Harts {
    /// Doorbells by CPU.
    pub bells: Box<[Bell]>,
}

impl Harts {
    /// A scheduler of `cpus` CPUs, all online, with room for `tasks` tasks; its world; and its harts, in nobody's hands.
    pub fn online(cpus: usize, tasks: usize) -> (Scheduler<1>, Harts, Vec<VirtualHart>) {
        let (brand, harts) = Brand::virtual_harts(cpus);
        let world = Harts { bells: (0..cpus).map(|_| Bell::default()).collect() };
        let sched = Scheduler::new(Config { brand, cpus, tasks, slice: 1, wait_lists: 1 });
        let come = |hart: VirtualHart| {
            let mut here = hart.enter();
            sched.come_online(&world, &mut here);
            here.leave()
        };
        let harts = harts.into_iter().map(come).collect();
        (sched, world, harts)
    }
}

impl Relax for Harts {
    fn relax(&self, spins: u64) {
        Turn.relax(spins);
    }
}

impl Machine for Harts {
    fn now(&self) -> u64 {
        0
    }

    fn arm(&self, _: Option<u64>) {}

    fn ring(&self, target: CpuId) -> Result<(), RingError> {
        self.bells[target.index()].ring();
        Ok(())
    }

    fn unreachable(&self, target: CpuId, error: RingError) -> ! {
        panic!("{target} cannot be reached: {error:?}")
    }

    fn fact(&self, _: Event) {}

    fn save(&self, _: &Running) {}

    fn timed_out(&self, _: &Runnable) {}
}
