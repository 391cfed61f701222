//! Several CPUs ask for one at once, while it answers its doorbell: every request is met, every task found, and no
//! doorbell is believed to be under way that is not.
//!
//! Two or three CPUs, one kernel entry each; two preemptions (deep: three). Not covered: rings that firmware refuses
//! (the mailbox's own model has those).
#![cfg(loom)]

use antler_abi::Qos;
use antler_models::explore;
use antler_models::world::{Cpu, World, check, settle};
use antler_nucleus::{CpuId, Next};

fn trap(cpu: &mut Cpu) {
    if cpu.doorbell() {
        let _ = cpu.proceed();
    }
}

#[test]
fn every_request_to_a_cpu_that_answers_is_met() {
    explore("two requests against a doorbell", Some(2), || {
        let [mut cpu0, mut cpu1, cpu2] = World::online(2);
        assert_eq!(cpu1.proceed(), Next::Idle);
        assert_eq!(cpu0.resched(1), Ok(()));
        let cpu1 = cpu1.run(trap);
        let cpu2 = cpu2.run(|cpu2| {
            assert_eq!(cpu2.resched(1), Ok(()));
        });
        assert_eq!(cpu0.resched(1), Ok(()));
        let (cpu1, ()) = cpu1.join();
        let mut cpus = [cpu0, cpu1, cpu2.join().0];
        assert!(
            cpus[1].is_rung() || !cpus[0].world.sched.is_rung(CpuId::new(1)),
            "cpu1 is believed to be rung, and is not"
        );
        settle(&mut cpus[1..2]);
        assert!(cpus[0].is_acknowledged(1) && cpus[2].is_acknowledged(1), "a request is never met");
    });
}

#[test]
fn every_task_for_a_cpu_that_answers_is_found() {
    explore("two tasks against a doorbell", Some(2), || {
        let [mut cpu0, mut cpu1, cpu2] = World::online(2);
        assert_eq!(cpu1.proceed(), Next::Idle);
        assert_eq!(cpu0.resched(1), Ok(()));
        let cpu1 = cpu1.run(trap);
        let cpu2 = cpu2.run(|cpu2| {
            cpu2.spawn_pinned(Qos::Normal, 1);
        });
        cpu0.spawn_pinned(Qos::Normal, 1);
        let (mut cpu0, mut cpu2) = (cpu0, cpu2.join().0);
        let cpu1 = cpu1.join().0;
        let _ = (cpu0.proceed(), cpu2.proceed());
        let mut cpus = check(vec![cpu0, cpu1, cpu2]);
        for _ in 0..2 {
            assert!(cpus[1].current().is_some(), "cpu1 has two tasks to run");
            cpus[1].exit();
            let _ = cpus[1].proceed();
        }
    });
}

/// Each asks the other, and answers what it finds.
#[test]
fn two_calls_across_are_both_answered() {
    explore("two Calls across", Some(2), || {
        let [mut cpu0, cpu1] = World::online(2);
        let cpu1 = cpu1.run(|cpu1| {
            assert!(cpu1.call(8, 0));
            cpu1.doorbell();
        });
        assert!(cpu0.call(7, 1));
        cpu0.doorbell();
        let mut cpus = [cpu0, cpu1.join().0];
        settle(&mut cpus);
        assert!(cpus.iter().all(Cpu::call_done), "a Call is never answered");
        let ops = cpus.each_ref().map(|cpu| cpu.answered.iter().map(|call| call.op).collect::<Vec<_>>());
        assert_eq!(ops, [[8], [7]], "each answers the other's Call once");
    });
}
