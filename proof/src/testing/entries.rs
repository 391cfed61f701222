//! What must stand beside what: the steps of an entry into the kernel, and what they rest on.

use antler_abi::Error;
use antler_facts::{Hart, WakeCause};

use super::small::*;
use super::*;

const ENTRIES: &str = "entries";
const CALL: u64 = 8;
const TIMER: u64 = 1 << 63 | 5;

/// An entry like any other, so that there is one.
fn base() -> Vec<Said> {
    vec![(9, 1, trap(T, CALL)), (9, 2, syscall(T, Syscall::Null))]
}

/// What the claim says of these facts of cpu1, ten ns apart.
fn said(events: &[Event]) -> Vec<String> {
    said_by(1, events)
}

fn said_by(cpu: u16, events: &[Event]) -> Vec<String> {
    let told = events.iter().zip(1..).map(|(event, at)| (cpu, at * 10, *event)).collect::<Vec<_>>();
    reasons(ENTRIES, 10, &[base(), told].concat())
}

/// The two facts may follow each other.
#[track_caller]
fn fits(first: Event, second: Event) {
    let reasons = said(&[first, second]);
    let followed = format!("{} is followed by", first.kind().name());
    assert!(!reasons.iter().any(|reason| reason.contains(&followed)), "{reasons:#?}");
}

/// The second fact may not follow the first, which needs something else.
#[track_caller]
fn clashes(first: Event, second: Event, needed: &str) {
    let (one, two) = (first.kind().name(), second.kind().name());
    let expected = format!("cpu1 at 10 ns: {one} is followed by {two}; it needs {needed}");
    let reasons = said(&[first, second]);
    assert!(reasons.contains(&expected), "{reasons:#?}");
}

#[test]
fn entries_are_there() {
    assert_eq!(reasons(ENTRIES, 10, &base()), NOTHING);
    assert_eq!(reasons(ENTRIES, 10, &[]), ["nothing ever entered the kernel from U-mode"]);
}

#[test]
fn a_trap_is_followed_by_its_cause() {
    let timer = Event::Timer { deadline: 0 };
    let fault = |task, cause| Event::Fault { task, cause, address: 0 };
    let (call, bell, fired) = (trap(T, CALL), trap(T, SOFTWARE_INTERRUPT), trap(T, TIMER));
    fits(call, syscall(T, Syscall::Null));
    clashes(call, syscall(task(2), Syscall::Null), "the task's system call");
    clashes(call, fault(T, CALL), "the task's system call");
    fits(bell, SEEN);
    clashes(bell, WOKE, "the doorbell seen");
    clashes(bell, timer, "the doorbell seen");
    fits(fired, timer);
    fits(fired, SEEN);
    clashes(fired, WOKE, "the timer, or the doorbell that came with it");
    fits(trap(T, 13), fault(T, 13));
    clashes(trap(T, 13), fault(task(2), 13), "the task's fault");
    clashes(trap(T, 13), fault(T, 15), "the task's fault");
    clashes(trap(T, 13), timer, "the task's fault");
    // After an illegal instruction the task may be given its floating-point unit, and goes on.
    fits(trap(T, 2), Event::IdleBegin {});
    fits(trap(T, 2), fault(T, 2));
}

#[test]
fn a_task_that_is_handed_on_is_put_on_a_queue() {
    let queued = "the task put on a queue";
    let wake = Event::Wake { task: T, cause: WakeCause::Signal, target: Cpu(0) };
    for event in [leave(T, Leave::Yield), leave(T, Leave::Preempt), wake, spawned(T, Task(0))] {
        fits(event, enqueue(T, 0));
        clashes(event, enqueue(task(2), 0), queued);
        clashes(event, dispatch(T), queued);
    }
    for why in [Leave::Block, Leave::Offline] {
        fits(leave(T, why), dispatch(task(2)));
    }
    let until = Event::Deadline { task: T, at: 99 };
    fits(until, leave(T, Leave::Block));
    for other in [leave(T, Leave::Yield), leave(task(2), Leave::Block), trap(T, CALL)] {
        clashes(until, other, "the task off its CPU");
    }
    fits(leave(T, Leave::Exit), exit(T));
    clashes(leave(T, Leave::Exit), exit(task(2)), "the task's exit");
    clashes(leave(T, Leave::Exit), dispatch(task(2)), "the task's exit");
}

#[test]
fn a_request_is_followed_by_its_way() {
    let asked = ask(3, 7, Request::Call);
    let needed = "its doorbell, or the target's refusal";
    for way in [ring as fn(u16, u64) -> Event, rode, withheld] {
        fits(asked, way(3, 7));
        clashes(asked, way(3, 8), needed);
        clashes(asked, way(2, 7), needed);
    }
    let refused = |target| Event::TargetRefused { target, error: Error::Offline };
    fits(asked, refused(3));
    clashes(asked, refused(2), needed);
    clashes(asked, dispatch(T), needed);
    let steal = |error| Event::StealRefused { victim: Cpu(0), asked: 5, error };
    let told = |error| Event::Refused { number: 1, error, argument: 0 };
    fits(steal(Error::AboveBound), told(Error::AboveBound));
    clashes(steal(Error::AboveBound), told(Error::Offline), "the caller told");
    clashes(steal(Error::AboveBound), dispatch(T), "the caller told");
}

/// The last fact of a CPU may be the first half of a step.
#[test]
fn a_cpu_that_was_stopped_owes_nothing() {
    assert_eq!(said(&[trap(T, CALL)]), NOTHING);
}

/// Whether that reason stands against the second of two facts, or a lonely one.
fn lacks(before: Option<Event>, event: Event, needed: &str) -> bool {
    let found = before.map_or("nothing", |event| event.kind().name());
    let at = if before.is_some() { 20 } else { 10 };
    let expected = format!("cpu1 at {at} ns: {} follows {found}; it needs {needed}", event.kind().name());
    said(&before.into_iter().chain([event]).collect::<Vec<_>>()).contains(&expected)
}

#[test]
fn what_rests_on_the_fact_before_it() {
    let need = "a trap of the task for it";
    let call = syscall(T, Syscall::Null);
    assert!(!lacks(Some(trap(T, CALL)), call, need));
    assert!(lacks(Some(trap(task(2), CALL)), call, need) && lacks(Some(trap(T, 13)), call, need));
    assert!(lacks(None, call, need));
    let need = "a trap of the task with its cause";
    let fault = Event::Fault { task: T, cause: 13, address: 0 };
    assert!(!lacks(Some(trap(T, 13)), fault, need));
    assert!(lacks(Some(trap(T, 15)), fault, need) && lacks(Some(trap(task(2), 13)), fault, need));
    let need = "the task off its CPU for good";
    assert!(!lacks(Some(leave(T, Leave::Exit)), exit(T), need));
    assert!(lacks(Some(leave(T, Leave::Yield)), exit(T), need));
    assert!(lacks(Some(leave(task(2), Leave::Exit)), exit(T), need));
    let need = "the call or request that it refuses";
    let refused = Event::TargetRefused { target: 3, error: Error::Offline };
    assert!(!lacks(Some(call), refused, need) && !lacks(Some(ask(3, 1, Request::Call)), refused, need));
    assert!(lacks(Some(WOKE), refused, need) && lacks(None, refused, need));
    let need = "the probe that asked for it";
    let steal = Event::StealRefused { victim: Cpu(0), asked: 5, error: Error::AboveBound };
    for event in [steal, marker(Marker::Trap)] {
        assert!(!lacks(Some(syscall(T, Syscall::Probe)), event, need));
        assert!(lacks(Some(call), event, need) && lacks(None, event, need));
    }
    let need = "the ack of the caller that it answers";
    let reply = ask(3, 1, Request::Reply);
    assert!(!lacks(Some(ack(3, 1)), reply, need));
    assert!(lacks(Some(ack(2, 1)), reply, need) && lacks(Some(WOKE), reply, need));
    assert!(!lacks(Some(WOKE), ask(3, 1, Request::Resched), need));
    let boot = "cpu0 to state it";
    assert!(lacks(Some(call), marker(Marker::Boot), boot));
    assert_eq!(said_by(0, &[marker(Marker::Boot)]), NOTHING);
}

/// Whether the last fact's reason is among what is said.
fn wrong(events: &[Event], text: &str) -> bool {
    said(events).contains(&format!("cpu1 at {} ns: {text}", events.len() * 10))
}

#[test]
fn a_refusal_belongs_to_the_call_under_way() {
    let number = Syscall::Write.number() as u64;
    let refused = Event::Refused { number, error: Error::BadAddress, argument: 0 };
    let text = format!("call {number} is refused, but is not the one under way");
    let call = [trap(T, CALL), syscall(T, Syscall::Write)];
    let after = |between: &[Event]| wrong(&[&call[..], between, &[refused]].concat(), &text);
    assert!(!after(&[]) && !after(&[SEEN]));
    assert!(after(&[refused]), "refused twice");
    for over in [dispatch(T), trap(T, TIMER), Event::IdleBegin {}] {
        assert!(after(&[over]), "{over:?}");
    }
    assert!(wrong(&[trap(T, CALL), syscall(T, Syscall::Null), refused], &text));
}

#[test]
fn a_deadline_wakes_within_its_timer_interrupt() {
    let wake = |cause| Event::Wake { task: T, cause, target: Cpu(1) };
    let text = "task 1.1 is woken by its deadline without a timer interrupt";
    let fired = [trap(T, TIMER), Event::Timer { deadline: 0 }];
    let after =
        |between: &[Event]| wrong(&[&fired[..], between, &[wake(WakeCause::Deadline)]].concat(), text);
    assert!(!after(&[]) && !after(&[wake(WakeCause::Deadline), enqueue(T, 1)]));
    for over in [dispatch(T), trap(T, SOFTWARE_INTERRUPT), Event::IdleBegin {}] {
        assert!(after(&[over]), "{over:?}");
    }
    assert!(wrong(&[wake(WakeCause::Deadline)], text) && !wrong(&[wake(WakeCause::Signal)], text));
}

#[test]
fn a_timer_fires_where_no_task_runs_or_interrupts_it() {
    let fires = Event::Timer { deadline: 0 };
    let text = "its timer fires while a task runs, and interrupts nothing";
    assert!(wrong(&[dispatch(T), fires], text));
    assert!(!wrong(&[dispatch(T), leave(T, Leave::Block), fires], text));
    assert!(!wrong(&[dispatch(T), trap(T, TIMER), fires], text));
}

#[test]
fn a_child_is_made_by_the_task_that_runs() {
    let child = spawned(T, task(2));
    let text = "task 1.1 is made by task 2.1, which does not run here";
    assert!(wrong(&[child], text) && wrong(&[dispatch(task(3)), child], text));
    assert!(!wrong(&[dispatch(task(2)), child], text));
    assert!(wrong(&[dispatch(task(2)), leave(task(2), Leave::Block), child], text));
    assert_eq!(said(&[spawned(T, Task(0)), enqueue(T, 1)]), NOTHING, "a program's first thread");
}

#[test]
fn idle_begins_and_ends_in_turn() {
    let (begin, end) = (Event::IdleBegin {}, Event::IdleEnd { why: IdleEnd::Work });
    let online = Event::Online { hart: Hart(1), stack: 0, block: 0 };
    assert_eq!(said(&[begin, end, dispatch(T), leave(T, Leave::Block), begin]), NOTHING);
    assert!(wrong(&[begin, begin], "idle begins twice"));
    assert!(wrong(&[begin, end, end], "idle ends, but had not begun"));
    assert!(wrong(&[end], "idle ends, but had not begun"));
    assert!(wrong(&[begin, dispatch(T)], "task 1.1 runs although idle has not ended"));
    assert_eq!(said(&[begin, online, begin]), NOTHING, "a new life");
}

#[test]
fn ceilings_and_hart_states_come_of_calls() {
    let ceiling = Event::Ceiling { cpu: Cpu(1), class: Qos::Idle };
    let text = "a ceiling is set by no call";
    let probe = [trap(T, CALL), syscall(T, Syscall::Probe)];
    let call = [trap(T, CALL), syscall(T, Syscall::Null)];
    assert!(!wrong(&[&probe[..], &[ceiling]].concat(), text));
    assert!(wrong(&[&call[..], &[ceiling]].concat(), text) && wrong(&[ceiling], text));
    // Boot arguments set them on cpu0, before anything ran there.
    assert_eq!(said_by(0, &[ceiling]), NOTHING);
    let later = said_by(0, &[dispatch(T), ceiling]);
    assert_eq!(later, [format!("cpu0 at 20 ns: {text}")]);
    let state = Event::HartState { cpu: Cpu(0), hart: Hart(0), state: 1 };
    let text = "a hart's state is asked for by no call";
    assert!(!wrong(&[&call[..], &[state]].concat(), text) && wrong(&[state], text));
}
