//! A task's frame is whole before its token leaves the CPU: whoever runs the task next uses the frame, and loom itself
//! says when nothing orders that after the save.
//!
//! Two CPUs, one or two kernel entries each; two preemptions (deep: three). The frame is a cell that `Machine::save`,
//! the maker of a task and whoever restores it open. Not covered: the hart's own registers, which are the kernel's
//! assembly.
#![cfg(loom)]

use antler_abi::Qos;
use antler_models::explore;
use antler_models::world::{Cpu, World, check};
use antler_nucleus::{Next, Placement, Steal};

fn next(cpu: &mut Cpu) {
    let _ = cpu.proceed();
}

/// cpu1 with two tasks, the first of them running.
fn busy() -> [Cpu; 2] {
    let [cpu0, mut cpu1] = World::online(2);
    cpu1.spawn(Qos::Normal, Placement::Here);
    cpu1.spawn(Qos::Normal, Placement::Here);
    assert!(matches!(cpu1.proceed(), Next::Run(_)));
    [cpu0, cpu1]
}

/// It gives way to a pinned task, and the thief, which has taken one before and so finds the ring announced, takes it.
#[test]
fn a_task_that_gives_way_is_whole_for_a_thief() {
    explore("giving way against a thief", Some(2), || {
        let [mut cpu0, mut cpu1] = World::online(4);
        cpu1.spawn(Qos::Normal, Placement::Here);
        cpu1.spawn_pinned(Qos::Normal, 1);
        cpu1.spawn(Qos::Normal, Placement::Here);
        assert!(matches!(cpu1.proceed(), Next::Run(_)));
        assert_eq!(cpu0.steal(1, 1), Steal::Took(1));
        next(&mut cpu0);
        let cpu1 = cpu1.run(|cpu1| {
            cpu1.yield_now();
            let _ = cpu1.proceed();
        });
        cpu0.exit();
        next(&mut cpu0);
        check(vec![cpu0, cpu1.join().0]);
    });
}

#[test]
fn a_task_that_waits_is_whole_for_its_waker() {
    explore("a wait against its wake", Some(2), || {
        let [mut cpu0, mut cpu1] = World::online(2);
        cpu1.spawn(Qos::Normal, Placement::Here);
        assert!(matches!(cpu1.proceed(), Next::Run(_)));
        assert_eq!(cpu0.proceed(), Next::Idle);
        let cpu1 = cpu1.run(|cpu1| {
            cpu1.wait(None);
            let _ = cpu1.proceed();
        });
        cpu0.wake();
        next(&mut cpu0);
        check(vec![cpu0, cpu1.join().0]);
    });
}

/// A sleeper is claimed without the lock of a wait: only its slot orders what came before.
#[test]
fn a_task_that_sleeps_is_whole_for_who_ends_its_program() {
    explore("a sleep against the end of its program", Some(2), || {
        let [mut cpu0, mut cpu1] = World::online(2);
        cpu1.spawn(Qos::Normal, Placement::Here);
        assert!(matches!(cpu1.proceed(), Next::Run(_)));
        assert_eq!(cpu0.proceed(), Next::Idle);
        let cpu0 = cpu0.run(|cpu0| {
            cpu0.rouse();
            let _ = cpu0.proceed();
        });
        cpu1.sleep(100);
        next(&mut cpu1);
        check(vec![cpu0.join().0, cpu1]);
    });
}

#[test]
fn a_new_task_is_whole_for_who_gets_it() {
    explore("a spawn against its first dispatch", Some(2), || {
        // cpu1 says the same of itself before and after, so no fence of its own helps the one that publishes.
        let [mut cpu0, mut cpu1] = World::online(2);
        cpu1.spawn(Qos::Normal, Placement::Here);
        assert!(matches!(cpu1.proceed(), Next::Run(_)));
        let cpu1 = cpu1.run(|cpu1| {
            cpu1.exit();
            let _ = cpu1.proceed();
        });
        cpu0.spawn_pinned(Qos::Normal, 1);
        check(vec![cpu0, cpu1.join().0]);
    });
}

#[test]
fn what_a_leaving_cpu_ran_is_whole_for_the_next() {
    explore("a leaving CPU's task against its next CPU", Some(2), || {
        let [mut cpu0, cpu1] = busy();
        let cpu1 = cpu1.run(Cpu::leave);
        next(&mut cpu0);
        next(&mut cpu0);
        let mut cpus = check(vec![cpu0, cpu1.join().0]);
        for _ in 0..2 {
            assert!(cpus[0].current().is_some(), "both tasks run here now");
            cpus[0].exit();
            next(&mut cpus[0]);
        }
    });
}
