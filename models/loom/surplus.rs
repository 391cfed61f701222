//! A CPU has a task to spare while others fall asleep: it is announced, and somebody who may take it is awake.
//!
//! Two or three CPUs, tasks of one class, one kernel entry each; two preemptions (deep: three). Not covered: several
//! classes under ceilings, and more than two thieves (the simulator has both).
#![cfg(loom)]

use antler_abi::Qos;
use antler_models::explore;
use antler_models::world::{Cpu, World, check, running};
use antler_nucleus::{CpuId, Next, Placement, Steal};

fn here(cpu: &mut Cpu) {
    cpu.spawn(Qos::Normal, Placement::Here);
}

fn busy(cpu: &mut Cpu) {
    here(cpu);
    assert!(matches!(cpu.proceed(), Next::Run(_)));
}

#[test]
fn nobody_falls_asleep_beside_a_task_to_spare() {
    explore("surplus against idle", Some(2), || {
        let [mut cpu0, cpu1] = World::online(2);
        busy(&mut cpu0);
        let cpu1 = cpu1.run(|cpu1| {
            let _ = cpu1.proceed();
        });
        here(&mut cpu0);
        let _ = cpu0.proceed();
        let mut cpus = check(vec![cpu0, cpu1.join().0]);
        assert!(running(&mut cpus) == 2, "a task waits while a CPU has none");
    });
}

/// The thief meets an empty ring that is still announced, and withdraws the announcement, while the owner fills it.
#[test]
fn a_queued_task_is_never_left_unannounced() {
    explore("a thief's retraction against a push", Some(2), || {
        let [mut cpu0, mut cpu1] = World::online(4);
        busy(&mut cpu0);
        here(&mut cpu0);
        let _ = cpu0.proceed();
        assert_eq!(cpu1.steal(0, 1), Steal::Took(1));
        let world = cpu0.world.clone();
        let cpu1 = cpu1.run(|cpu1| {
            let _ = cpu1.steal(0, 1);
        });
        here(&mut cpu0);
        let _ = cpu0.proceed();
        let (mut cpu1, ()) = cpu1.join();
        if world.sched.queued(CpuId::BOOT) > 0 {
            assert_eq!(cpu1.steal(0, 1), Steal::Took(1), "a queued task is not announced");
        }
        let _ = cpu1.proceed();
        check(vec![cpu0, cpu1]);
    });
}

/// The thief takes the one task that is queued, meets an empty ring and withdraws the announcement, while the owner's task
/// yields: what goes to the ring then is announced, though the owner does not look.
#[test]
fn a_yield_leaves_no_task_unannounced() {
    explore("a thief's retraction against a yield", Some(2), || {
        let [mut cpu0, cpu1] = World::online(4);
        busy(&mut cpu0);
        here(&mut cpu0);
        let _ = cpu0.proceed();
        let world = cpu0.world.clone();
        let cpu1 = cpu1.run(|cpu1| {
            let _ = cpu1.steal(0, 1);
            let _ = cpu1.steal(0, 1);
        });
        cpu0.yield_now();
        let _ = cpu0.proceed();
        let (mut cpu1, ()) = cpu1.join();
        if world.sched.queued(CpuId::BOOT) > 0 {
            assert_eq!(cpu1.steal(0, 1), Steal::Took(1), "a queued task is not announced");
        }
        let _ = cpu1.proceed();
        check(vec![cpu0, cpu1]);
    });
}

/// The owner takes its own spare task back while the thief goes for it, and both would sleep without it.
#[test]
fn owner_and_thief_agree_on_the_last_task() {
    explore("the last task", Some(2), || {
        let [mut cpu0, cpu1] = World::online(2);
        busy(&mut cpu0);
        here(&mut cpu0);
        let _ = cpu0.proceed();
        let cpu1 = cpu1.run(|cpu1| {
            let _ = cpu1.proceed();
        });
        cpu0.exit();
        let _ = cpu0.proceed();
        let mut cpus = check(vec![cpu0, cpu1.join().0]);
        assert!(running(&mut cpus) == 1, "one task is left, and runs once");
    });
}

#[test]
fn each_of_two_falling_asleep_gets_a_task() {
    explore("surplus of two against two idle", Some(2), || {
        let [mut cpu0, cpu1, cpu2] = World::online(4);
        busy(&mut cpu0);
        let others = [cpu1, cpu2].map(|cpu| {
            cpu.run(|cpu| {
                let _ = cpu.proceed();
            })
        });
        here(&mut cpu0);
        here(&mut cpu0);
        let _ = cpu0.proceed();
        let mut cpus = vec![cpu0];
        cpus.extend(others.map(|other| other.join().0));
        let mut cpus = check(cpus);
        assert!(running(&mut cpus) == 3, "a task waits while a CPU has none");
    });
}

/// Both sleep when the tasks come: the owner wakes one, and that one wakes the next.
#[test]
fn who_is_woken_wakes_the_next() {
    explore("two asleep, woken in a chain", Some(2), || {
        let [mut cpu0, mut cpu1, mut cpu2] = World::online(4);
        busy(&mut cpu0);
        assert_eq!((cpu1.proceed(), cpu2.proceed()), (Next::Idle, Next::Idle));
        let others = [cpu1, cpu2].map(|cpu| {
            cpu.run(|cpu| {
                if cpu.doorbell() {
                    let _ = cpu.proceed();
                }
            })
        });
        here(&mut cpu0);
        here(&mut cpu0);
        let _ = cpu0.proceed();
        let mut cpus = vec![cpu0];
        cpus.extend(others.map(|other| other.join().0));
        let mut cpus = check(cpus);
        assert!(running(&mut cpus) == 3, "a task waits while a CPU has none");
    });
}
