//! Edges of single claims: what is just enough, just not, or shown beside it.

use antler_abi::Error;

use super::small::*;
use super::*;
use crate::words::words;

const CALLS: &str = "calls";

fn said_by(event: Event) -> String {
    words(&Fact { seq: 0, cpu: Cpu(0), time: 0, event })
}

#[test]
fn causes_and_refusals_are_named() {
    for (cause, name) in [
        (8, "a system call"),
        (2, "an illegal instruction"),
        (0x8000_0000_0000_0001, "the doorbell"),
        (0x8000_0000_0000_0005, "the timer"),
        (13, "scause 0xd"),
    ] {
        assert_eq!(said_by(trap(T, cause)), format!("task 1.1 traps: {name}"));
    }
    let event = Event::Refused { number: Syscall::Join.number() as u64, error: Error::Deadlock, argument: 0 };
    assert_eq!(said_by(event), format!("Join refused: {}", Error::Deadlock));
}

#[test]
fn a_run_without_a_call_is_none() {
    let boot = [(0, 5, marker(Marker::Boot)), (0, 10, dispatch(T))];
    says(CALLS, 1, &boot, &["no system call was ever made"]);
    says(CALLS, 1, &plus(&boot, &[(0, 20, syscall(T, Syscall::Null))]), &[]);
}

/// A CPU that was stopped in the middle of a call owes nothing for it.
#[test]
fn the_last_call_of_a_cpu_may_be_under_way() {
    let call = [(0, 5, marker(Marker::Boot)), (0, 10, dispatch(T)), (0, 20, syscall(T, Syscall::Spawn))];
    says(CALLS, 1, &call, &[]);
    let undone = "cpu0 at 20 ns: task 1.1 called Spawn and was not refused, but it was not done";
    says(CALLS, 1, &plus(&call, &[(0, 30, trap(T, 8))]), &[undone]);
}

/// What an earlier entry was about excuses nothing in this one.
#[test]
fn a_call_is_over_when_its_cpu_enters_the_kernel_again() {
    let yields = [(0, 5, marker(Marker::Boot)), (0, 10, dispatch(T)), (0, 20, syscall(T, Syscall::Yield))];
    let left = leave(T, Leave::Yield);
    says(CALLS, 1, &plus(&yields, &[(0, 30, left)]), &[]);
    for between in [trap(T, 8), Event::IdleBegin {}] {
        let said = plus(&yields, &[(0, 30, between), (0, 40, left)]);
        tells(CALLS, 1, &said, "cpu0 at 40 ns: Leave needs the task's yield");
    }
}

#[test]
fn a_refusal_of_another_call_is_none_of_this() {
    let denied =
        |call: Syscall| Event::Refused { number: call.number() as u64, error: Error::Denied, argument: 9 };
    let said = |answer: Event| {
        let call =
            [(0, 5, marker(Marker::Boot)), (0, 10, dispatch(T)), (0, 20, syscall(T, Syscall::Resched))];
        reasons(CALLS, 2, &plus(&call, &[(0, 30, answer), (0, 90, trap(T, 8))]))
    };
    assert_eq!(said(denied(Syscall::Resched)), NOTHING);
    let undone = "cpu0 at 20 ns: task 1.1 called Resched and was not refused, but it was not done";
    assert_eq!(said(denied(Syscall::Probe)), [undone]);
}

/// A ceiling that a boot argument sets is cpu0's first word behind its own.
#[test]
fn ceilings_of_the_boot_stand_behind_the_cpu_that_boots() {
    let ceiling = Event::Ceiling { cpu: Cpu(0), class: Qos::Idle };
    let online = Event::Online { hart: antler_facts::Hart(0), stack: 0, block: 0 };
    let boot = |second: Event, third: Event| {
        let said = [(0, 10, second), (0, 20, third), (0, 30, marker(Marker::Boot))];
        let other = "cpu0 states Online after Ceiling, at 20 ns: the boot goes the other way".to_owned();
        reasons("platform", 1, &said).contains(&other)
    };
    assert!(boot(ceiling, online) && !boot(online, ceiling));
}

/// Programs begin on cpu0, when the boot is over and nothing has run there.
#[test]
fn first_threads_are_made_right_after_the_boot() {
    let made = spawned(task(2), Task(0));
    let text = |cpu: u16| format!("cpu{cpu} at 8 ns: Spawned needs cpu0, right after the boot");
    let (boot, null) = ((0, 5, marker(Marker::Boot)), (0, 20, syscall(T, Syscall::Null)));
    says(CALLS, 2, &[boot, (0, 8, made), (0, 10, dispatch(T)), null], &[]);
    says(CALLS, 2, &[boot, (1, 8, made), (0, 10, dispatch(T)), null], &[&text(1)]);
    says(CALLS, 2, &[boot, (0, 6, dispatch(T)), (0, 8, made), null], &[&text(0)]);
    says(CALLS, 2, &[(0, 8, made), (0, 9, marker(Marker::Boot)), (0, 10, dispatch(T)), null], &[&text(0)]);
}
