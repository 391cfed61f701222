//! The judge's general rules, each sentence of docs/proof.md a test: markers and facts need each other, nothing may be
//! missing, nothing may be unknown.

use antler_facts::{Hart, Kind, RECORD};

use super::small::marker;
use super::*;

fn red(console: &str, facts: &[u8], cpus: u16) -> Vec<String> {
    judge(console.as_bytes(), facts, &Case::new(cpus)).reasons
}

#[test]
fn a_marker_without_its_facts_is_red() {
    for cpus in [1, 3] {
        for line in markers::expected(cpus) {
            let mut run = Script::good(cpus);
            match line.fact {
                Some(fact) => run.facts.retain(|other| other.event != marker(fact)),
                // `KINIT: cpuN online`: that CPU's own word.
                None => run.facts.retain(|fact| {
                    fact.event.kind() != Kind::Online
                        || line.text != format!("KINIT: cpu{} online", fact.cpu.0)
                }),
            }
            let reasons = red(&console(cpus), &run.bytes(), cpus);
            assert!(!reasons.is_empty(), "{} without its fact", line.text);
            let named = reasons.iter().any(|reason| reason.starts_with(&format!("{:?}: ", line.text)));
            assert!(named, "{}: {reasons:#?}", line.text);
        }
    }
}

#[test]
fn facts_without_their_marker_are_red() {
    for cpus in [1, 3] {
        for line in markers::expected(cpus) {
            let silent = console(cpus).replace(&format!("{}\r\n", line.text), "");
            let reasons = red(&silent, &Script::good(cpus).bytes(), cpus);
            assert!(reasons.iter().any(|reason| reason.contains(&line.text)), "{}: {reasons:?}", line.text);
        }
    }
}

/// The bytes of the good run on two CPUs, with the sequence number of one record on cpu1 and all after it raised.
fn with_hole(extra: &[Event]) -> Vec<u8> {
    let mut run = Script::good(2);
    let at = run.find(Some(Marker::SmpOnline), |fact| fact.cpu == Cpu(1));
    for event in extra {
        run.facts.insert(at, Fact { event: *event, ..run.facts[at] });
    }
    let mut seq = 0;
    let mut bytes = Vec::new();
    for (index, chunk) in run.bytes().as_chunks::<RECORD>().0.iter().enumerate() {
        let mut fact = Fact::decode(chunk).expect("a fact");
        if fact.cpu == Cpu(1) {
            seq += u32::from(index == at) * 3;
            fact.seq = seq;
            seq += 1;
        }
        bytes.extend(fact.encode());
    }
    bytes
}

#[test]
fn a_hole_is_red_and_so_is_a_run_that_dropped_facts() {
    let hole = red(&console(2), &with_hole(&[]), 2);
    assert!(hole[0].starts_with("integrity: cpu1: facts ") && hole[0].ends_with(" are missing"), "{hole:?}");
    // The ring says how many it dropped: then it is known, and red all the same.
    let told = red(&console(2), &with_hole(&[Event::Dropped { count: 3 }]), 2);
    assert!(
        told.iter().any(|reason| reason == "integrity: cpu1: 3 facts were dropped for want of room"),
        "{told:?}"
    );
    let mut whole = Script::good(2);
    let at = whole.find(Some(Marker::SmpOnline), |fact| fact.cpu == Cpu(1));
    whole.facts.insert(at, Fact { event: Event::Dropped { count: 1 }, ..whole.facts[at] });
    let dropped = red(&console(2), &whole.bytes(), 2);
    assert!(
        dropped.contains(&"integrity: cpu1: 1 facts were dropped for want of room".to_owned()),
        "{dropped:?}"
    );
}

#[test]
fn anything_unknown_is_red() {
    let good = Script::good(2).bytes();
    assert!(red(&console(2), &good, 2).is_empty());
    let with = |at: usize, bytes: &[u8]| {
        let mut forged = good.clone();
        forged[at..at + bytes.len()].copy_from_slice(bytes);
        red(&console(2), &forged, 2)
    };
    let says = |reasons: Vec<String>, text: &str| {
        assert!(reasons.iter().any(|reason| reason.contains(text)), "{text}: {reasons:#?}");
    };
    // A kind of fact, a value of a field, a word that no field has.
    let record = 5 * RECORD;
    says(with(record + 6, &[Kind::ALL.len() as u8, 0]), "no fact has kind");
    let marked = Script::good(2).find(None, |fact| fact.event.kind() == Kind::Marker) * RECORD;
    says(with(marked + 16, &[99]), "a field of this Marker is out of range");
    says(with(marked + 24, &[1]), "a field of this Marker is out of range");
    // A CPU that the machine does not have.
    let reasons = with(record + 4, &[7, 0]);
    assert!(
        reasons.contains(&"integrity: facts come from cpu7, but the machine has 2 CPUs".to_owned()),
        "{reasons:?}"
    );
    // Bytes that are no fact.
    for extra in [1, RECORD - 1] {
        let mut longer = good.clone();
        longer.extend(vec![0; extra]);
        let text = format!("integrity: the last {extra} bytes are not a whole fact of 40");
        assert_eq!(red(&console(2), &longer, 2), [text]);
    }
    // A trap for a cause that the kernel does not know, a call that does not exist, a state of firmware's own.
    super::forged::changed("entries", Some(Marker::SmpOnline), super::forged::is(Kind::TrapUser), |event| {
        match event {
            Event::TrapUser { task, .. } => Event::TrapUser { task, cause: 1 << 63 | 9 },
            other => other,
        }
    });
    super::forged::changed(
        "calls",
        Some(Marker::Trap),
        super::forged::is(Kind::Syscall),
        |event| match event {
            Event::Syscall { task, .. } => Event::Syscall { task, number: 99 },
            other => other,
        },
    );
    let after = Some(Marker::RejectInvalidTarget);
    super::forged::changed("reject offline target", after, super::forged::is(Kind::HartState), |event| {
        match event {
            Event::HartState { cpu, hart: Hart(hart), .. } => {
                Event::HartState { cpu, hart: Hart(hart), state: 7 }
            }
            other => other,
        }
    });
    // A line that looks like a marker.
    assert!(!red(&(console(2) + "KSELFTEST: another test ok\r\n"), &good, 2).is_empty());
}

/// Every reason names whom it is about: a CPU, a task, a request, a marker, a record or a number of them.
#[test]
fn reasons_say_who_and_what() {
    let run = Script::good(3);
    for at in (0..run.facts.len()).step_by(7) {
        let mut forged = run.clone();
        forged.facts.remove(at);
        let reasons = forged.verdict(3).reasons;
        for reason in reasons.into_iter().filter(|reason| !reason.ends_with(" more of this claim")) {
            let who = [
                "cpu",
                "task ",
                "request ",
                "KSELFTEST",
                "KINIT",
                "marker",
                "harts",
                "CPU",
                "no ",
                "facts ",
                "target ",
            ];
            assert!(who.iter().any(|who| reason.contains(who)), "{reason}");
            let words = reason.split(' ').count();
            assert!(words >= 5 && reason.len() < 400, "{reason}");
        }
    }
}
