//! A CPU falls asleep while others send it work: it finds the task when it looks once more, or its doorbell rings.
//!
//! Two or three CPUs, one or two tasks, one kernel entry each; two preemptions (deep: three). Not covered: doorbells
//! that are late or lost (the simulator has those), and tasks above a ceiling.
#![cfg(loom)]

use antler_abi::Qos;
use antler_models::explore;
use antler_models::world::{World, check, running};
use antler_nucleus::{CpuId, Next, Placement};

/// cpu1 shared with a task that has been stolen since: its word still says that its tick will find what comes.
#[test]
fn a_task_for_a_cpu_that_falls_asleep_is_found_or_rung_for() {
    explore("idle against a wake for it alone", Some(2), || {
        let [mut cpu0, mut cpu1] = World::online(4);
        cpu1.spawn(Qos::Normal, Placement::Here);
        cpu1.spawn(Qos::Normal, Placement::Here);
        assert!(matches!(cpu1.proceed(), Next::Run(_)));
        let _ = cpu0.steal(1, 1);
        assert!(matches!(cpu0.proceed(), Next::Run(_)));
        let cpu1 = cpu1.run(|cpu1| {
            cpu1.exit();
            let _ = cpu1.proceed();
        });
        cpu0.spawn_pinned(Qos::Normal, 1);
        let mut cpus = check(vec![cpu0, cpu1.join().0]);
        assert!(cpus[1].current().is_some(), "cpu1 does not run the task it was sent");
    });
}

/// Not pinned: it goes to whoever is idle at the moment, and stays with its sender otherwise.
#[test]
fn a_task_for_anybody_goes_to_one_who_runs_it() {
    explore("idle against a wake for anybody", Some(2), || {
        let [mut cpu0, mut cpu1] = World::online(4);
        cpu1.spawn(Qos::Normal, Placement::Here);
        assert!(matches!(cpu1.proceed(), Next::Run(_)));
        let cpu1 = cpu1.run(|cpu1| {
            cpu1.exit();
            let _ = cpu1.proceed();
        });
        cpu0.spawn(Qos::Normal, Placement::Anywhere);
        let _ = cpu0.proceed();
        let mut cpus = check(vec![cpu0, cpu1.join().0]);
        assert!(running(&mut cpus) == 1, "nobody runs the task");
    });
}

/// Two wakers find the same CPU idle: one claims it, and the other task does not queue up behind.
#[test]
fn an_idle_cpu_is_claimed_by_one_waker() {
    explore("two wakers of one idle CPU", Some(2), || {
        let [mut cpu0, mut cpu1, mut cpu2] = World::online(4);
        for cpu in [&mut cpu0, &mut cpu1] {
            cpu.spawn(Qos::Normal, Placement::Here);
            assert!(matches!(cpu.proceed(), Next::Run(_)));
        }
        assert_eq!(cpu2.proceed(), Next::Idle);
        let world = cpu0.world.clone();
        let cpu1 = cpu1.run(|cpu1| {
            cpu1.spawn(Qos::Normal, Placement::Anywhere);
        });
        cpu0.spawn(Qos::Normal, Placement::Anywhere);
        let (mut cpu1, ()) = cpu1.join();
        let _ = (cpu0.proceed(), cpu1.proceed());
        assert!(cpu2.is_rung(), "cpu2 was claimed and not rung");
        check(vec![cpu0, cpu1, cpu2]);
        let received = world.sched.counters(CpuId::new(2)).wakes_received.get();
        assert!(received == 1, "cpu2 was claimed twice");
    });
}
