//! What only the kernel asks for, and no workload of the simulator: batches, bounds, withheld doorbells, numbers.

mod still;

use antler_abi::Qos;
use antler_facts::{Request, Seen, WakeCause};
use antler_nucleus::{
    Call, Config, CpuId, HartId, Key, Next, Placement, STEAL_BOUND, Scheduler, State, Steal, StealRefused,
};
use antler_sync::{Brand, HartToken, VirtualHart};
use still::Still;

/// `cpus` CPUs, online and idle.
fn board(cpus: usize) -> (Still, Scheduler<1>, Vec<HartToken>) {
    let (brand, harts) = Brand::virtual_harts(cpus);
    let config = Config { brand, cpus, tasks: 64, slice: 1000, wait_lists: 4 };
    let (world, sched) = (Still::default(), Scheduler::new(config));
    let mut tokens: Vec<HartToken> = harts.into_iter().map(VirtualHart::enter).collect();
    for token in &mut tokens {
        sched.come_online(&world, token);
        assert_eq!(sched.next(&world, token), Next::Idle);
    }
    (world, sched, tokens)
}

fn here(world: &Still, sched: &Scheduler<1>, token: &mut HartToken) {
    sched.spawn(world, token, 0, Qos::Normal, Placement::Here, |_| ()).expect("room");
}

#[test]
fn a_wake_of_many_goes_beyond_one_batch_and_stops_at_its_count() {
    let (world, sched, mut tokens) = board(1);
    let (token, key) = (&mut tokens[0], Key::Address(1, 8));
    for _ in 0..50 {
        here(&world, &sched, token);
        assert!(matches!(sched.next(&world, token), Next::Run(_)));
        sched.wait(&world, token, key, None, |_| Ok::<_, ()>(())).expect("nothing changed");
    }
    assert_eq!(sched.next(&world, token), Next::Idle);
    for (count, woken) in [(0, 0), (1, 1), (16, 16), (17, 17), (usize::MAX, 16), (1, 0)] {
        assert_eq!(sched.wake(&world, token, key, count, WakeCause::Signal), woken, "of {count}");
    }
    assert_eq!(sched.queued(CpuId::BOOT), 50);
}

#[test]
fn a_steal_takes_no_more_than_asked_and_refuses_more_than_the_bound() {
    let (world, sched, mut tokens) = board(2);
    (0..32).for_each(|_| here(&world, &sched, &mut tokens[0]));
    assert!(matches!(sched.next(&world, &mut tokens[0]), Next::Run(_)));
    let (victim, me) = (sched.target(0).expect("online"), sched.target(1).expect("online"));
    let thief = &mut tokens[1];
    let above = sched.steal(&world, thief, victim, STEAL_BOUND + 1);
    assert_eq!(above, Err(StealRefused::AboveBound));
    assert_eq!(
        (sched.queued(CpuId::BOOT), sched.queued(CpuId::new(1))),
        (31, 0),
        "a refused steal moved something"
    );
    assert_eq!(sched.steal(&world, thief, me, 1), Err(StealRefused::Own));
    for count in [1, 2, STEAL_BOUND] {
        assert_eq!(sched.steal(&world, thief, victim, count), Ok(Steal::Took(count)));
    }
    assert_eq!(sched.queued(CpuId::new(1)), 3 + STEAL_BOUND);
}

#[test]
fn a_withheld_doorbell_is_rung_later_and_everything_is_numbered() {
    let (world, sched, mut tokens) = board(2);
    let (target, cpu) = (sched.target(1).expect("online"), CpuId::new(1));
    assert_eq!((sched.posted(&tokens[0], cpu), sched.acked(&tokens[0], cpu)), (0, 0));
    assert_eq!(sched.post_silently(&world, &tokens[0], target), Ok(1));
    assert_eq!(sched.post_silently(&world, &tokens[0], target), Ok(2));
    assert!(world.rings.borrow().is_empty() && sched.is_rung(cpu), "a withheld doorbell was rung");
    assert_eq!((sched.posted(&tokens[0], cpu), sched.acked(&tokens[0], cpu)), (2, 0));
    sched.ring_now(&world, &tokens[0], target);
    assert_eq!(*world.rings.borrow(), [1]);
    let kinds = sched.doorbell(&world, &mut tokens[1], Seen::Wfi, |_, _, _| ());
    assert!(kinds.has(Request::Resched) && !sched.is_rung(cpu));
    assert_eq!((sched.posted(&tokens[0], cpu), sched.acked(&tokens[0], cpu)), (2, 2));
}

#[test]
fn stop_rings_though_somebody_else_is_to_ring() {
    let (world, sched, tokens) = board(2);
    let target = sched.target(1).expect("online");
    sched.resched(&world, &tokens[0], target).expect("online");
    sched.request(&world, &tokens[0], target, Request::Reply).expect("online");
    assert_eq!(*world.rings.borrow(), [1], "a request with a ring under way was rung for");
    sched.request(&world, &tokens[0], target, Request::Stop).expect("online");
    assert_eq!(*world.rings.borrow(), [1, 1]);
    assert_eq!(sched.posted(&tokens[0], CpuId::new(1)), 3);
}

#[test]
fn a_call_names_who_has_still_to_answer() {
    let (world, sched, mut tokens) = board(3);
    let others = [1, 2].into_iter().map(CpuId::new).collect();
    let call = Call { op: 5, argument: 6 };
    assert_eq!(sched.call(&world, &tokens[0], call, &others), others);
    for cpu in [2, 1] {
        assert!(!sched.call_done(&tokens[0]));
        assert!(sched.call_waits_for(&tokens[0]).contains(CpuId::new(cpu)));
        let mut asked = Vec::new();
        let _ =
            sched.doorbell(&world, &mut tokens[cpu], Seen::Wfi, |_, caller, call| asked.push((caller, call)));
        assert_eq!(asked, [(CpuId::BOOT, call)]);
        assert!(!sched.call_waits_for(&tokens[0]).contains(CpuId::new(cpu)));
    }
    assert!(sched.call_done(&tokens[0]) && sched.call_waits_for(&tokens[0]).is_empty());
}

#[test]
fn sets_counts_and_names() {
    let (world, sched, mut tokens) = board(3);
    assert_eq!(sched.cpus_present(), 3);
    assert_eq!((sched.online().len(), sched.idle().len()), (3, 3));
    assert_eq!((format!("{}", HartId(7)), format!("{}", CpuId::new(2))), ("hart 7".into(), "cpu2".into()));
    world.now.set(500);
    sched.leave(&world, &mut tokens[2], |_, _, _| ());
    assert_eq!(sched.counters(CpuId::new(2)).online_ns.get(), 500);
    assert_eq!((sched.online().len(), sched.idle().len()), (2, 2));
    // Two tasks in turn are switches; one that goes on after an interrupt is none.
    for _ in 0..2 {
        sched
            .spawn(&world, &mut tokens[0], 0, Qos::Normal, Placement::Pinned(CpuId::BOOT), |_| ())
            .expect("room");
    }
    for _ in 0..4 {
        assert!(matches!(sched.next(&world, &mut tokens[0]), Next::Run(_)));
        sched.yield_now(&mut tokens[0]);
    }
    let counters = sched.counters(CpuId::BOOT);
    assert_eq!((counters.dispatches.get(), counters.switches.get()), (4, 4));
}

/// Every queue has room for every task that can exist.
#[test]
fn all_tasks_fit_into_one_queue() {
    for placement in [Placement::Here, Placement::Pinned(CpuId::BOOT)] {
        let (brand, harts) = Brand::virtual_harts(1);
        let config = Config { brand, cpus: 1, tasks: 4096, slice: 1000, wait_lists: 4 };
        let (world, sched) = (Still::default(), Scheduler::<1>::new(config));
        let token = &mut harts.into_iter().map(VirtualHart::enter).next().expect("one");
        sched.come_online(&world, token);
        for _ in 0..4096 {
            sched.spawn(&world, token, 0, Qos::Normal, placement, |_| ()).expect("room");
        }
        for slot in 0..4096 {
            assert_eq!(sched.next(&world, token), Next::Run(slot), "{placement:?}");
            sched.exit(&world, token, 0);
        }
        assert_eq!(sched.next(&world, token), Next::Idle);
    }
}

/// Mail above the ceiling goes on, and who runs here keeps its turn.
#[test]
fn mail_above_the_ceiling_takes_nobodys_turn() {
    let (world, sched, mut tokens) = board(2);
    let key = Key::Address(1, 8);
    let spawn = |class, token: &mut HartToken| {
        sched.spawn(&world, token, 0, class, Placement::Here, |_| ()).expect("room");
    };
    spawn(Qos::PerfBurst, &mut tokens[1]);
    assert_eq!(sched.next(&world, &mut tokens[1]), Next::Run(0));
    sched.wait(&world, &mut tokens[1], key, None, |_| Ok::<_, ()>(())).expect("nothing changed");
    (0..2).for_each(|_| spawn(Qos::Idle, &mut tokens[1]));
    assert_eq!(sched.next(&world, &mut tokens[1]), Next::Run(1));
    // cpu0 has been claimed for the second one, so the woken task goes home, to cpu1.
    assert_eq!(sched.wake(&world, &mut tokens[0], key, 1, WakeCause::Signal), 1);
    sched.set_ceiling(1, Qos::Idle).expect("not cpu0");
    let _resched = sched.doorbell(&world, &mut tokens[1], Seen::Trap, |_, _, _| ());
    assert_eq!(sched.next(&world, &mut tokens[1]), Next::Same, "a task that may not run here took the turn");
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Run(0));
}

/// A sleeper gives its CPU away, and comes back when its deadline has come.
#[test]
fn a_sleeper_is_gone_until_its_deadline() {
    let (world, sched, mut tokens) = board(1);
    here(&world, &sched, &mut tokens[0]);
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Run(0));
    sched.sleep(&world, &mut tokens[0], 500);
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Idle);
    assert_eq!(world.armed.get(), Some(500));
    world.now.set(499);
    sched.timer(&world, &mut tokens[0]);
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Idle, "too early");
    world.now.set(500);
    sched.timer(&world, &mut tokens[0]);
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Run(0));
}

/// A thread has ended when it has, and not before.
#[test]
fn the_end_of_a_thread_shows() {
    let (world, sched, mut tokens) = board(1);
    here(&world, &sched, &mut tokens[0]);
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Run(0));
    let handle = sched.tasks.handle(0);
    assert!(!sched.has_ended(handle));
    sched.exit(&world, &mut tokens[0], 7);
    assert!(sched.has_ended(handle));
}

/// A CPU that is to look again does, though nothing of its own changed.
#[test]
fn who_is_to_look_again_does() {
    let (world, sched, mut tokens) = board(2);
    here(&world, &sched, &mut tokens[1]);
    assert_eq!(sched.next(&world, &mut tokens[1]), Next::Run(0));
    sched.set_ceiling(1, Qos::Idle).expect("not cpu0");
    assert_eq!(sched.next(&world, &mut tokens[1]), Next::Same, "nothing told it to look");
    sched.look_again(&mut tokens[1]);
    assert_eq!(sched.next(&world, &mut tokens[1]), Next::Idle, "above the ceiling");
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Run(0));
}

/// Who has something to spare rings the next CPU in ring order.
#[test]
fn the_next_idle_cpu_is_rung_for_what_is_to_spare() {
    for (spawner, rung) in [(0, 1), (1, 2), (2, 3), (3, 0)] {
        let (world, sched, mut tokens) = board(4);
        (0..2).for_each(|_| here(&world, &sched, &mut tokens[spawner]));
        assert_eq!(sched.next(&world, &mut tokens[spawner]), Next::Run(0));
        assert_eq!(*world.rings.borrow(), [rung], "from cpu{spawner}");
    }
}

/// A timer that fires too early is left alone.
#[test]
fn an_early_timer_stays() {
    let (world, sched, mut tokens) = board(1);
    here(&world, &sched, &mut tokens[0]);
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Run(0));
    sched.sleep(&world, &mut tokens[0], 500);
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Idle);
    sched.wake_me_by(&world, &mut tokens[0], 300);
    sched.look_again(&mut tokens[0]);
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Idle);
    assert_eq!(world.armed.get(), Some(300));
}

/// A CPU says what it runs, and whether others wait for their turn.
#[test]
fn what_a_cpu_runs_is_published() {
    let (world, sched, mut tokens) = board(1);
    assert_eq!(sched.presence(CpuId::BOOT), State::Idle);
    here(&world, &sched, &mut tokens[0]);
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Run(0));
    assert_eq!(sched.presence(CpuId::BOOT), State::Alone(Qos::Normal));
    here(&world, &sched, &mut tokens[0]);
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Same);
    assert_eq!(sched.presence(CpuId::BOOT), State::Sharing(Qos::Normal));
}

/// A queue that has run empty is announced no more.
#[test]
fn nobody_looks_into_a_queue_that_its_owner_has_emptied() {
    let (world, sched, mut tokens) = board(2);
    (0..2).for_each(|_| here(&world, &sched, &mut tokens[0]));
    for slot in 0..2 {
        assert_eq!(sched.next(&world, &mut tokens[0]), Next::Run(slot));
        if slot == 0 {
            sched.exit(&world, &mut tokens[0], 0);
        }
    }
    let _resched = sched.doorbell(&world, &mut tokens[1], Seen::Wfi, |_, _, _| ());
    assert_eq!(sched.next(&world, &mut tokens[1]), Next::Idle);
    assert_eq!(sched.counters(CpuId::new(1)).steals_tried.get(), 0);
}

/// Time online is counted from when a CPU came, not from when the machine did.
#[test]
fn time_online_begins_when_a_cpu_comes() {
    let (brand, harts) = Brand::virtual_harts(2);
    let config = Config { brand, cpus: 2, tasks: 64, slice: 1000, wait_lists: 4 };
    let (world, sched) = (Still::default(), Scheduler::<1>::new(config));
    let mut tokens: Vec<HartToken> = harts.into_iter().map(VirtualHart::enter).collect();
    sched.come_online(&world, &mut tokens[0]);
    world.now.set(40);
    sched.come_online(&world, &mut tokens[1]);
    world.now.set(100);
    sched.leave(&world, &mut tokens[1], |_, _, _| ());
    assert_eq!(sched.counters(CpuId::new(1)).online_ns.get(), 60);
}

/// A turn of the decision after the first is a wait, and is counted for whoever bounds it.
#[test]
fn every_turn_after_the_first_is_a_wait() {
    let (world, sched, mut tokens) = board(2);
    (0..3).for_each(|_| here(&world, &sched, &mut tokens[1]));
    sched.set_ceiling(1, Qos::Idle).expect("not cpu0");
    assert_eq!(sched.next(&world, &mut tokens[1]), Next::Idle, "all three are above the ceiling");
    assert_eq!(*world.waits.borrow(), [1, 2, 3]);
}

/// Who falls idle by itself was called for nothing, and calls nobody.
#[test]
fn who_falls_idle_beside_work_that_it_may_not_do_wakes_nobody() {
    let (world, sched, mut tokens) = board(4);
    here(&world, &sched, &mut tokens[1]);
    assert_eq!(sched.next(&world, &mut tokens[1]), Next::Run(0));
    sched.set_ceiling(1, Qos::Idle).expect("not cpu0");
    (0..2).for_each(|_| here(&world, &sched, &mut tokens[0]));
    assert_eq!(sched.next(&world, &mut tokens[0]), Next::Run(1));
    let rung = world.rings.borrow().len();
    sched.exit(&world, &mut tokens[1], 0);
    assert_eq!(sched.next(&world, &mut tokens[1]), Next::Idle);
    assert_eq!(world.rings.borrow().len(), rung, "nobody had claimed it");
}
