//! The fact codec, and the judge on whatever facts there are.

use std::collections::BTreeMap;

use antler_facts::{Cpu, DecodeError, Event, Fact, Kind, Marker, RECORD};
use antler_proof::{Case, GuestEnd, State, Verdict, expected_markers, judge};

pub(super) const WORDS: &[&[u8]] =
    &[b"\x07\0", b"\x0c\0", b"\x1f\0", b"\x24\0", b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\x01\0\0\0\0\0\0\0"];

pub(super) fn run(data: &[u8]) {
    let facts = codec(data);
    judged(data);
    // Numbers made dense and times ascending, so that mutants get past the first claim.
    let sound: Vec<u8> = sound(facts).iter().flat_map(Fact::encode).collect();
    if sound != data {
        judged(&sound);
    }
}

/// Every record decodes to a fact that encodes to the same bytes, or to an error that says why.
fn codec(data: &[u8]) -> Vec<Fact> {
    let mut facts = Vec::new();
    for record in data.as_chunks::<RECORD>().0 {
        let number = u16::from_le_bytes([record[6], record[7]]);
        let kind = Kind::from_number(number);
        match Fact::decode(record) {
            Ok(fact) => {
                assert_eq!(fact.encode(), *record, "two encodings of {fact:?}");
                assert_eq!(Some(fact.event.kind()), kind);
                facts.push(fact);
            }
            Err(error) => {
                match error {
                    DecodeError::UnknownKind(unknown) => assert!(unknown == number && kind.is_none()),
                    DecodeError::BadField(bad) => assert_eq!(Some(bad), kind),
                }
                super::readable(&error);
            }
        }
    }
    facts
}

/// The facts with each CPU's numbers dense and its times never going back.
fn sound(mut facts: Vec<Fact>) -> Vec<Fact> {
    let mut state: BTreeMap<Cpu, (u32, u64)> = BTreeMap::new();
    for fact in &mut facts {
        let (next, time) = state.entry(fact.cpu).or_default();
        fact.seq = *next;
        fact.time = fact.time.max(*time);
        (*next, *time) = (fact.seq + 1, fact.time);
    }
    facts
}

/// A console that lacks nothing in a run on `cpus` CPUs, so that the facts alone decide.
fn console(cpus: u16) -> String {
    expected_markers(cpus).into_iter().map(|marker| marker.text + "\r\n").collect()
}

fn judged(data: &[u8]) {
    let one = judge(console(1).as_bytes(), data, &Case::new(1));
    coherent(&one, data);
    if one.green {
        whole(data);
    }
    let two = judge(console(2).as_bytes(), data, &Case::new(2));
    coherent(&two, data);
    assert!(!(one.green && two.green), "one trace proves two machines");
    // Facts cannot make up for anything else that is wrong; one of these each time, by what the input holds.
    let smp1 = console(1);
    let (text, end) = match data.iter().fold(0, |sum: u8, &byte| sum.wrapping_add(byte)) % 5 {
        0 => (smp1.as_str(), GuestEnd::TimedOut),
        1 => (smp1.as_str(), GuestEnd::Stopped),
        2 => (smp1.as_str(), GuestEnd::Code(32)),
        3 => ("", GuestEnd::Code(0)),
        _ => (smp1.split_once('\n').map_or("", |(_, rest)| rest), GuestEnd::Code(0)),
    };
    let hostile = judge(text.as_bytes(), data, &Case { end, ..Case::new(1) });
    coherent(&hostile, data);
    assert!(!hostile.green, "green in spite of {end:?} with {} bytes of console", text.len());
}

/// A verdict agrees with itself.
fn coherent(verdict: &Verdict, data: &[u8]) {
    assert_eq!(verdict.green, verdict.reasons.is_empty());
    let red_claim = verdict.claims.iter().any(|claim| claim.state == State::Red);
    let red_marker = verdict.markers.iter().any(|marker| marker.state == State::Red);
    assert!(!(verdict.green && (red_claim || red_marker)));
    for claim in &verdict.claims {
        assert_eq!(claim.state == State::Red, !claim.reasons.is_empty(), "{}", claim.name);
        assert!(claim.reasons.len() <= 13, "{} has {} reasons", claim.name, claim.reasons.len());
    }
    assert!(verdict.facts <= data.len() / RECORD);
    assert!(verdict.line().starts_with(if verdict.green { "PROOF GREEN" } else { "PROOF RED" }));
    let json: serde_json::Value = serde_json::from_str(&verdict.to_json()).expect("a verdict is JSON");
    assert_eq!(json["green"], verdict.green);
}

/// What every green trace of one CPU must have at least, whatever the claims are.
fn whole(data: &[u8]) {
    assert!(data.len().is_multiple_of(RECORD), "green with a fact cut short");
    let mut markers = Vec::new();
    let mut ends = Vec::new();
    let mut before = 0;
    for (number, record) in data.as_chunks::<RECORD>().0.iter().enumerate() {
        let fact = Fact::decode(record).expect("green with a damaged record");
        assert_eq!((fact.cpu, fact.seq as usize), (Cpu(0), number), "green with a hole or a strange CPU");
        assert!(fact.time >= before, "green with time going back");
        before = fact.time;
        match fact.event {
            Event::Marker { marker } => markers.push(marker),
            Event::End { code } => ends.push((number, code)),
            Event::Dropped { .. } => panic!("green with dropped facts"),
            Event::Request { .. } | Event::Steal { .. } => panic!("green with {:?} on one CPU", fact.event),
            _ => {}
        }
    }
    let base = [Marker::Boot, Marker::Trap, Marker::UserMode, Marker::Timer, Marker::Isolation, Marker::Done];
    assert_eq!(markers, base, "green without its self-tests in order");
    assert!(matches!(ends[..], [(_, 0)]), "green with ends {ends:?}");
}
