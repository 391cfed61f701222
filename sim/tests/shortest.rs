//! The shortest ways to bugs that the simulator or a reader found, step by step on the scheduler itself.

#[path = "../../crates/nucleus/tests/still/mod.rs"]
mod still;

use antler_abi::Qos;
use antler_facts::Seen;
use antler_nucleus::{Config, Next, Placement, Scheduler};
use antler_sync::{Brand, HartToken, VirtualHart};
use still::Still;

const SLICE: u64 = 1000;

fn board(cpus: usize) -> (Scheduler<1>, Vec<HartToken>) {
    let (brand, harts) = Brand::virtual_harts(cpus);
    let config = Config { brand, cpus, tasks: 8, slice: SLICE, wait_lists: 1 };
    (Scheduler::new(config), harts.into_iter().map(VirtualHart::enter).collect())
}

/// cpu1 is claimed for a task that it may not run any more when it wakes.
#[test]
fn a_claim_that_cannot_be_used_is_passed_on() {
    let (sched, mut tokens) = board(3);
    let world = Still::default();
    for token in &mut tokens {
        sched.come_online(&world, token);
        assert_eq!(sched.next(&world, token), Next::Idle);
    }
    let here = |class, token: &mut HartToken| {
        sched.spawn(&world, token, 0, class, Placement::Here, |_| ()).expect("room");
    };
    here(Qos::Normal, &mut tokens[0]);
    here(Qos::PerfBurst, &mut tokens[0]);
    // cpu0 runs the higher task and claims cpu1 for the other one.
    assert!(matches!(sched.next(&world, &mut tokens[0]), Next::Run(_)));
    assert_eq!(world.rings.take(), [1]);
    // By the time cpu1 wakes it may run nothing above the class Idle.
    sched.set_ceiling(1, Qos::Idle).expect("not cpu0");
    let _resched = sched.doorbell(&world, &mut tokens[1], Seen::Wfi, |_, _, _| ());
    assert_eq!(sched.next(&world, &mut tokens[1]), Next::Idle);
    // cpu2 sleeps, and may run it: somebody must tell it.
    assert_eq!(world.rings.take(), [2], "cpu2 sleeps beside a task that it may run, and nobody rings it");
}

/// A task is in the kernel when its slice ends, and its tick comes right after: its mate's turn is due all the same.
#[test]
fn a_slice_that_ends_inside_an_entry_has_ended() {
    let (sched, mut tokens) = board(1);
    let (world, token) = (Still::default(), &mut tokens[0]);
    sched.come_online(&world, token);
    for _ in 0..2 {
        sched.spawn(&world, token, 0, Qos::Normal, Placement::Here, |_| ()).expect("room");
    }
    assert_eq!(sched.next(&world, token), Next::Run(0));
    let tick = world.armed.get().expect("two tasks share the CPU");
    assert_eq!(tick, SLICE);
    world.now.set(tick + 1);
    sched.look_again(token);
    assert_eq!(sched.next(&world, token), Next::Same, "the tick has not come yet");
    assert_eq!(world.armed.get(), Some(tick), "the tick is taken away");
    sched.timer(&world, token);
    assert_eq!(sched.next(&world, token), Next::Run(1), "the task keeps the CPU beyond its slice");
}
