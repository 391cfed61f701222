//! A CPU leaves while others send it tasks, requests and Calls, or steal from it: nothing stays behind, and every
//! sender is met or told.
//!
//! Two or three CPUs; cpu1 leaves, cpu0 makes one or two kernel entries meanwhile; two preemptions (deep: three), one
//! less where two tasks are sent. Not covered: two CPUs that leave at once, which the kernel excludes.
#![cfg(loom)]

use antler_abi::Qos;
use antler_models::explore;
use antler_models::world::{Cpu, World, check, running};
use antler_nucleus::{CpuId, Next, Placement};

const LEAVER: CpuId = CpuId::new(1);

fn here(cpu: &mut Cpu) {
    cpu.spawn(Qos::Normal, Placement::Here);
}

fn busy(cpu: &mut Cpu) {
    here(cpu);
    assert!(matches!(cpu.proceed(), Next::Run(_)));
}

/// cpu1's own task waits, and cpu1 sleeps.
fn with_a_sleeper(cpu1: &mut Cpu, placement: Placement) -> usize {
    let slot = cpu1.spawn(Qos::Normal, placement);
    assert!(matches!(cpu1.proceed(), Next::Run(_)));
    cpu1.wait(None);
    assert_eq!(cpu1.proceed(), Next::Idle);
    slot
}

fn gone(cpu1: &Cpu) {
    assert!(!cpu1.is_online(), "cpu1 has left and is still a target");
}

#[test]
fn a_task_sent_to_a_leaving_cpu_runs_elsewhere() {
    explore("offline against a task for it alone", Some(2), || {
        let [mut cpu0, cpu1] = World::online(2);
        let cpu1 = cpu1.run(Cpu::leave);
        cpu0.spawn_pinned(Qos::Normal, 1);
        let _ = cpu0.proceed();
        let (cpu1, ()) = cpu1.join();
        gone(&cpu1);
        let mut cpus = check(vec![cpu0, cpu1]);
        assert!(cpus[0].current().is_some(), "the task runs nowhere");
    });
}

/// The sender finds the way in closed and goes on to the next CPU, which sleeps and is woken.
#[test]
fn a_task_that_is_given_back_finds_the_next_cpu() {
    explore("offline against a task, with another CPU to go to", Some(2), || {
        let [mut cpu0, cpu1, mut cpu2] = World::online(2);
        busy(&mut cpu0);
        assert_eq!(cpu2.proceed(), Next::Idle);
        let cpu1 = cpu1.run(Cpu::leave);
        cpu0.spawn_pinned(Qos::Normal, 1);
        let _ = cpu0.proceed();
        let (cpu1, ()) = cpu1.join();
        let mut cpus = check(vec![cpu0, cpu1, cpu2]);
        assert!(cpus[2].current().is_some(), "the task does not run on the CPU that is left for it");
    });
}

#[test]
fn a_task_that_sleeps_at_home_is_woken_elsewhere() {
    for (name, placement) in [("free", Placement::Here), ("pinned", Placement::Pinned(LEAVER))] {
        explore(&format!("offline against a wake of a {name} task that lives there"), Some(2), move || {
            let [mut cpu0, mut cpu1] = World::online(2);
            let slot = with_a_sleeper(&mut cpu1, placement);
            let cpu1 = cpu1.run(Cpu::leave);
            assert_eq!(cpu0.wake(), 1);
            let _ = cpu0.proceed();
            let mut cpus = check(vec![cpu0, cpu1.join().0]);
            assert!(cpus[0].current() == Some(slot), "the task that was woken runs nowhere");
        });
    }
}

/// It goes on sleeping, and whoever wakes it later does not look for it at a CPU that is gone.
#[test]
fn a_sleeper_gets_another_home() {
    explore("a sleeper's home, against a task for its old one", Some(2), || {
        let [mut cpu0, mut cpu1] = World::online(2);
        let slot = with_a_sleeper(&mut cpu1, Placement::Here);
        let cpu1 = cpu1.run(Cpu::leave);
        cpu0.spawn_pinned(Qos::Normal, 1);
        let cpus = check(vec![cpu0, cpu1.join().0]);
        assert!(cpus[0].world.sched.tasks.home(slot) != LEAVER, "a sleeper's home is a CPU that is gone");
    });
}

#[test]
fn a_request_is_met_or_refused() {
    explore("offline against a request", Some(2), || {
        let [mut cpu0, cpu1] = World::online(2);
        let cpu1 = cpu1.run(Cpu::leave);
        let sent = cpu0.resched(1);
        let (cpu1, ()) = cpu1.join();
        gone(&cpu1);
        if sent.is_ok() {
            assert!(cpu0.is_acknowledged(1), "a request that was taken is never met");
        }
        check(vec![cpu0, cpu1]);
    });
}

#[test]
fn a_call_is_answered_or_refused() {
    explore("offline against a Call", Some(2), || {
        let [mut cpu0, cpu1] = World::online(2);
        let cpu1 = cpu1.run(Cpu::leave);
        let reached = cpu0.call(7, 1);
        let (cpu1, ()) = cpu1.join();
        assert!(cpu0.call_done(), "a Call to a CPU that left is never done");
        assert!(!reached || cpu1.answered.len() == 1, "a Call that was taken is done and was not answered");
        check(vec![cpu0, cpu1]);
    });
}

/// The refusal of a later request takes nothing back of the one that was taken.
#[test]
fn a_call_is_answered_though_the_next_request_is_refused() {
    explore("offline against a Call and a request", Some(2), || {
        let [mut cpu0, cpu1] = World::online(2);
        let cpu1 = cpu1.run(Cpu::leave);
        let reached = cpu0.call(7, 1);
        let _ = cpu0.resched(1);
        let (cpu1, ()) = cpu1.join();
        assert!(cpu0.call_done(), "a Call that was taken is never done");
        assert!(
            cpu1.answered.len() == usize::from(reached),
            "a Call is answered if, and only if, it was taken"
        );
        check(vec![cpu0, cpu1]);
    });
}

/// Who is refused begins another Call at once: the leaving CPU must not take that one for its own.
#[test]
fn a_leaving_cpu_answers_no_call_that_is_not_for_it() {
    explore("offline against a Call, and then another one", Some(2), || {
        let [mut cpu0, cpu1, cpu2] = World::online(2);
        let cpu1 = cpu1.run(Cpu::leave);
        let reached = cpu0.call(7, 1);
        if !reached {
            let _ = cpu0.call(8, 2);
        }
        let (cpu1, ()) = cpu1.join();
        let strange = cpu1.answered.iter().find(|call| call.op != 7 || call.argument != 7);
        assert!(strange.is_none(), "cpu1 answered a Call that was not for it: {strange:?}");
        check(vec![cpu0, cpu1, cpu2]);
    });
}

/// cpu1 is claimed for a spare task and leaves instead: the claim goes on to cpu2, which sleeps too.
#[test]
fn who_leaves_passes_a_claim_on() {
    explore("offline against a claim", Some(2), || {
        let [mut cpu0, mut cpu1, mut cpu2] = World::online(2);
        busy(&mut cpu0);
        assert_eq!((cpu1.proceed(), cpu2.proceed()), (Next::Idle, Next::Idle));
        let cpu1 = cpu1.run(Cpu::leave);
        here(&mut cpu0);
        let _ = cpu0.proceed();
        let (cpu1, ()) = cpu1.join();
        let mut cpus = check(vec![cpu0, cpu1, cpu2]);
        assert!(running(&mut cpus) == 2, "a task waits while a CPU has none");
    });
}

/// cpu1 has one task running, one queued and one pinned, and cpu0 would steal.
#[test]
fn what_a_leaving_cpu_has_goes_elsewhere_once() {
    explore("offline with tasks, against a thief", Some(2), || {
        let [cpu0, mut cpu1] = World::online(4);
        cpu1.spawn_pinned(Qos::Normal, 1);
        here(&mut cpu1);
        here(&mut cpu1);
        assert!(matches!(cpu1.proceed(), Next::Run(_)));
        let cpu0 = cpu0.run(|cpu0| {
            let _ = cpu0.proceed();
        });
        cpu1.leave();
        let (mut cpu0, ()) = cpu0.join();
        let _ = cpu0.proceed();
        let mut cpus = check(vec![cpu0, cpu1]);
        for left in (0..3).rev() {
            assert!(cpus[0].current().is_some(), "{left} tasks and one more were there to run");
            cpus[0].exit();
            let _ = cpus[0].proceed();
        }
        assert!(cpus[0].current().is_none(), "three tasks ran four times");
    });
}

/// cpu1 is asked to leave by a Call, as the kernel does it, while cpu2 sends it a request.
#[test]
fn who_is_asked_to_leave_answers_and_meets_others() {
    explore("asked to leave, against a request", Some(2), || {
        let [mut cpu0, cpu1, cpu2] = World::online(2);
        assert!(cpu0.call(7, 1));
        let cpu1 = cpu1.run(|cpu1| {
            assert!(cpu1.doorbell(), "the Call was rung for");
            cpu1.leave();
        });
        let cpu2 = cpu2.run(|cpu2| cpu2.resched(1).is_ok());
        let (cpu1, ()) = cpu1.join();
        let (cpu2, sent) = cpu2.join();
        assert!(cpu0.call_done() && cpu1.answered.len() == 1, "the Call is not answered once");
        assert!(!sent || cpu2.is_acknowledged(1), "a request that was taken is never met");
        check(vec![cpu0, cpu1, cpu2]);
    });
}

#[test]
fn two_tasks_sent_to_a_leaving_cpu_run_elsewhere() {
    explore("offline against two tasks for it alone", Some(1), || {
        let [mut cpu0, cpu1, cpu2] = World::online(2);
        let cpu1 = cpu1.run(Cpu::leave);
        let cpu2 = cpu2.run(|cpu2| {
            cpu2.spawn_pinned(Qos::Normal, 1);
            let _ = cpu2.proceed();
        });
        cpu0.spawn_pinned(Qos::Normal, 1);
        let _ = cpu0.proceed();
        let (cpu2, ()) = cpu2.join();
        let mut cpus = check(vec![cpu0, cpu1.join().0, cpu2]);
        // Pinned tasks go where they can, which may be one CPU for both.
        for _ in 0..2 {
            let Some(cpu) = cpus.iter_mut().find_map(|cpu| cpu.current().is_some().then_some(cpu)) else {
                panic!("a task runs nowhere");
            };
            cpu.exit();
            let _ = cpu.proceed();
        }
    });
}
