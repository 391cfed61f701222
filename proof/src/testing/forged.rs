//! Good runs are green, and every forged one is red by the claim that is about what was forged.

use super::*;
use antler_facts::{Hart, Kind, WakeCause};

#[test]
fn good_runs_are_green() {
    for cpus in [1, 2, 3, 5] {
        let verdict = Script::good(cpus).verdict(cpus);
        assert!(verdict.green, "smp={cpus}: {:#?}", verdict.reasons);
        assert!(verdict.line().starts_with("PROOF GREEN"), "{}", verdict.line());
        assert!(verdict.to_json().contains("\"green\": true"));
    }
}

/// Forges the good run on three CPUs and expects that claim among the red ones.
pub(super) fn forged(claim: &str, forge: impl FnOnce(&mut Script)) {
    let mut run = Script::good(3);
    forge(&mut run);
    let red = run.red(3);
    assert!(red.contains(&claim), "{claim} stayed green; red: {red:?}");
    assert!(!run.verdict(3).green);
}

/// The good run without the first fact after the marker that satisfies `pick`.
pub(super) fn without(claim: &str, after: Option<Marker>, pick: impl Fn(&Fact) -> bool) {
    forged(claim, |run| {
        let at = run.find(after, pick);
        run.facts.remove(at);
    });
}

/// The good run with that fact's event changed.
pub(super) fn changed(
    claim: &str,
    after: Option<Marker>,
    pick: impl Fn(&Fact) -> bool,
    to: impl Fn(Event) -> Event,
) {
    forged(claim, |run| {
        let at = run.find(after, pick);
        run.facts[at].event = to(run.facts[at].event);
    });
}

/// The good run with that fact stated twice.
pub(super) fn doubled(claim: &str, after: Option<Marker>, pick: impl Fn(&Fact) -> bool) {
    forged(claim, |run| {
        let at = run.find(after, pick);
        run.facts.insert(at, run.facts[at]);
    });
}

pub(super) fn is(kind: Kind) -> impl Fn(&Fact) -> bool {
    move |fact| fact.event.kind() == kind
}

#[test]
fn holes_damage_and_drops() {
    use antler_facts::RECORD;
    let run = Script::good(2);
    let whole = run.bytes();
    let red = |bytes: &[u8]| {
        let verdict = judge(console(2).as_bytes(), bytes, &Case::new(2));
        verdict.claims.iter().any(|claim| claim.name == "integrity" && claim.state == State::Red)
    };
    assert!(!red(&whole));
    assert!(red(&[]), "no facts at all");
    assert!(red(&whole[..whole.len() - 1]), "cut short");
    for record in [3, 40, 200] {
        let mut hole = whole.clone();
        hole.drain(record * RECORD..(record + 1) * RECORD);
        assert!(red(&hole), "without record {record}");
        let mut twice = whole.clone();
        let copy = whole[record * RECORD..(record + 1) * RECORD].to_vec();
        twice.splice(record * RECORD..record * RECORD, copy);
        assert!(red(&twice), "with record {record} twice");
        let mut damaged = whole.clone();
        damaged[record * RECORD + 6] = 0xff;
        assert!(red(&damaged), "with record {record} damaged");
    }
    forged("integrity", |run| run.say(1, Event::Dropped { count: 3 }));
    forged("integrity", |run| {
        let at = run.find(None, is(Kind::Timer));
        run.facts[at].time = 1;
    });
}

#[test]
fn another_machine_than_asked_for() {
    without("platform", None, is(Kind::Present));
    without("platform", None, is(Kind::Transport));
    changed("platform", None, is(Kind::Transport), |_| Event::Transport { version: 1 });
    changed("platform", None, is(Kind::BootHart), |_| Event::BootHart { hart: Hart(2) });
    doubled("platform", None, is(Kind::BootHart));
    let mut case = Case::new(2);
    case.boot_hart = Some(1);
    let verdict = judge(console(2).as_bytes(), &Script::good(2).bytes(), &case);
    assert!(verdict.claims.iter().any(|claim| claim.name == "platform" && claim.state == State::Red));
}

#[test]
fn ends_that_are_not_the_kernels() {
    without("end", None, is(Kind::End));
    changed("end", None, is(Kind::End), |_| Event::End { code: 32 });
}

#[test]
fn tasks_lost_or_twice() {
    for kind in
        [Kind::Spawned, Kind::Enqueue, Kind::Dispatch, Kind::Leave, Kind::Wake, Kind::Exit, Kind::Stolen]
    {
        without("ownership", Some(Marker::UserMode), is(kind));
        doubled("ownership", Some(Marker::UserMode), is(kind));
    }
    // The task goes on running where it was stolen from.
    changed("ownership", Some(Marker::WorkStealing), is(Kind::Stolen), |event| match event {
        Event::Stolen { task, .. } => Event::Stolen { task, victim: Cpu(2) },
        other => other,
    });
    // Another CPU runs a task that runs already.
    forged("ownership", |run| {
        let at = run.find(Some(Marker::SmpOnline), |f| is(Kind::Dispatch)(f) && f.cpu == Cpu(1));
        let mut twin = run.facts[at];
        twin.cpu = Cpu(2);
        run.facts.insert(at + 1, twin);
    });
}

#[test]
fn traps_of_somebody_else() {
    changed("traps", Some(Marker::SmpOnline), is(Kind::TrapUser), |_| Event::TrapUser {
        cause: 8,
        task: Task(77),
    });
}

#[test]
fn self_tests_that_test_nothing() {
    for (claim, begin, end) in
        [("returns", Marker::Boot, Marker::Trap), ("user mode", Marker::Trap, Marker::UserMode)]
    {
        forged(claim, |run| {
            let from = run.find(None, |f| f.event == Event::Marker { marker: begin });
            let to = run.find(None, |f| f.event == Event::Marker { marker: end });
            let keep = |index: usize, fact: &Fact| !(from..to).contains(&index) || !is(Kind::Syscall)(fact);
            run.facts = run.facts.iter().enumerate().filter(|(i, f)| keep(*i, f)).map(|(_, f)| *f).collect();
        });
    }
}

#[test]
fn timers_that_are_early_or_never() {
    changed("timer", None, is(Kind::Timer), |_| Event::Timer { deadline: u64::MAX });
    without("timer", Some(Marker::UserMode), is(Kind::Timer));
    without("timer", Some(Marker::UserMode), is(Kind::Deadline));
    changed("timer", Some(Marker::UserMode), is(Kind::Wake), |event| match event {
        Event::Wake { task, target, .. } => Event::Wake { task, target, cause: WakeCause::Signal },
        other => other,
    });
}

#[test]
fn wild_programs_that_live() {
    for _ in 0..4 {
        without("isolation", None, is(Kind::Fault));
    }
    without("isolation", Some(Marker::Timer), is(Kind::Refused));
    without("isolation", None, is(Kind::Exit));
}

#[test]
fn address_spaces_not_switched() {
    let last = |satp: u64| {
        move |event| match event {
            Event::Dispatch { task, class, .. } => Event::Dispatch { task, class, satp },
            other => other,
        }
    };
    changed("address spaces", Some(Marker::UserMode), is(Kind::Dispatch), last(0));
    changed("address spaces", Some(Marker::UserMode), is(Kind::Dispatch), last(8 << 60 | 1));
    changed("address spaces", Some(Marker::SmpOnline), is(Kind::Dispatch), last(8 << 60 | 1));
}

#[test]
fn lines_and_facts_must_match() {
    let run = Script::good(2);
    let silent = console(2).replace("KSELFTEST: timer ok\r\n", "");
    assert!(!judge(silent.as_bytes(), &run.bytes(), &Case::new(2)).green, "a fact without its line");
    let mut unsupported = run.clone();
    let at = unsupported.find(None, |f| f.event == Event::Marker { marker: Marker::Timer });
    unsupported.facts.remove(at);
    assert!(!unsupported.verdict(2).green, "a line without its fact");
    let mut case = Case::new(2);
    case.end = crate::GuestEnd::TimedOut;
    assert!(!judge(console(2).as_bytes(), &run.bytes(), &case).green, "a time-out is a failure");
}

#[test]
fn smp_not_judged_is_said_and_gates_on_the_base_only() {
    let mut case = Case::new(2);
    case.smp_judged = false;
    let verdict = judge(console(2).as_bytes(), &Script::good(2).bytes(), &case);
    assert!(verdict.green, "{:?}", verdict.reasons);
    assert!(verdict.line().contains("SMP was not judged"), "{}", verdict.line());
    assert!(verdict.claims.iter().any(|claim| claim.state == State::NotJudged));
}

#[test]
fn no_bytes_make_the_judge_panic() {
    use antler_facts::RECORD;
    let good = Script::good(3).bytes();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..150 {
        let mut bytes = good.clone();
        for _ in 0..1 + random() % 8 {
            // Within a field: a small number, a huge one, or any.
            let record = random() as usize % (bytes.len() / RECORD) * RECORD;
            let field = record + 8 * (1 + random() as usize % 4);
            let word = [random() % 5, u64::MAX - random() % 3, random()][random() as usize % 3];
            bytes[field..field + 8].copy_from_slice(&word.to_le_bytes());
        }
        let cpu = random() as usize % (bytes.len() / RECORD) * RECORD + 4;
        bytes[cpu] = random() as u8 % 8;
        // Some fields carry no claim (an exit value, a fault's address), so any colour will do; an answer there must be.
        assert_eq!(judge(console(3).as_bytes(), &bytes, &Case::new(3)).smp, 3);
    }
}
