//! A task goes on behind what took it into the kernel.

use super::small::*;
use super::*;

const RETURNS: &str = "returns";

/// A task on cpu0 that makes so many null calls, yields, and has so many slices ended by the timer; then it asks for the
/// marker.
fn returning(nulls: u64, yields: u64, slices: u64) -> Vec<Said> {
    let mut events = vec![marker(Marker::Boot), dispatch(T)];
    for _ in 0..nulls {
        events.extend([trap(T, 8), syscall(T, Syscall::Null)]);
    }
    for _ in 0..yields {
        events.extend([trap(T, 8), syscall(T, Syscall::Yield)]);
        events.extend([leave(T, Leave::Yield), enqueue(T, 0), dispatch(T)]);
    }
    for number in 0..slices {
        events.extend([trap(T, TIMER_INTERRUPT), Event::Timer { deadline: number }]);
        events.extend([leave(T, Leave::Preempt), enqueue(T, 0), dispatch(T)]);
    }
    events.extend([trap(T, 8), syscall(T, Syscall::Probe), marker(Marker::Trap)]);
    events.into_iter().zip(1..).map(|(event, at)| (0, at * 10, event)).collect()
}

fn good() -> Vec<Said> {
    returning(16, 16, 5)
}

/// Place of the last such fact.
fn last(said: &[Said], event: Event) -> usize {
    said.iter().rposition(|(_, _, other)| *other == event).expect("such a fact")
}

fn few(task: &str, count: usize, what: &str, needed: usize) -> String {
    format!("before the trap marker {task} went on behind {count} {what}; {needed} are needed")
}

fn four() -> String {
    few("task 1.1", 4, "ends of its slices", 5)
}

#[test]
fn one_task_goes_on_behind_calls_yields_and_slices() {
    says(RETURNS, 1, &good(), &[]);
    says(RETURNS, 1, &returning(15, 16, 5), &[&few("task 1.1", 15, "null calls", 16)]);
    says(RETURNS, 1, &returning(16, 15, 5), &[&few("task 1.1", 15, "yields", 16)]);
    says(RETURNS, 1, &returning(16, 16, 4), &[&four()]);
    let none = [("null calls", 16), ("yields", 16), ("ends of its slices", 5)];
    let none = none.map(|(what, needed)| few("no task", 0, what, needed));
    says(RETURNS, 1, &[(0, 10, marker(Marker::Trap))], &none.each_ref().map(String::as_str));
    // Other calls are neither.
    let other = syscall(T, Syscall::Clock);
    let said = good();
    let at = last(&said, syscall(T, Syscall::Null));
    says(RETURNS, 1, &with(&said, at, (0, said[at].1, other)), &[&few("task 1.1", 15, "null calls", 16)]);
    let at = last(&said, syscall(T, Syscall::Yield));
    says(RETURNS, 1, &with(&said, at, (0, said[at].1, other)), &[&few("task 1.1", 15, "yields", 16)]);
    // Two tasks that make half of them each are not one that makes them all.
    let of = |mut said: Vec<Said>, which: Event, by: Event| {
        for fact in said.iter_mut().filter(|fact| fact.2 == which).take(8) {
            fact.2 = by;
        }
        said
    };
    let mut half = of(good(), syscall(T, Syscall::Null), syscall(task(2), Syscall::Null));
    half.insert(half.len() - 1, (0, half[half.len() - 2].1, trap(task(2), 8)));
    assert!(reasons(RETURNS, 1, &half)[0].ends_with(" went on behind 8 null calls; 16 are needed"));
}

#[test]
fn a_task_that_does_not_enter_the_kernel_again_did_not_go_on() {
    let said = good();
    let end = last(&said, trap(T, 8));
    says(RETURNS, 1, &minus(&said, &[end]), &[&four()]);
    says(RETURNS, 1, &with(&said, end, (0, said[end].1, trap(task(2), 8))), &[&four()]);
    let time = said[end].1;
    // After the marker it proves nothing for it; on another CPU, or in the tick of the marker, it does.
    let late = |cpu: u16, time: u64| plus(&minus(&said, &[end]), &[(cpu, time, trap(T, 8))]);
    let marked = said[said.len() - 1].1;
    says(RETURNS, 2, &late(1, marked + 1), &[&four()]);
    says(RETURNS, 2, &late(1, marked), &[]);
    says(RETURNS, 2, &late(1, time), &[]);
    // The last null call: whatever enters the kernel next is enough.
    let calls = [returning(16, 0, 0), minus(&returning(0, 16, 5), &[0, 1])];
    let said = &calls[0];
    let end = last(said, trap(T, 8));
    let text = few("task 1.1", 15, "null calls", 16);
    assert!(reasons(RETURNS, 1, &minus(said, &[end])).contains(&text));
    assert!(!reasons(RETURNS, 1, said).iter().any(|reason| reason.contains("null calls")));
}

#[test]
fn a_slice_is_ended_by_the_timer_that_interrupted_the_task() {
    let said = good();
    let at = last(&said, trap(T, TIMER_INTERRUPT));
    let time = said[at].1;
    for other in [trap(T, SOFTWARE_INTERRUPT), trap(T, 8), trap(task(2), TIMER_INTERRUPT)] {
        says(RETURNS, 1, &with(&said, at, (0, time, other)), &[&four()]);
    }
    // The trap of the slice before is not this one's, whose own is not there: the doorbell came in between.
    let mut rung = said.clone();
    rung.insert(at + 2, (0, time + 10, trap(T, SOFTWARE_INTERRUPT)));
    says(RETURNS, 1, &rung, &[&four()]);
    let end = last(&said, leave(T, Leave::Preempt));
    for other in [leave(T, Leave::Yield), leave(T, Leave::Block), leave(task(2), Leave::Preempt)] {
        says(RETURNS, 1, &with(&said, end, (0, said[end].1, other)), &[&four()]);
    }
    assert_eq!(end, at + 2);
}

#[test]
fn only_what_lies_between_the_markers_counts() {
    let said = good();
    // The first null call was made in the tick of the boot marker, or before.
    let at = |time: u64| with(&said, 0, (1, time, marker(Marker::Boot)));
    let first = said[3].1;
    assert_eq!(said[3].2, syscall(T, Syscall::Null));
    says(RETURNS, 2, &at(first), &[]);
    says(RETURNS, 2, &at(first + 1), &[&few("task 1.1", 15, "null calls", 16)]);
}

#[test]
fn what_a_task_went_on_behind_is_shown_slices_first() {
    let claim = judged(RETURNS, &Case::new(1), &good());
    assert_eq!(claim.found, "tasks went on behind 33 calls and 5 ends of slices".replace("33", "32"));
    assert_eq!(claim.evidence_total, 37);
    assert!(claim.evidence[..5].iter().all(|evidence| evidence.says.contains("task 1.1")));
    let shown: Vec<usize> = claim.evidence.iter().map(|evidence| evidence.seq as usize).collect();
    assert_eq!(good()[shown[0]].2, leave(T, Leave::Preempt));
    assert_eq!(good()[shown[5]].2, syscall(T, Syscall::Yield));
    assert_eq!(good()[shown[36]].2, syscall(T, Syscall::Null));
}
