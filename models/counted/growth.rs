//! What growth costs: accesses to shared memory (loads, stores, read-modify-writes, fences) that one operation of the
//! scheduler makes, at 2 to 512 harts and 2 to 4,096 tasks. The same numbers on every machine.
//!
//! Not counted: what a CPU does in memory of its own (the heap of its deadlines grows with the logarithm of the
//! sleepers), and what an access costs once other harts fight for the line.
#![cfg(counted)]

#[path = "../../crates/nucleus/tests/still/mod.rs"]
mod still;

use antler_abi::Qos;
use antler_facts::{Seen, WakeCause};
use antler_nucleus::{Config, CpuId, Key, Next, Placement, Scheduler};
use antler_sync::atomic::{Work, work};
use antler_sync::{Brand, HartToken, VirtualHart};
use still::Still;

/// Every hart count is measured at the fewest tasks, every task count at the fewest harts, and both at their most.
const HARTS: [usize; 5] = [2, 8, 32, 128, 512];
const TASKS: [usize; 5] = [2, 16, 128, 1024, 4096];

/// How much dearer the dearest may be than the cheapest, in percent.
const FLAT: u64 = 10;

/// The kernel's sizes.
const POOL: usize = 4096;
const W: usize = 8;

/// A machine of so many harts, all online and idle.
struct Board {
    world: Still,
    sched: Scheduler<W>,
    tokens: Vec<HartToken>,
    tasks: usize,
}

impl Board {
    fn new(harts: usize, tasks: usize) -> Board {
        let (brand, virtual_harts) = Brand::virtual_harts(harts);
        let config = Config { brand, cpus: harts, tasks: POOL, slice: u64::MAX / 2, wait_lists: POOL };
        let mut board = Board {
            world: Still::default(),
            sched: Scheduler::new(config),
            tokens: virtual_harts.into_iter().map(VirtualHart::enter).collect(),
            tasks: 0,
        };
        for cpu in 0..harts {
            board.sched.come_online(&board.world, &mut board.tokens[cpu]);
            assert_eq!(board.next(cpu), Next::Idle);
        }
        board.tasks = tasks.min(POOL - 2 * harts);
        board
    }

    fn next(&mut self, cpu: usize) -> Next {
        self.sched.next(&self.world, &mut self.tokens[cpu])
    }

    fn spawn(&mut self, cpu: usize, qos: Qos, placement: Placement) {
        let made = self.sched.spawn(&self.world, &mut self.tokens[cpu], 1, qos, placement, |_| ());
        made.expect("the pool has room");
    }

    /// Takes the doorbell if it was rung, then asks what to run.
    fn enter(&mut self, cpu: usize) -> Next {
        let rung = std::mem::take(&mut *self.world.rings.borrow_mut());
        let (mine, others) = rung.into_iter().partition::<Vec<_>, _>(|&target| target == cpu);
        *self.world.rings.borrow_mut() = others;
        if !mine.is_empty() {
            let _ = self.sched.doorbell(&self.world, &mut self.tokens[cpu], Seen::Trap, |_, _, _| ());
        }
        self.next(cpu)
    }

    /// Lets every CPU but those `except` run a pinned task of the highest class, so that none of them takes part.
    fn occupy(&mut self, except: &[usize]) {
        for cpu in (0..self.tokens.len()).filter(|cpu| !except.contains(cpu)) {
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
    fn park_all(&mut self, home: usize) {
        for key in 0..self.tasks as u64 {
            self.spawn(home, Qos::Normal, Placement::Here);
            assert!(matches!(self.enter(home), Next::Run(_)));
            self.park(home, key * 8);
        }
        let _ = self.enter(home);
        self.world.rings.borrow_mut().clear();
    }
}

/// A yield among tasks of one class, to the next one.
fn dispatch(harts: usize, tasks: usize) -> Work {
    let mut board = Board::new(harts, tasks);
    board.occupy(&[0]);
    (0..board.tasks).for_each(|_| board.spawn(0, Qos::Normal, Placement::Here));
    for _ in 0..4 {
        let _ = board.next(0);
        board.sched.yield_now(&mut board.tokens[0]);
    }
    work(|| assert!(matches!(board.next(0), Next::Run(_))))
}

/// A wake of a task whose home is busy: the waker's part.
fn wake_busy(harts: usize, tasks: usize) -> Work {
    let mut board = Board::new(harts, tasks);
    board.park_all(1);
    board.occupy(&[]);
    work(|| {
        let (token, key) = (&mut board.tokens[0], Key::Address(1, 0));
        assert_eq!(board.sched.wake(&board.world, token, key, 1, WakeCause::Signal), 1);
    })
}

/// A wake of a task whose home is idle, and the sleeper's own part up to the dispatch.
fn wake_idle(harts: usize, tasks: usize) -> Work {
    let mut board = Board::new(harts, tasks);
    board.park_all(1);
    board.spawn(0, Qos::PerfBurst, Placement::Pinned(CpuId::new(0)));
    let _ = board.enter(0);
    work(|| {
        let (token, key) = (&mut board.tokens[0], Key::Address(1, 0));
        assert_eq!(board.sched.wake(&board.world, token, key, 1, WakeCause::Signal), 1);
        assert!(matches!(board.enter(1), Next::Run(_)));
    })
}

/// A steal by the last CPU, which was rung for it, from the first.
fn steal(harts: usize, tasks: usize) -> Work {
    let mut board = Board::new(harts, tasks);
    let thief = harts - 1;
    board.occupy(&[0, thief]);
    (0..board.tasks + 1).for_each(|_| board.spawn(0, Qos::Normal, Placement::Here));
    assert!(matches!(board.next(0), Next::Run(_)));
    assert_eq!(*board.world.rings.borrow(), [thief]);
    work(|| assert!(matches!(board.enter(thief), Next::Run(_))))
}

/// A task that ends and another one that is made in its place, all on one CPU.
fn spawn_and_end(harts: usize, tasks: usize) -> Work {
    let mut board = Board::new(harts, tasks);
    board.park_all(0);
    board.occupy(&[0]);
    board.spawn(0, Qos::Normal, Placement::Here);
    let Next::Run(slot) = board.next(0) else { panic!("nothing runs") };
    work(|| {
        let handle = board.sched.tasks.handle(slot);
        board.sched.exit(&board.world, &mut board.tokens[0], 1);
        assert_eq!(board.sched.tasks.reap(handle), Some(1));
        board.spawn(0, Qos::Normal, Placement::Here);
        assert!(matches!(board.next(0), Next::Run(_)));
    })
}

struct Operation {
    name: &'static str,
    run: fn(usize, usize) -> Work,
    /// Accesses that come on top once, and why: a step, not a slope.
    step: (u64, &'static str),
}

const OPERATIONS: [Operation; 5] = [
    Operation { name: "dispatch", run: dispatch, step: (0, "") },
    Operation { name: "wake, home busy", run: wake_busy, step: (0, "") },
    Operation {
        name: "wake, home idle",
        run: wake_idle,
        step: (32, "from 3 harts on others are idle as well, and the four surplus sets are read for them"),
    },
    Operation {
        name: "steal",
        run: steal,
        step: (28, "of 2 queued tasks it moves 1, of 8 and more it moves 4, which leaves some to announce"),
    },
    Operation { name: "spawn and end", run: spawn_and_end, step: (0, "") },
];

fn total(work: Work) -> u64 {
    work.loads + work.stores + work.updates + work.fences
}

#[test]
fn cost_does_not_grow() {
    let few = HARTS.map(|harts| (harts, TASKS[0]));
    let sizes: Vec<_> = few.into_iter().chain(TASKS[1..].iter().map(|&tasks| (HARTS[0], tasks))).collect();
    let sizes = [sizes, vec![(HARTS[4], TASKS[4])]].concat();
    let mut steep = Vec::new();
    for Operation { name, run, step: (extra, why) } in OPERATIONS {
        let costs: Vec<(usize, usize, Work)> =
            sizes.iter().map(|&(harts, tasks)| (harts, tasks, run(harts, tasks))).collect();
        println!("{name}");
        for &(harts, tasks, work) in &costs {
            let Work { loads, stores, updates, fences } = work;
            println!(
                "  {harts:3} harts {tasks:4} tasks: {:3} accesses = {loads} loads + {stores} stores + {updates} \
                 updates + {fences} fences",
                total(work)
            );
        }
        let sums = || costs.iter().map(|cost| total(cost.2));
        let (least, most) = (sums().min().unwrap_or(0), sums().max().unwrap_or(0));
        println!("explored growth, {name}: {} sizes, {least} to {most} accesses", costs.len());
        if !why.is_empty() {
            println!("  {extra} of them come once: {why}");
        }
        if least == 0 || most * 100 > least * (100 + FLAT) + extra * 100 {
            steep.push(format!("{name}: {least} to {most} accesses"));
        }
    }
    assert!(steep.is_empty(), "cost grows by more than {FLAT} %: {steep:?}");
}
