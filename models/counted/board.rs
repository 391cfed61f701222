//! A machine whose scheduler's accesses are counted, and what its CPUs do before the count begins.

#[path = "../../crates/nucleus/tests/still/mod.rs"]
mod still;

use antler_abi::Qos;
use antler_facts::Seen;
use antler_nucleus::{Config, CpuId, Key, Next, Placement, Scheduler};
use antler_sync::{Brand, HartToken, VirtualHart};
use still::Still;

/// The kernel's pool, and its lists of waiters.
const POOL: usize = 4096;

/// How many harts and tasks a machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Harts, all online.
    pub harts: usize,
    /// Tasks that wait or are queued, beside those that keep harts busy.
    pub tasks: usize,
}

impl Size {
    /// With `tasks` tasks, or as many as the kernel's pool has room for beside those that keep the harts busy.
    pub fn new(harts: usize, tasks: usize) -> Size {
        Size { harts, tasks: tasks.min(POOL - 2 * harts) }
    }

    /// A pool as small as these fit into: what looks at all of it costs more with every task.
    fn pool(self) -> usize {
        (self.tasks + 2 * self.harts).next_power_of_two()
    }
}

/// A machine of so many harts, all online and idle; its sets of CPUs have `W` words.
pub struct Board<const W: usize> {
    /// Its doorbells and timers.
    pub world: Still,
    /// The scheduler that is measured.
    pub sched: Scheduler<W>,
    /// Its harts, by number.
    pub tokens: Vec<HartToken>,
    /// As many tasks as its size says.
    pub tasks: usize,
}

impl<const W: usize> Board<W> {
    /// A machine of this size, without a task.
    pub fn new(size: Size) -> Board<W> {
        let (brand, virtual_harts) = Brand::virtual_harts(size.harts);
        let slice = u64::MAX / 2;
        let config = Config { brand, cpus: size.harts, tasks: size.pool(), slice, wait_lists: POOL };
        let mut board = Board {
            world: Still::default(),
            sched: Scheduler::new(config),
            tokens: virtual_harts.into_iter().map(VirtualHart::enter).collect(),
            tasks: size.tasks,
        };
        for cpu in 0..size.harts {
            board.sched.come_online(&board.world, &mut board.tokens[cpu]);
            assert_eq!(board.next(cpu), Next::Idle);
        }
        board
    }

    /// The same, where only tasks of the lowest class may run on CPU `from` and those behind it.
    pub fn with_ceilings(size: Size, from: usize) -> Board<W> {
        let board = Board::new(size);
        board.set_ceilings(from);
        board
    }

    /// Lets only tasks of the lowest class run on CPU `from` and those behind it.
    pub fn set_ceilings(&self, from: usize) {
        for cpu in from..self.tokens.len() {
            assert_eq!(self.sched.set_ceiling(cpu, Qos::Idle), Ok(()));
        }
    }

    /// Asks what to run.
    pub fn next(&mut self, cpu: usize) -> Next {
        self.sched.next(&self.world, &mut self.tokens[cpu])
    }

    /// Makes a task.
    pub fn spawn(&mut self, cpu: usize, qos: Qos, placement: Placement) {
        let made = self.sched.spawn(&self.world, &mut self.tokens[cpu], 1, qos, placement, |_| ());
        made.expect("the pool has room");
    }

    /// Takes the doorbell if it was rung, then asks what to run.
    pub fn enter(&mut self, cpu: usize) -> Next {
        let rung = std::mem::take(&mut *self.world.rings.borrow_mut());
        let (mine, others) = rung.into_iter().partition::<Vec<_>, _>(|&target| target == cpu);
        *self.world.rings.borrow_mut() = others;
        if !mine.is_empty() {
            let _ = self.sched.doorbell(&self.world, &mut self.tokens[cpu], Seen::Trap, |_, _, _| ());
        }
        self.next(cpu)
    }

    /// Lets every CPU that is not among those `except` run a pinned task of the highest class, so that it takes no part.
    pub fn occupy(&mut self, except: impl Fn(usize) -> bool) {
        for cpu in (0..self.tokens.len()).filter(|&cpu| !except(cpu)) {
            self.spawn(0, Qos::PerfBurst, Placement::Pinned(CpuId::new(cpu)));
            assert!(matches!(self.enter(cpu), Next::Run(_)));
        }
    }

    /// Parks the task that `cpu` runs on its own key.
    fn park(&mut self, cpu: usize, key: u64) {
        let key = Key::Address(1, key);
        let token = &mut self.tokens[cpu];
        self.sched.wait(&self.world, token, key, None, |_| Ok::<_, ()>(())).expect("nothing changed");
    }

    /// As many parked tasks as there are to be, each on its own key from 0 on, all at home on `home`.
    pub fn park_all(&mut self, home: usize) {
        for key in 0..self.tasks as u64 {
            self.spawn(home, Qos::Normal, Placement::Here);
            assert!(matches!(self.enter(home), Next::Run(_)));
            self.park(home, key * 8);
        }
        let _ = self.enter(home);
        self.world.rings.borrow_mut().clear();
    }

    /// As many queued tasks as there are to be, on `cpu`.
    pub fn queue_all(&mut self, cpu: usize) {
        (0..self.tasks).for_each(|_| self.spawn(cpu, Qos::Normal, Placement::Here));
    }
}
