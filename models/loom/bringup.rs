//! A CPU comes online while another looks for it: who finds it online reaches it, by request, Call and task.
//!
//! Two CPUs; cpu1 comes online, for the first or second time, and looks for work, cpu0 makes one kernel entry
//! meanwhile; two preemptions, three where two requests are sent (deep: one more). Not covered: firmware's part.
//!
//! That the mailbox opens before the inbox, and both before the CPU can be placed on, is order for order's sake: a
//! sender that meets a closed way in goes elsewhere, and a CPU that has come looks at everything before it runs or
//! sleeps. Only the online bit must come after both, because it is what callers are told.
#![cfg(loom)]

use antler_abi::Qos;
use antler_models::explore;
use antler_models::world::{Cpu, World, check};
use antler_nucleus::CpuId;

const COMER: CpuId = CpuId::new(1);

/// cpu0 online, cpu1 in its first life or, after a short one, in its second.
fn cpus(lives: usize) -> [Cpu; 2] {
    let mut cpus = World::offline(2, 2).into_iter();
    let (Some(mut cpu0), Some(mut cpu1)) = (cpus.next(), cpus.next()) else { unreachable!() };
    cpu0.come_online();
    for _ in 1..lives {
        cpu1.come_online();
        let _ = cpu0.resched(1);
        cpu1.leave();
        // The hart's doorbell is cleared when it starts again.
        cpu1.clear_doorbell();
    }
    [cpu0, cpu1]
}

fn leave_and_come_back(cpu1: &mut Cpu) {
    cpu1.leave();
    cpu1.clear_doorbell();
    come(cpu1);
}

fn come(cpu1: &mut Cpu) {
    cpu1.come_online();
    let _ = cpu1.proceed();
}

#[test]
fn who_finds_it_online_reaches_it() {
    for lives in 1..=2 {
        explore(&format!("bring-up (life {lives}) against a request"), Some(2), move || {
            let [mut cpu0, cpu1] = cpus(lives);
            let cpu1 = cpu1.run(come);
            let found = cpu0.world.sched.target(1).is_ok();
            let sent = cpu0.resched(1);
            let (cpu1, ()) = cpu1.join();
            assert!(!found || sent.is_ok(), "cpu1 is online, and its mailbox is closed");
            assert!(cpu1.is_rung() == sent.is_ok(), "a request that was taken is not rung for");
            let cpus = check(vec![cpu0, cpu1]);
            assert!(sent.is_err() || cpus[0].is_acknowledged(1), "a request that was taken is never met");
        });
    }
}

#[test]
fn a_call_to_who_has_just_come_is_answered() {
    explore("bring-up against a Call", Some(2), || {
        let [mut cpu0, cpu1] = cpus(1);
        let cpu1 = cpu1.run(come);
        let reached = cpu0.call(7, 1);
        let cpus = check(vec![cpu0, cpu1.join().0]);
        assert!(cpus[0].call_done(), "a Call to a CPU that came is never done");
        assert!(cpus[1].answered.len() == usize::from(reached), "a Call is answered if it was taken");
    });
}

#[test]
fn who_finds_it_online_can_give_it_a_task() {
    for lives in 1..=2 {
        explore(&format!("bring-up (life {lives}) against a task for it alone"), Some(2), move || {
            let [mut cpu0, cpu1] = cpus(lives);
            let cpu1 = cpu1.run(come);
            let found = cpu0.world.sched.target(1).is_ok();
            let slot = cpu0.spawn_pinned(Qos::Normal, 1);
            let _ = cpu0.proceed();
            let mut cpus = check(vec![cpu0, cpu1.join().0]);
            let there = cpus[1].current() == Some(slot);
            assert!(!found || there, "cpu1 is online, and its inbox is closed");
            assert!(there || cpus[0].current() == Some(slot), "the task runs nowhere");
            assert!(there == (cpus[0].world.sched.tasks.home(slot) == COMER), "the task's home is elsewhere");
        });
    }
}

/// cpu1 leaves and comes back: a request that was posted in one life is met in it or in the next, or refused.
#[test]
fn a_request_across_two_lives_is_met_or_refused() {
    explore("offline and online again against two requests", Some(3), || {
        let [mut cpu0, mut cpu1] = cpus(1);
        cpu1.come_online();
        let cpu1 = cpu1.run(leave_and_come_back);
        // A refused request counts up too, so the first is known by its number.
        let first = cpu0.resched(1).map(|()| cpu0.posted(1));
        let second = cpu0.resched(1);
        let cpus = check(vec![cpu0, cpu1.join().0]);
        if let Ok(number) = first {
            assert!(cpus[0].acknowledged(1) >= number, "the first request was taken, and is never met");
        }
        if second.is_ok() {
            assert!(cpus[0].is_acknowledged(1), "a request that was taken is never met");
        }
    });
}

#[test]
fn a_task_across_two_lives_runs() {
    explore("offline and online again against a task for it alone", Some(2), || {
        let [mut cpu0, mut cpu1] = cpus(1);
        cpu1.come_online();
        let cpu1 = cpu1.run(leave_and_come_back);
        let slot = cpu0.spawn_pinned(Qos::Normal, 1);
        let _ = cpu0.proceed();
        let mut cpus = check(vec![cpu0, cpu1.join().0]);
        let home = cpus[0].world.sched.tasks.home(slot).index();
        assert!(cpus[home].current() == Some(slot), "the task does not run at its home");
    });
}
