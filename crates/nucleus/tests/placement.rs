//! Which CPU a task is given to: an idle one that may run it, its home first and then in ring order; else its home; else
//! the next CPU in ring order that may. With the fallback of another CPU tasks would pile up there, and nothing be lost.

mod still;

use antler_abi::Qos;
use antler_facts::{Seen, WakeCause};
use antler_nucleus::{Config, CpuId, Key, Next, Placement, Scheduler};
use antler_sync::{Brand, HartToken, VirtualHart};
use still::Still;

const CPUS: usize = 5;

struct Board {
    world: Still,
    sched: Scheduler<1>,
    tokens: Vec<HartToken>,
}

impl Board {
    /// All CPUs online and idle.
    fn new() -> Board {
        let (brand, harts) = Brand::virtual_harts(CPUS);
        let config = Config { brand, cpus: CPUS, tasks: 32, slice: 1000, wait_lists: 4 };
        let (world, sched) = (Still::default(), Scheduler::new(config));
        let mut tokens: Vec<HartToken> = harts.into_iter().map(VirtualHart::enter).collect();
        for token in &mut tokens {
            sched.come_online(&world, token);
            assert_eq!(sched.next(&world, token), Next::Idle);
        }
        Board { world, sched, tokens }
    }

    /// Parks a task of this class on `home`, where it has run last.
    fn park(&mut self, home: usize, class: Qos) {
        let (world, sched, token) = (&self.world, &self.sched, &mut self.tokens[home]);
        sched.spawn(world, token, 0, class, Placement::Here, |_| ()).expect("room");
        assert!(matches!(sched.next(world, token), Next::Run(_)));
        sched.wait(world, token, Key::Address(0, 8), None, |_| Ok::<_, ()>(())).expect("nothing changed");
        assert_eq!(sched.next(world, token), Next::Idle);
    }

    /// Gives a CPU a task of its own that keeps it busy, with nothing to spare.
    fn busy(&mut self, cpu: usize) {
        let (world, sched, token) = (&self.world, &self.sched, &mut self.tokens[cpu]);
        let pinned = Placement::Pinned(CpuId::new(cpu));
        sched.spawn(world, token, 0, Qos::Interactive, pinned, |_| ()).expect("room");
        assert!(matches!(sched.next(world, token), Next::Run(_)));
    }

    /// Wakes the parked task longest waiting, from `waker`; returns the CPU that is rung for it.
    fn wake(&mut self, waker: usize) -> usize {
        let (world, sched) = (&self.world, &self.sched);
        let woken = sched.wake(world, &mut self.tokens[waker], Key::Address(0, 8), 1, WakeCause::Signal);
        assert_eq!(woken, 1);
        match world.rings.take()[..] {
            [cpu] => cpu,
            ref rings => panic!("one CPU is rung for one task, not {rings:?}"),
        }
    }
}

#[test]
fn with_no_cpu_idle_a_task_goes_home() {
    for home in 0..CPUS {
        let mut board = Board::new();
        board.park(home, Qos::Normal);
        (0..CPUS).for_each(|cpu| board.busy(cpu));
        assert_eq!(board.wake((home + 2) % CPUS), home);
    }
}

#[test]
fn a_home_that_may_not_run_it_passes_it_on_in_ring_order() {
    for (home, low, right) in [(1, &[1][..], 2), (1, &[1, 2], 3), (3, &[3, 4], 0), (2, &[1, 2, 4], 3)] {
        let mut board = Board::new();
        board.park(home, Qos::Normal);
        (0..CPUS).for_each(|cpu| board.busy(cpu));
        low.iter().for_each(|&cpu| board.sched.set_ceiling(cpu, Qos::Idle).expect("not cpu0"));
        let waker = (0..CPUS).rev().find(|&cpu| cpu != right && cpu != home).expect("one of five");
        assert_eq!(board.wake(waker), right, "home {home}, {low:?} may not");
    }
}

#[test]
fn idle_cpus_come_before_a_busy_home_in_ring_order_from_it() {
    let mut board = Board::new();
    (0..5).for_each(|_| board.park(2, Qos::Normal));
    board.busy(2);
    board.busy(4);
    // Each is claimed for one task: the next goes on to the next.
    assert_eq!([board.wake(4), board.wake(4), board.wake(4)], [3, 0, 1]);
    assert_eq!(board.wake(4), 2, "none is left, and the home takes the rest");
    // Its doorbell is under way: the last one rides on it.
    let woken =
        board.sched.wake(&board.world, &mut board.tokens[4], Key::Address(0, 8), 1, WakeCause::Signal);
    assert_eq!((woken, board.world.rings.take()), (1, vec![]));
    let _resched = board.sched.doorbell(&board.world, &mut board.tokens[2], Seen::Trap, |_, _, _| ());
    let _same = board.sched.next(&board.world, &mut board.tokens[2]);
    assert_eq!(board.sched.queued(CpuId::new(2)), 2, "the home has the last two");
}

#[test]
fn an_idle_home_comes_first_and_one_that_may_not_run_it_is_passed_over() {
    let mut board = Board::new();
    (0..3).for_each(|_| board.park(3, Qos::Normal));
    board.sched.set_ceiling(4, Qos::Idle).expect("not cpu0");
    board.busy(0);
    assert_eq!([board.wake(0), board.wake(0), board.wake(0)], [3, 1, 2]);
}
