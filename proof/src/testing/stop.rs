//! The machine's end: who was stopped, by whom, and what it said after.

use antler_facts::Hart;

use super::online::online;
use super::small::*;
use super::*;

const STOP: &str = "stop";

/// cpu0 stops cpu1 and ends the machine.
fn stopped() -> Vec<Said> {
    vec![
        (1, 1, online(1)),
        (0, 10, marker(Marker::Done)),
        (0, 20, ask(1, 1, Request::Stop)),
        (0, 21, ring(1, 1)),
        (1, 30, WOKE),
        (1, 31, ack(0, 1)),
        (0, 40, Event::End { code: 0 }),
    ]
}

#[test]
fn every_other_cpu_is_asked_to_stop_and_does() {
    says(STOP, 2, &stopped(), &[]);
    says(
        STOP,
        2,
        &minus(&stopped(), &[6]),
        &["no fact states the machine's end, so nobody was stopped for it"],
    );
    let times = |count: usize| {
        format!("cpu1 was online at the end and was asked to stop {count} times; once is meant")
    };
    says(STOP, 2, &minus(&stopped(), &[2, 3, 4, 5]), &[&times(0)]);
    let mut twice = stopped();
    twice.splice(4..4, [(0, 22, ask(1, 2, Request::Stop)), (0, 23, ring(1, 2))]);
    says(STOP, 2, &twice, &[&times(2)]);
    let name = "request 1 of cpu0 to cpu1 (Stop)";
    let own = format!("{name} was not rung by one doorbell of its own");
    says(STOP, 2, &minus(&stopped(), &[3]), &[&own]);
    says(STOP, 2, &with(&stopped(), 3, (0, 21, rode(1, 1))), &[&own]);
    let never = format!("{name}: cpu1 never saw and acknowledged it");
    says(STOP, 2, &minus(&stopped(), &[5]), &[&never]);
    says(STOP, 2, &minus(&stopped(), &[4]), &[&never]);
}

#[test]
fn only_who_ends_the_machine_stops_others_and_only_then() {
    let mut other = with(&stopped(), 2, (2, 20, ask(1, 1, Request::Stop)));
    other[3] = (2, 21, ring(1, 1));
    other[5] = (1, 31, ack(2, 1));
    tells(STOP, 3, &other, "cpu2 asks cpu1 to stop, but cpu0 ends the machine");
    let name = "request 1 of cpu0 to cpu1 (Stop) was not made between the last marker and the machine's end";
    says(STOP, 2, &with(&stopped(), 1, (0, 20, marker(Marker::Done))), &[]);
    says(STOP, 2, &with(&stopped(), 1, (0, 21, marker(Marker::Done))), &[name]);
}

#[test]
fn a_stopped_cpu_says_nothing_more() {
    let then = |event| {
        let mut said = stopped();
        said.insert(6, (1, 35, event));
        reasons(STOP, 2, &said)
    };
    assert_eq!(then(Event::IdleBegin {}), ["cpu1 states IdleBegin at 35 ns, after it was stopped"]);
    assert_eq!(then(dispatch(T)), ["cpu1 states Dispatch at 35 ns, after it was stopped"]);
    assert_eq!(then(WOKE), ["cpu1 states Seen at 35 ns, after it was stopped"]);
    for met in [ack(2, 1), ask(2, 1, Request::Reply), ring(2, 1), rode(2, 1)] {
        assert_eq!(then(met), NOTHING, "{met:?}");
    }
    let late = |at| plus(&stopped(), &[(1, at, ack(2, 1))]);
    says(STOP, 2, &late(40), &[]);
    says(STOP, 2, &late(41), &["cpu1 states Ack at 41 ns, after the machine's end"]);
}

#[test]
fn a_cpu_that_is_offline_needs_no_stopping() {
    let mut away = minus(&stopped(), &[2, 3, 4, 5]);
    away.insert(1, (1, 5, Event::Offline { hart: Hart(1) }));
    says(STOP, 2, &away, &[]);
    let mut refused = away.clone();
    let error = antler_abi::Error::Offline;
    refused.splice(
        3..3,
        [(0, 20, ask(1, 1, Request::Stop)), (0, 21, Event::TargetRefused { target: 1, error })],
    );
    says(STOP, 2, &refused, &[]);
    away.insert(2, (1, 6, online(1)));
    says(STOP, 2, &away, &["cpu1 was online at the end and was asked to stop 0 times; once is meant"]);
}
