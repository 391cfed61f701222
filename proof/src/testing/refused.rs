//! CPUs that do not exist, and CPUs that are away: refused as targets, and whole when they return.

use antler_abi::Error;
use antler_facts::Hart;

use super::online::{BLOCK, STACK, online, start, verified};
use super::small::*;
use super::*;

const INVALID: &str = "reject invalid target";

/// A call of cpu0 that names `target`, and its refusal.
fn refusal(at: u64, call: Syscall, target: u64, error: Error) -> Vec<Said> {
    let number = call.number() as u64;
    vec![
        (0, at, syscall(T, call)),
        (0, at + 1, Event::TargetRefused { target, error }),
        (0, at + 2, Event::Refused { number, error, argument: target }),
    ]
}

fn invalid() -> Vec<Said> {
    let error = Error::InvalidTarget;
    let both = [refusal(20, Syscall::Resched, 2, error), refusal(30, Syscall::Probe, 2, error)].concat();
    [&[(0, 10, marker(Marker::IpiResched))][..], &both, &[(0, 40, marker(Marker::RejectInvalidTarget))]]
        .concat()
}

#[test]
fn a_cpu_that_does_not_exist_is_refused_both_ways_and_nothing_is_sent() {
    says(INVALID, 2, &invalid(), &[]);
    let user = "no resched call from U-mode was refused for a CPU that does not exist";
    let kernel = "the kernel itself never refused a CPU that does not exist as a target";
    says(INVALID, 2, &minus(&invalid(), &[2]), &[user]);
    says(INVALID, 2, &minus(&invalid(), &[5]), &[kernel]);
    let null = with(&invalid(), 1, (0, 20, syscall(T, Syscall::Null)));
    says(INVALID, 2, &null, &[user]);
    let other = Event::TargetRefused { target: 2, error: Error::Offline };
    let unfounded = "cpu0 refuses target 2 at 21 ns: CPU is offline; but there is no such CPU";
    says(INVALID, 2, &with(&invalid(), 2, (0, 21, other)), &[unfounded, user]);
    says(INVALID, 2, &minus(&invalid(), &[3]), &["target 2 was refused, but the call went well"]);
    let number = Syscall::Resched.number() as u64;
    let told = |number, error| Event::Refused { number, error, argument: 2 };
    for wrong in [told(number + 1, Error::InvalidTarget), told(number, Error::Offline)] {
        says(
            INVALID,
            2,
            &with(&invalid(), 3, (0, 22, wrong)),
            &["target 2 was refused, but the call went well"],
        );
    }
    // The refusal of another call is not this one's.
    let mut swapped = minus(&invalid(), &[3]);
    swapped.insert(5, (0, 33, told(number, Error::InvalidTarget)));
    says(INVALID, 2, &swapped, &["target 2 was refused, but the call went well"]);
    tells(INVALID, 3, &invalid(), "cpu2 is refused as if it did not exist");
    for sent in [ask(2, 1, Request::Resched), ring(2, 1)] {
        let mut said = invalid();
        said.insert(2, (0, 20, sent));
        let never = "cpu0 posted to cpu2, which does not exist";
        says(INVALID, 2, &said, &[&at_once(sent), never]);
        said.remove(2);
        says(INVALID, 2, &plus(&said, &[(0, 50, sent)]), &[never]);
        // What went before the call is another matter.
        said.insert(1, (0, 15, sent));
        says(INVALID, 2, &said, &[never]);
    }
    // Outside of its window nothing counts.
    let late = plus(&minus(&invalid(), &[1, 2, 3]), &refusal(50, Syscall::Resched, 2, Error::InvalidTarget));
    says(INVALID, 2, &late, &[user]);
}

#[test]
fn a_target_is_refused_for_what_it_is() {
    let refused = |target: u64, time: u64, error: Error| {
        let away = [(1, 50, Event::IdleBegin {}), (1, 60, Event::Offline { hart: Hart(1) })];
        let back = [(1, 70, online(1)), (1, 80, Event::IdleBegin {})];
        let told = (0, time, Event::TargetRefused { target, error });
        reasons(INVALID, 2, &[&invalid(), &away[..], &back, &[told]].concat())
    };
    let text = |target: u64, time: u64, error: Error, why: &str| {
        vec![format!("cpu0 refuses target {target} at {time} ns: {error}; but {why}")]
    };
    let (invalid, offline) = (Error::InvalidTarget, Error::Offline);
    assert_eq!([refused(2, 55, invalid), refused(1 << 16, 55, invalid)], [NOTHING; 2]);
    assert_eq!(refused(1, 55, invalid), text(1, 55, invalid, "that CPU exists"));
    assert_eq!(refused(1 << 16, 55, offline), text(1 << 16, 55, offline, "there is no such CPU"));
    assert_eq!([refused(1, 50, offline), refused(1, 80, offline)], [NOTHING; 2]);
    for time in [49, 81] {
        assert_eq!(refused(1, time, offline), text(1, time, offline, "that CPU was online"));
    }
    for target in [1, 2] {
        let why = "that is no reason to refuse a target";
        assert_eq!(refused(target, 55, Error::Busy), text(target, 55, Error::Busy, why));
    }
}

/// Why that is red in the entry of the call.
fn at_once(sent: Event) -> String {
    format!("target 2 was refused, and in the same entry something was sent: {:?}", Some(sent))
}

#[test]
fn in_the_entry_of_a_refused_call_nothing_is_sent_to_anybody() {
    let inbox = Event::Enqueue { task: task(2), target: Cpu(1), place: Place::Inbox };
    for sent in [ask(1, 1, Request::Resched), ring(1, 1), rode(1, 1), withheld(1, 1), inbox] {
        // Before the target is refused, before the caller is told, and after.
        for (place, time) in [(2, 20), (3, 21), (4, 22)] {
            let mut said = invalid();
            said.insert(place, (0, time, sent));
            says(INVALID, 2, &said, &[&at_once(sent)]);
            // Another CPU's matter is its own.
            said[place].0 = 1;
            says(INVALID, 2, &said, &[]);
            said.remove(place);
            // Behind whatever ends the entry it is something else.
            for over in [
                trap(T, 8),
                leave(T, Leave::Preempt),
                dispatch(T),
                Event::IdleBegin {},
                marker(Marker::RejectInvalidTarget),
            ] {
                let mut said = minus(&invalid(), &[7]);
                said.splice(7..7, [(0, 33, over), (0, 34, sent)]);
                said.push((0, 40, marker(Marker::RejectInvalidTarget)));
                says(INVALID, 2, &said, &[]);
                said.remove(7);
                says(INVALID, 2, &said, &[&at_once(sent)]);
            }
        }
    }
    // What stays on its own CPU is sent to nobody, and what it says of doorbells neither.
    let local = enqueue(task(2), 0);
    for own in [local, SEEN, ack(1, 1), Event::Timer { deadline: 1 }] {
        let mut said = invalid();
        said.insert(2, (0, 20, own));
        says(INVALID, 2, &said, &[]);
    }
}

const OFFLINE: &str = "reject offline target";

/// cpu1 leaves, is refused, comes back, answers one request and steals one task.
fn away() -> Vec<Said> {
    let error = Error::Offline;
    let state = Event::HartState { cpu: Cpu(1), hart: Hart(1), state: 1 };
    [
        &[
            (1, 1, online(1)),
            (0, 10, marker(Marker::RejectInvalidTarget)),
            (1, 20, Event::Offline { hart: Hart(1) }),
        ][..],
        &[(0, 30, state)],
        &refusal(30, Syscall::Resched, 1, error),
        &refusal(40, Syscall::Probe, 1, error),
        &[
            (0, 50, start(1)),
            (1, 60, online(1)),
            (0, 70, verified(1)),
            (0, 79, syscall(T, Syscall::Resched)),
            (0, 80, ask(1, 1, Request::Resched)),
            (0, 81, ring(1, 1)),
            (1, 82, WOKE),
            (1, 83, ack(0, 1)),
            (1, 90, stolen(T, 0)),
            (1, 91, dispatch(T)),
            (0, 99, marker(Marker::RejectOffline)),
        ],
    ]
    .concat()
}

#[test]
fn while_a_cpu_is_away_firmware_says_so_and_it_is_refused() {
    says(OFFLINE, 2, &away(), &[]);
    says(OFFLINE, 2, &[(0, 10, marker(Marker::RejectOffline))], &["no CPU went offline before the marker"]);
    let restart = "cpu1 went offline and nobody asked firmware to start it again";
    tells(OFFLINE, 2, &minus(&away(), &[10]), restart);
    tells(OFFLINE, 2, &with(&away(), 10, (0, 50, start(0))), restart);
    let stopped = "no other CPU saw firmware report cpu1 as STOPPED";
    says(OFFLINE, 2, &minus(&away(), &[3]), &[stopped]);
    let state = |cpu, state| Event::HartState { cpu: Cpu(cpu), hart: Hart(1), state };
    says(OFFLINE, 2, &with(&away(), 3, (0, 30, state(1, 3))), &[stopped]);
    let online = "cpu0 says at 30 ns that firmware reports cpu0 in state 1";
    let nobody = format!("{online}, but nobody took it offline");
    says(
        OFFLINE,
        2,
        &with(&away(), 3, (0, 30, state(0, 1))),
        &[stopped, &format!("{online}, but it was online"), &nobody],
    );
    // Before it has said its last word, and after it came back.
    let late = plus(&away(), &[(0, 100, state(1, 1))]);
    tells(OFFLINE, 2, &late, "cpu0 says at 100 ns that firmware reports cpu1 in state 1, but it was online");
    let starting = plus(&away(), &[(0, 100, state(1, 2))]);
    let text = "cpu0 says at 100 ns that firmware reports cpu1 in state 2, but nobody took it offline";
    says(OFFLINE, 2, &starting, &[text]);
    says(OFFLINE, 2, &plus(&away(), &[(0, 100, state(1, 0))]), &[]);
    let present = Event::Present { cpu: Cpu(1), hart: Hart(7) };
    let other = [&[(0, 0, present)][..], &away()].concat();
    tells(
        OFFLINE,
        2,
        &other,
        "cpu0 says at 30 ns that firmware reports cpu1 in state 1, of hart 1, which it is not",
    );
    let mut own = minus(&away(), &[3]);
    own.insert(3, (1, 20, state(1, 1)));
    assert!(reasons(OFFLINE, 2, &own).contains(&stopped.to_owned()), "the CPU itself is no witness");
    let user = "no resched call from U-mode was refused for cpu1 while it was stopped";
    let kernel = "the kernel itself never refused cpu1 while it was stopped as a target";
    says(OFFLINE, 2, &minus(&away(), &[5]), &[user]);
    says(OFFLINE, 2, &minus(&away(), &[8]), &[kernel]);
    // Refused before firmware was asked, or after the CPU was started again: not while it was stopped.
    let mut soon = away();
    let fact = soon.remove(3);
    soon.insert(6, (0, 35, fact.2));
    says(OFFLINE, 2, &soon, &[user]);
    let mut late = away();
    let fact = late.remove(10);
    late.insert(7, (0, 38, fact.2));
    says(OFFLINE, 2, &late, &[kernel]);
    let other = Event::TargetRefused { target: 2, error: Error::Offline };
    says(OFFLINE, 2, &with(&away(), 5, (0, 31, other)), &[user]);
    says(OFFLINE, 2, &minus(&away(), &[6]), &["target 1 was refused, but the call went well"]);
    let mut rung = away();
    rung.insert(5, (0, 30, ring(0, 1)));
    let sent = Some(ring(0, 1));
    let text = format!("target 1 was refused, and in the same entry something was sent: {sent:?}");
    says(OFFLINE, 2, &rung, &[&text]);
}

#[test]
fn nothing_is_sent_to_a_cpu_that_is_away() {
    let sent = "request 1 of cpu0 to cpu1 (Resched) was sent while cpu1 was offline";
    let rang = "cpu0 rang cpu1 while that was offline";
    let at = |time: u64, events: &[Event]| {
        let mut said: Vec<Said> = away();
        said.retain(|(_, _, event)| {
            !matches!(event, Event::Request { .. } | Event::Ring { .. } | Event::Ack { .. })
        });
        let place = said.iter().position(|(cpu, t, _)| *cpu == 0 && *t > time).expect("a fact");
        for event in events.iter().rev() {
            said.insert(place, (0, time, *event));
        }
        reasons(OFFLINE, 2, &said)
    };
    let asked = ask(1, 1, Request::Resched);
    let inside = at(45, &[asked, ring(1, 1)]);
    assert!(inside.contains(&sent.to_owned()) && inside.contains(&rang.to_owned()));
    assert!(at(45, &[asked]).contains(&sent.to_owned()), "posted, not rung");
    let refused = Event::TargetRefused { target: 1, error: Error::Offline };
    assert!(!at(45, &[asked, refused]).contains(&sent.to_owned()), "found closed");
    assert!(
        !at(45, &[ask(0, 1, Request::Resched), ring(0, 1)])
            .iter()
            .any(|reason| reason.contains("while cpu1"))
    );
    assert!(at(45, &[ring(1, 9)]).contains(&rang.to_owned()));
    // In the very ticks in which it stops or is started nothing is known of the order.
    for edge in [20, 50] {
        let said = at(edge, &[asked, ring(1, 1)]);
        assert!(!said.contains(&sent.to_owned()) && !said.contains(&rang.to_owned()), "{edge}: {said:?}");
    }
}

#[test]
fn a_cpu_comes_back_as_itself_and_works() {
    let never = "cpu1 went offline and never came online again";
    says(OFFLINE, 2, &minus(&away(), &[11, 15, 16, 17, 18, 19]), &[never]);
    let moved = Event::Online { hart: Hart(3), stack: STACK, block: BLOCK };
    let (was, is) = ((Hart(1), STACK * 2, BLOCK * 2), (Hart(3), STACK, BLOCK));
    let text = format!("cpu1 came back as another hart: {:?}, then {:?}", Some(was), Some(is));
    says(OFFLINE, 2, &with(&away(), 11, (1, 60, moved)), &[&text]);
    let unverified = "nobody verified cpu1 after its return";
    says(OFFLINE, 2, &minus(&away(), &[12]), &[unverified]);
    says(OFFLINE, 2, &with(&away(), 12, (0, 70, verified(0))), &[unverified]);
    let early = with(&away(), 12, (0, 59, verified(1)));
    says(OFFLINE, 2, &early, &[unverified]);
    let unasked = "no resched call for cpu1 was answered by it after its return";
    says(OFFLINE, 2, &minus(&away(), &[17]), &[unasked]);
    says(OFFLINE, 2, &with(&away(), 14, (0, 80, ask(1, 1, Request::Call))), &[unasked]);
    says(OFFLINE, 2, &with(&with(&away(), 16, (1, 82, WOKE)), 17, (1, 100, ack(0, 1))), &[unasked]);
    let elsewhere = with(&with(&away(), 14, (0, 80, ask(0, 1, Request::Resched))), 15, (0, 81, ring(0, 1)));
    says(OFFLINE, 2, &elsewhere, &[unasked]);
    // Posted by a wake, or for work, and by no resched call right before.
    says(OFFLINE, 2, &with(&away(), 13, (0, 79, trap(T, 8))), &[unasked]);
    says(OFFLINE, 2, &with(&away(), 13, (0, 79, syscall(T, Syscall::Wake))), &[unasked]);
    let mut behind = away();
    behind.insert(14, (0, 79, enqueue(task(2), 1)));
    says(OFFLINE, 2, &behind, &[unasked]);
    let mut early = away();
    for at in [13, 14, 15] {
        early[at].1 = 58;
    }
    early[12].1 = 70;
    let [verified, call, asked, rung] = [early[12], early[13], early[14], early[15]];
    early.splice(12..16, [call, asked, rung, verified]);
    assert!(reasons(OFFLINE, 2, &early).contains(&unasked.to_owned()), "asked before it was back");
    let idle = "cpu1 stole and ran no task after its return";
    says(OFFLINE, 2, &minus(&away(), &[18]), &[idle]);
    says(OFFLINE, 2, &minus(&away(), &[19]), &[idle]);
    says(OFFLINE, 2, &with(&away(), 19, (1, 91, dispatch(task(2)))), &[idle]);
    let mut before = away();
    before.swap(18, 19);
    says(OFFLINE, 2, &before, &[idle]);
    let mut silent = away();
    silent.insert(3, (1, 21, Event::IdleBegin {}));
    let text = "cpu1 stopped at 20 ns, yet it states IdleBegin before it is online again";
    says(OFFLINE, 2, &silent, &[text]);
}
