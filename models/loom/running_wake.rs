//! A CPU changes what it says of the task that it runs, while another sends it work: it finds the task, or is rung, or
//! has a tick armed that finds it in time.
//!
//! Two CPUs, up to five tasks, one kernel entry each; two preemptions (deep: three). Not covered: how late a tick may
//! come.
#![cfg(loom)]

use antler_abi::Qos;
use antler_models::explore;
use antler_models::world::{Cpu, SLICE, World, check};
use antler_nucleus::{CpuId, Next, Placement, State};

/// cpu1 with `classes` on its queue, the first of them running; cpu0 has nothing.
fn busy(classes: &[Qos]) -> [Cpu; 2] {
    let [cpu0, mut cpu1] = World::online(8);
    for &class in classes {
        cpu1.spawn(class, Placement::Here);
    }
    assert!(matches!(cpu1.proceed(), Next::Run(_)));
    [cpu0, cpu1]
}

/// cpu1 shared, and runs its last task now: its tick is off.
#[test]
fn a_cpu_that_became_alone_is_rung_or_finds_what_comes() {
    explore("alone against a wake", Some(2), || {
        let [mut cpu0, cpu1] = busy(&[Qos::Normal, Qos::Normal]);
        let cpu1 = cpu1.run(|cpu1| {
            cpu1.exit();
            let _ = cpu1.proceed();
        });
        cpu0.spawn_pinned(Qos::Normal, 1);
        check(vec![cpu0, cpu1.join().0]);
    });
}

/// cpu1 comes down from a class that a new task would have waited in, to one that it must interrupt.
#[test]
fn a_cpu_that_runs_a_lower_class_is_rung_or_finds_what_comes() {
    explore("a lower class against a wake", Some(2), || {
        let [mut cpu0, cpu1] = busy(&[Qos::Interactive, Qos::Interactive, Qos::Normal, Qos::Normal]);
        let _ = cpu0.steal(1, 1);
        assert!(matches!(cpu0.proceed(), Next::Run(_)));
        assert_eq!(cpu1.world.sched.presence(CpuId::new(1)), State::Sharing(Qos::Interactive));
        let cpu1 = cpu1.run(|cpu1| {
            cpu1.exit();
            let _ = cpu1.proceed();
        });
        cpu0.spawn_pinned(Qos::Interactive, 1);
        check(vec![cpu0, cpu1.join().0]);
    });
}

/// cpu1 shares before and after: nobody rings, and the tick brings the task in.
#[test]
fn a_cpu_that_shares_finds_what_comes_at_its_tick() {
    explore("sharing against a wake", Some(2), || {
        let [mut cpu0, cpu1] = busy(&[Qos::Normal, Qos::Normal, Qos::Normal]);
        let world = cpu0.world.clone();
        let cpu1 = cpu1.run(|cpu1| {
            cpu1.exit();
            let _ = cpu1.proceed();
        });
        cpu0.spawn_pinned(Qos::Normal, 1);
        let (mut cpu1, ()) = cpu1.join();
        assert!(!cpu1.is_rung(), "cpu1 is rung for what its tick would find");
        assert!(world.armed(1) == Some(SLICE), "cpu1 shares without a tick");
        world.set_now(SLICE);
        cpu1.timer();
        let _ = cpu1.proceed();
        let received = world.sched.counters(CpuId::new(1)).wakes_received.get();
        assert!(received == 1, "the tick does not find the task");
        check(vec![cpu0, cpu1]);
    });
}
