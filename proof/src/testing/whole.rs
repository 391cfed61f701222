//! The verdict as people and scripts read it: words, numbers, and what outweighs what.

use super::small::{NOTHING, SEEN, Said, marker, reasons, says, trace, words};
use super::*;
use crate::trace::Window;
use crate::verdict::MarkerResult;
use crate::{Doorbells, GuestEnd};

#[test]
fn a_claim_gives_a_dozen_reasons_and_counts_the_rest() {
    let dropped = |count: u64| {
        let said: Vec<Said> = (0..count).map(|at| (0, at * 10, Event::Dropped { count: at + 1 })).collect();
        reasons("integrity", 1, &said)
    };
    assert_eq!(dropped(11).len(), 11);
    assert_eq!(dropped(12).len(), 12);
    assert_eq!(dropped(12)[11], "cpu0: 12 facts were dropped for want of room");
    let many = dropped(20);
    assert_eq!((many.len(), many[12].as_str()), (13, "and 8 more of this claim"));
}

#[test]
fn every_claim_says_what_it_found_in_numbers() {
    let verdict = Script::good(3).verdict(3);
    let found: Vec<(&str, &str)> =
        verdict.claims.iter().map(|claim| (claim.name, claim.found.as_str())).collect();
    let facts = Script::good(3).facts.len();
    let traps = Script::good(3).facts.iter().filter(|f| matches!(f.event, Event::TrapUser { .. })).count();
    let calls = Script::good(3).facts.iter().filter(|f| matches!(f.event, Event::Syscall { .. })).count();
    let asked = Script::good(3).facts.iter().filter(|f| matches!(f.event, Event::Request { .. })).count();
    let rung = Script::good(3).facts.iter().filter(|f| matches!(f.event, Event::Ring { .. })).count();
    let made = Script::good(3).facts.iter().filter(|f| matches!(f.event, Event::Spawned { .. })).count();
    let runs = Script::good(3).facts.iter().filter(|f| matches!(f.event, Event::Dispatch { .. })).count();
    let end = Script::good(3).now;
    assert_eq!(
        found,
        [
            ("integrity", &format!("{facts} facts of 3 CPUs")[..]),
            ("platform", "3 harts, hart 0 booted"),
            ("end", &format!("ended at {end} ns with 0")),
            ("stop", "cpu0 stopped 2 others and ended the machine"),
            ("ownership", &format!("{made} tasks made and ended")),
            ("traps", &format!("{traps} traps, {calls} system calls")),
            ("returns", "tasks went on behind 32 calls and 5 ends of slices"),
            (
                "user mode",
                "15 kinds of calls answered, 11 different calls refused, 2 threads begun and ended"
            ),
            ("entries", &format!("{traps} entries from U-mode, 4 of them faults")),
            ("calls", &format!("{calls} calls, 74 of them refused")),
            ("timer", "9 timers fired and ended 3 waits, none early"),
            (
                "isolation",
                "4 programs ended for faults, 30 bad pointers and 28 calls without the right refused"
            ),
            ("qos", &format!("{runs} choices, 6 of them with lower work waiting")),
            ("migration", "2 moves: 1 by steals, 1 by wakes, 0 by CPUs that left, 0 by ceilings"),
            ("address spaces", &format!("{made} tasks in 5 address spaces")),
            ("trap stacks", "3 trap stacks, 3 answers from them"),
            ("online", "3 CPUs online, each by itself"),
            ("ipi chain", &format!("{asked} requests, {rung} doorbells")),
            ("counterfactual", "cpu1 made 100 system calls without the doorbell, then answered cpu0"),
            ("resched", "6 ordered pairs"),
            ("reject invalid target", "refused 1 times from U-mode, 1 in the kernel"),
            ("reject offline target", "1 CPUs stopped, refused, and brought back"),
            (
                "stealing",
                "12 tasks put on cpu0, 2 of them begun elsewhere, 3 CPUs at once; 1 stolen in mid-work"
            ),
            ("steals", "6 steals moved 9 tasks"),
            ("steal bound", "idle cpu1 took 4 of the 9 tasks that cpu0 held"),
            ("class ceiling", "cpu1 (ceiling normal) took normal work from cpu0 and left higher work there"),
        ]
    );
    assert_eq!(verdict.facts, facts);
    let line =
        format!("PROOF GREEN: smp=3 (SMP judged); 16 of 16 markers, 26 claims green, 0 red; {facts} facts");
    assert_eq!(verdict.line(), line);
}

#[test]
fn the_line_counts_what_is_red_and_what_was_not_judged() {
    let mut run = Script::good(1);
    let at = run.find(None, |f| matches!(f.event, Event::End { .. }));
    run.facts[at].event = Event::End { code: 32 };
    let line = run.verdict(1).line();
    assert!(
        line.starts_with("PROOF RED: smp=1 (one CPU); 5 of 6 markers, 16 claims green, 1 red; "),
        "{line}"
    );
    let mut case = Case::new(2);
    case.smp_judged = false;
    let console = console(2).replace("KSELFTEST: work stealing ok\r\n", "");
    let line = judge(console.as_bytes(), &Script::good(2).bytes(), &case).line();
    assert!(line.contains("smp=2 (SMP was not judged); "), "{line}");
}

#[test]
fn a_claim_without_its_marker_is_red() {
    let claims = [
        (Marker::Timer, "timer"),
        (Marker::Isolation, "isolation"),
        (Marker::Trap, "returns"),
        (Marker::UserMode, "user mode"),
        (Marker::SmpOnline, "online"),
        (Marker::IpiCounterfactual, "counterfactual"),
        (Marker::IpiResched, "resched"),
        (Marker::RejectInvalidTarget, "reject invalid target"),
        (Marker::RejectOffline, "reject offline target"),
        (Marker::WorkStealing, "stealing"),
        (Marker::RejectStealAboveBound, "steal bound"),
        (Marker::RejectStealHigherQos, "class ceiling"),
    ];
    for (which, claim) in claims {
        let mut run = Script::good(3);
        run.facts.retain(|fact| fact.event != marker(which));
        let reason = format!("no fact states the {which:?} self-test, so there is nothing to look at");
        let claims = run.verdict(3).claims;
        let red = claims.iter().find(|c| c.name == claim).expect("the claim");
        assert_eq!((red.state, &red.reasons), (State::Red, &vec![reason.clone()]), "{claim}");
        // It is red for nothing else, and so are no others but those that look at the same.
        let absent = claims.iter().filter(|claim| claim.by_absence);
        assert!(absent.clone().any(|other| other.name == claim), "{claim}");
        assert!(absent.into_iter().all(|other| other.reasons == [reason.clone()]), "{claim}");
    }
}

#[test]
fn a_claim_that_is_red_for_more_is_not_red_by_absence() {
    let of = |run: &Script| run.verdict(2).claims.into_iter().find(|c| c.name == "timer").expect("the claim");
    let mut run = Script::good(2);
    assert!(!of(&run).by_absence, "green");
    run.facts.retain(|fact| fact.event != marker(Marker::Timer));
    assert!(of(&run).by_absence);
    let at = run.find(None, |fact| matches!(fact.event, Event::Timer { .. }));
    run.facts[at].event = Event::Timer { deadline: u64::MAX };
    assert!(!of(&run).by_absence, "early as well");
    let mut early = Script::good(2);
    early.facts[at].event = Event::Timer { deadline: u64::MAX };
    assert!(of(&early).state == State::Red && !of(&early).by_absence);
    assert!(early.verdict(2).claims.iter().all(|claim| !claim.by_absence));
}

/// The result for one line of a run on two CPUs, whose console and facts the caller may change.
fn result(text: &str, console: &str, run: &Script, case: &Case) -> MarkerResult {
    let verdict = judge(console.as_bytes(), &run.bytes(), case);
    verdict.markers.into_iter().find(|marker| marker.line == text).expect("an expected line")
}

#[test]
fn a_marker_needs_line_fact_and_claims() {
    let line = "KSELFTEST: timer ok";
    let case = Case::new(2);
    let good = Script::good(2);
    let of = |console: &str, run: &Script| {
        let MarkerResult { state, reasons, .. } = result(line, console, run, &case);
        assert_eq!(state == State::Green, reasons.is_empty());
        reasons
    };
    let full = console(2);
    assert_eq!(of(&full, &good), NOTHING);
    let silent = full.replace("KSELFTEST: timer ok\r\n", "");
    assert_eq!(
        of(&silent, &good),
        ["the line is missing", "a fact states it, but the line is not on the console"]
    );
    let mut unstated = good.clone();
    unstated.facts.retain(|fact| fact.event != marker(Marker::Timer));
    let unsupported = "printed, but not supported: timer is red";
    assert_eq!(of(&full, &unstated), ["the line was printed, but no fact states it", unsupported]);
    assert_eq!(
        of(&silent, &unstated),
        ["the line is missing"],
        "a claim is no reason against a missing line"
    );
    let mut twice = good.clone();
    let at = twice.find(None, |fact| fact.event == marker(Marker::Timer));
    twice.facts.insert(at, twice.facts[at]);
    assert_eq!(of(&full, &twice), ["2 facts state it"]);
    assert!(!twice.verdict(2).green);
}

#[test]
fn a_line_twice_or_out_of_its_place_is_told_of_that_line() {
    let (case, run) = (Case::new(2), Script::good(2));
    let (timer, isolation) = ("KSELFTEST: timer ok\r\n", "KSELFTEST: isolation ok\r\n");
    let of = |console: &str, line: &str| result(line.trim_end(), console, &run, &case).reasons;
    let full = console(2);
    let text = ["the line was printed more than once, or out of its place"];
    let twice = full.replace(timer, &[timer, timer].concat());
    let late = full.replace(&[timer, isolation].concat(), &[isolation, timer].concat());
    for console in [&twice, &late] {
        assert_eq!(of(console, timer), text);
        assert_eq!(of(console, isolation), NOTHING);
        let marker = result(timer.trim_end(), console, &run, &case);
        assert!(marker.lacks_its_own && marker.state == State::Red);
    }
}

#[test]
fn marker_facts_come_in_the_order_of_the_contract() {
    let mut run = Script::good(2);
    let first = run.find(None, |fact| fact.event == marker(Marker::Timer));
    let second = run.find(None, |fact| fact.event == marker(Marker::Isolation));
    (run.facts[first].event, run.facts[second].event) = (run.facts[second].event, run.facts[first].event);
    let last = result("KSELFTEST: done", &console(2), &run, &Case::new(2));
    assert_eq!(last.state, State::Red);
    assert!(last.reasons[0].starts_with("marker facts came as [Boot, Trap, UserMode, Isolation, Timer, "));
    assert!(last.reasons[0].ends_with(", not in the order of the contract"));
}

#[test]
fn lines_that_are_not_judged_are_neither_green_nor_red() {
    let mut case = Case::new(2);
    case.smp_judged = false;
    let line = "KSELFTEST: work stealing ok";
    assert_eq!(result(line, &console(2), &Script::good(2), &case).state, State::NotJudged);
    assert_eq!(result("KSELFTEST: timer ok", &console(2), &Script::good(2), &case).state, State::Green);
}

#[test]
fn the_boot_log_names_the_machines_doorbells() {
    let told = |doorbells: Doorbells, named: &str| {
        let line = format!("KINIT: console: UART; doorbells: {named}; timers: Sstc\r\n");
        let case = Case { doorbells, ..Case::new(2) };
        judge(format!("{line}{}", console(2)).as_bytes(), &Script::good(2).bytes(), &case).reasons
    };
    assert_eq!(told(Doorbells::Sswi, "SSWI"), NOTHING);
    assert_eq!(told(Doorbells::Firmware, "SBI IPI"), NOTHING);
    let other = "the boot log names the doorbells SSWI, the machine's are SBI IPI";
    assert_eq!(told(Doorbells::Firmware, "SSWI"), [other]);
    // The synthetic run's own traps are software interrupts.
    let imsic = told(Doorbells::Imsic, "IMSIC");
    assert!(imsic.iter().any(|reason| reason.contains("whose doorbells are IMSIC")));
    assert!(!imsic.iter().any(|reason| reason.contains("the boot log")));
}

#[test]
fn the_end_of_the_guest_is_told_with_what_it_still_owed() {
    let told = |end: GuestEnd, console: &str| {
        let case = Case { end, ..Case::new(2) };
        let reasons = judge(console.as_bytes(), &Script::good(2).bytes(), &case).reasons;
        reasons.into_iter().next().unwrap_or_default()
    };
    let all = console(2);
    assert_eq!(told(GuestEnd::Code(0), &all), "");
    let unknown = "the guest ended with code 77 (no code of the kernel's); all markers were there";
    assert_eq!(told(GuestEnd::Code(77), &all), unknown);
    let cut = all.replace("KSELFTEST: done\r\n", "");
    let owed = "it never printed \"KSELFTEST: done\"";
    assert_eq!(told(GuestEnd::TimedOut, &cut), format!("the run was ended because its time was up; {owed}"));
    assert_eq!(told(GuestEnd::Stopped, &cut), format!("the guest did not end by itself; {owed}"));
    let panic = format!("the guest ended with code 35 (Panic); {owed}");
    assert_eq!(told(GuestEnd::Code(35), &cut), panic);
    let silent = "the guest printed nothing at all: firmware did not start, or its console is elsewhere";
    assert_eq!(told(GuestEnd::TimedOut, ""), silent);
}

#[test]
fn the_trace_keeps_order_time_and_spans() {
    let at = |time: u64| (0, time, Event::IdleBegin {});
    let run = trace(&[at(10), at(10), at(20), at(30), (2, 5, Event::IdleBegin {})]);
    assert_eq!(words(run.flaws()), NOTHING, "equal times are in order");
    assert_eq!((run.len(), run.is_empty(), trace(&[]).is_empty()), (5, false, true));
    assert_eq!(run.cpus().collect::<Vec<_>>(), [Cpu(0), Cpu(2)]);
    let within = |from, to| run.within(Cpu(0), Window { from, to }).len();
    assert_eq!(
        [within(10, 20), within(11, 19), within(20, 30), within(0, 9), within(31, 40)],
        [3, 0, 2, 0, 0]
    );
    assert_eq!(run.all_within(Window { from: 5, to: 10 }).count(), 3);
    assert_eq!(run.earliest(Cpu(0), 0), 0);
    assert_eq!(run.earliest(Cpu(0), 2), 10);
    let hart = antler_facts::Hart(0);
    let (off, on) = (Event::Offline { hart }, Event::Online { hart, stack: 0, block: 0 });
    let plugged = trace(&[(0, 5, on), (0, 10, off), (0, 20, on), (0, 30, off)]);
    let spans = [Window { from: 10, to: 20 }, Window { from: 30, to: u64::MAX }];
    assert_eq!(plugged.offline(Cpu(0)), spans);
    // A self-test's window begins with the one before it, or with the run.
    let marked = trace(&[(0, 10, marker(Marker::Boot)), (0, 30, marker(Marker::Trap))]);
    assert_eq!(marked.window(Marker::Boot), Some(Window { from: 0, to: 10 }));
    assert_eq!(marked.window(Marker::Trap), Some(Window { from: 10, to: 30 }));
    assert_eq!((marked.window(Marker::Done), marked.marker_time(Marker::Trap)), (None, Some(30)));
}

#[test]
fn a_fact_is_found_at_its_place_also_behind_a_hole() {
    let fact = |seq: u32, time: u64| Fact { seq, cpu: Cpu(0), time, event: Event::IdleBegin {} };
    let facts = [fact(0, 1), fact(1, 2), fact(2, 3)];
    let whole = crate::trace::Trace::from_facts(facts);
    assert_eq!(facts.map(|fact| whole.index(&fact)), [Some(0), Some(1), Some(2)]);
    let hole = crate::trace::Trace::from_facts([facts[0], facts[2], fact(1, 9)]);
    assert_eq!([facts[0], facts[2]].map(|fact| hole.index(&fact)), [Some(0), Some(1)]);
    assert_eq!((hole.index(&fact(1, 9)), hole.index(&facts[1])), (Some(2), None));
}

#[test]
fn a_cpu_is_away_until_it_surely_is_back() {
    let hart = antler_facts::Hart(1);
    let (off, on) = (Event::Offline { hart }, Event::Online { hart, stack: 0, block: 0 });
    let said = [
        (1, 5, on),
        (1, 10, Event::IdleBegin {}),
        (1, 20, Event::IdleEnd { why: IdleEnd::Offline }),
        (1, 30, off),
        (1, 40, on),
        (1, 50, Event::IdleBegin {}),
        (1, 60, Event::IdleEnd { why: IdleEnd::Offline }),
        (1, 70, off),
        (1, 80, SEEN),
        (1, 90, on),
        (1, 95, Event::IdleBegin {}),
    ];
    let away = |facts: usize| trace(&said[..facts]).away(Cpu(1));
    let first = Window { from: 10, to: 50 };
    assert_eq!(away(11), [first, Window { from: 50, to: 95 }]);
    assert_eq!(away(10), [first, Window { from: 50, to: u64::MAX }]);
    assert_eq!(away(8), [first, Window { from: 50, to: u64::MAX }]);
    assert_eq!(away(6), [first]);
    assert_eq!(away(5), [Window { from: 10, to: u64::MAX }]);
    assert_eq!(away(3), []);
}

#[test]
fn holes_and_repetitions_are_named() {
    let fact = |seq: u32, time: u64| Fact { seq, cpu: Cpu(0), time, event: Event::IdleBegin {} };
    let flaws = |facts: &[Fact]| words(crate::trace::Trace::from_facts(facts.to_vec()).flaws());
    assert_eq!(flaws(&[fact(0, 1), fact(3, 2)]), ["cpu0: facts 1 to 2 are missing"]);
    assert_eq!(
        flaws(&[fact(0, 1), fact(1, 2), fact(1, 2), fact(2, 3)]),
        ["cpu0: fact 1 came again or late, after 1"]
    );
    assert_eq!(flaws(&[fact(0, 9), fact(1, 8)]), ["cpu0: at fact 1 time goes back from 9 to 8 ns"]);
    let mut bytes = Script::good(1).bytes();
    bytes[antler_facts::RECORD + 6] = 0xff;
    bytes.truncate(bytes.len() - 1);
    let flaws = words(crate::trace::Trace::decode(&bytes).flaws());
    assert!(flaws[0].starts_with("record 1 (byte 40) is damaged: "), "{flaws:?}");
    assert_eq!(flaws[1], "the last 39 bytes are not a whole fact of 40");
}

#[test]
fn facts_of_a_cpu_that_the_machine_lacks() {
    let said = [(0, 1, Event::IdleBegin {}), (1, 1, Event::IdleBegin {})];
    says("integrity", 2, &said, &[]);
    says("integrity", 1, &said, &["facts come from cpu1, but the machine has 1 CPUs"]);
    let none = "there are no facts: the kernel found no modern virtio console, or never got that far";
    says("integrity", 1, &[], &[none]);
}
