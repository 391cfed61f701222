//! A CPU leaves while a task with a deadline sleeps there: another adopts the deadline, which ends its own wait, and no
//! other, once.
//!
//! Two or three CPUs, one task that sleeps, one or two kernel entries each; two preemptions (deep: three). Not
//! covered: more deadlines than one on a list, and time that passes meanwhile (the simulator has both).
#![cfg(loom)]

use antler_abi::Qos;
use antler_models::explore;
use antler_models::world::{Cpu, World, check, let_timers_fire};
use antler_nucleus::{Next, Phase, Placement};

/// Slot of the task that sleeps.
const SLEEPER: u32 = 0;

/// A task of this CPU's own, the first that is made, waits here until `deadline`, and the CPU sleeps.
fn with_a_sleeper(cpu: &mut Cpu, deadline: u64) {
    assert_eq!(cpu.spawn(Qos::Normal, Placement::Here), SLEEPER as usize);
    assert!(matches!(cpu.proceed(), Next::Run(_)));
    cpu.wait(Some(deadline));
    assert_eq!(cpu.proceed(), Next::Idle);
}

/// The sleeper sleeps until `deadline`: not less, and not for ever.
fn sleeps_until(cpus: Vec<Cpu>, deadline: u64) {
    let world = cpus[0].world.clone();
    let sleeps = || world.sched.tasks.phase(SLEEPER) == Phase::Parked;
    let mut cpus = check(cpus);
    assert!(sleeps(), "the task does not sleep");
    let_timers_fire(&mut cpus, deadline - 1);
    assert!(sleeps(), "a deadline of one wait ends another");
    let_timers_fire(&mut cpus, deadline);
    assert!(!sleeps(), "a deadline is lost");
    check(cpus);
}

#[test]
fn a_deadline_is_adopted() {
    for asleep in [false, true] {
        explore(&format!("timer hand-over, heir asleep: {asleep}"), Some(2), move || {
            let [mut cpu0, mut cpu1] = World::online(2);
            with_a_sleeper(&mut cpu1, 100);
            if asleep {
                assert_eq!(cpu0.proceed(), Next::Idle);
            }
            let cpu1 = cpu1.run(Cpu::leave);
            if cpu0.doorbell() || !asleep {
                let _ = cpu0.proceed();
            }
            sleeps_until(vec![cpu0, cpu1.join().0], 100);
        });
    }
}

/// The heir wakes the task, runs it, and it sleeps there anew.
#[test]
fn a_task_woken_meanwhile_sleeps_by_its_new_deadline() {
    explore("timer hand-over against a wake", Some(2), || {
        let [mut cpu0, mut cpu1] = World::online(2);
        with_a_sleeper(&mut cpu1, 100);
        // Not to be claimed: the task is to come to cpu0.
        cpu1.spawn_pinned(Qos::Normal, 1);
        assert!(matches!(cpu1.proceed(), Next::Run(_)));
        cpu1.exit();
        assert_eq!(cpu0.proceed(), Next::Idle);
        let cpu1 = cpu1.run(Cpu::leave);
        assert_eq!(cpu0.wake(), 1);
        assert!(matches!(cpu0.proceed(), Next::Run(_)), "cpu0 was idle, and took it");
        cpu0.wait(Some(200));
        let _ = cpu0.proceed();
        sleeps_until(vec![cpu0, cpu1.join().0], 200);
    });
}

/// cpu2 has left its deadline to cpu0, which is busy and rung; cpu1 sleeps. All before anybody moves.
fn left_once() -> [Cpu; 3] {
    let [mut cpu0, mut cpu1, mut cpu2] = World::online(2);
    with_a_sleeper(&mut cpu2, 100);
    cpu0.spawn(Qos::Normal, Placement::Here);
    assert!(matches!(cpu0.proceed(), Next::Run(_)));
    cpu2.leave();
    assert_eq!(cpu1.proceed(), Next::Idle);
    [cpu0, cpu1, cpu2]
}

fn wake_run_and_wait(cpu1: &mut Cpu) {
    assert_eq!(cpu1.wake(), 1);
    assert!(matches!(cpu1.proceed(), Next::Run(_)), "cpu1 was idle, and took it");
    cpu1.wait(Some(200));
}

/// The heir adopts the deadline of a wait that is over by then, or just about.
#[test]
fn an_adopted_deadline_ends_its_own_wait_only() {
    explore("adoption against the next wait", Some(2), || {
        let [mut cpu0, cpu1, cpu2] = left_once();
        let cpu1 = cpu1.run(|cpu1| {
            wake_run_and_wait(cpu1);
            let _ = cpu1.proceed();
        });
        assert!(cpu0.doorbell(), "the heir was rung");
        let _ = cpu0.proceed();
        sleeps_until(vec![cpu0, cpu1.join().0, cpu2], 200);
    });
}

/// The second CPU that it slept on leaves, too, before or after the heir has taken the list on which it still is.
#[test]
fn a_deadline_is_adopted_from_two_in_turn() {
    explore("two leave their deadlines for one task", Some(2), || {
        let [mut cpu0, cpu1, cpu2] = left_once();
        let cpu1 = cpu1.run(|cpu1| {
            wake_run_and_wait(cpu1);
            cpu1.leave();
        });
        assert!(cpu0.doorbell(), "the heir was rung");
        let _ = cpu0.proceed();
        sleeps_until(vec![cpu0, cpu1.join().0, cpu2], 200);
    });
}
