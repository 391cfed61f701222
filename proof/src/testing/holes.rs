//! Recorded runs in which something was never tested, or went wrong without a trace of its own: each must be red.
//! What is taken out or put in fits the rest, fact by fact; sequence numbers are made to fit again.

use super::recorded::{Recorded, recorded};
use super::*;

/// What the judge says of the run with other facts.
fn judged(run: &Recorded, mut facts: Vec<Fact>) -> Verdict {
    let mut next: BTreeMap<Cpu, u32> = BTreeMap::new();
    facts.sort_by_key(|fact| fact.cpu);
    for fact in &mut facts {
        let seq = next.entry(fact.cpu).or_default();
        fact.seq = *seq;
        *seq += 1;
    }
    let bytes: Vec<u8> = facts.iter().flat_map(Fact::encode).collect();
    judge(&run.console, &bytes, &run.case)
}

pub(super) fn green(run: &Recorded, facts: Vec<Fact>) -> bool {
    judged(run, facts).green
}

/// The claims that are red of the run with other facts.
pub(super) fn red(run: &Recorded, facts: Vec<Fact>) -> Vec<&'static str> {
    let verdict = judged(run, facts);
    assert!(!verdict.green);
    verdict.claims.into_iter().filter(|claim| claim.state == State::Red).map(|claim| claim.name).collect()
}

/// One CPU's facts.
pub(super) fn of(run: &Recorded, cpu: u16) -> Vec<Fact> {
    run.facts.iter().filter(|fact| fact.cpu == Cpu(cpu)).copied().collect()
}

/// Place of the first such fact from there on.
fn first(facts: &[Fact], from: usize, pick: impl Fn(&Event) -> bool) -> usize {
    from + facts[from..].iter().position(|fact| pick(&fact.event)).expect("such a fact")
}

/// Place of the last such fact before there.
fn last(facts: &[Fact], before: usize, pick: impl Fn(&Event) -> bool) -> usize {
    facts[..before].iter().rposition(|fact| pick(&fact.event)).expect("such a fact")
}

fn marked(facts: &[Fact], marker: Marker) -> usize {
    first(facts, 0, |event| *event == Event::Marker { marker })
}

fn enters(task: Task) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::TrapUser { task: t, .. } if *t == task)
}

pub(super) fn calls(call: Syscall) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Syscall { number, .. } if *number == call.number() as u64)
}

/// The task that has the marker stated.
fn tester(facts: &[Fact], marker: Marker) -> Task {
    let at = marked(facts, marker);
    let Event::Syscall { task, .. } = facts[at - 1].event else { panic!("a probe") };
    task
}

/// Neither a call nor a yield, neither an ended slice nor a refusal: only what states the markers is left.
#[test]
fn self_tests_of_traps_and_user_mode_that_test_nothing() {
    let run = recorded(1);
    let facts = of(&run, 0);
    let (trap, user) = (marked(&facts, Marker::Trap), marked(&facts, Marker::UserMode));
    let (one, two) = (tester(&facts, Marker::Trap), tester(&facts, Marker::UserMode));
    // From its first entry to the one in which it makes the thread under whose run the wild programs end.
    let thread = last(&facts, trap, |event| matches!(event, Event::Spawned { parent, .. } if *parent == one));
    let tested = first(&facts, 0, enters(one))..last(&facts, thread, enters(one));
    assert!(tested.len() > 100 && facts[tested.clone()].iter().all(|fact| !is_fault(fact)));
    // From its first entry behind the marker to the one that states the next.
    let called = first(&facts, trap, enters(two))..user - 2;
    assert!(called.len() > 200);
    let without = |ranges: &[&std::ops::Range<usize>]| -> Vec<Fact> {
        let gone = |at: &usize| ranges.iter().any(|range| range.contains(at));
        (0..facts.len()).filter(|at| !gone(at)).map(|at| facts[at]).collect()
    };
    assert_eq!(red(&run, without(&[&tested])), ["returns"]);
    assert_eq!(red(&run, without(&[&called])), ["user mode"]);
    assert_eq!(red(&run, without(&[&tested, &called])), ["returns", "user mode"]);
}

fn is_fault(fact: &Fact) -> bool {
    matches!(fact.event, Event::Fault { .. })
}

fn is_about(fact: &Fact, one: Task) -> bool {
    match fact.event {
        Event::TrapUser { task, .. }
        | Event::Syscall { task, .. }
        | Event::Spawned { task, .. }
        | Event::Enqueue { task, .. }
        | Event::Dispatch { task, .. }
        | Event::Leave { task, .. }
        | Event::Wake { task, .. }
        | Event::Exit { task, .. }
        | Event::Fault { task, .. }
        | Event::Stolen { task, .. }
        | Event::Deadline { task, .. }
        | Event::Evicted { task, .. }
        | Event::Rehome { task, .. } => task == one,
        _ => false,
    }
}

#[test]
fn a_wild_program_that_never_was() {
    for cpus in [1, 2, 4] {
        let run = recorded(cpus);
        for fault in run.facts.iter().filter(|fact| is_fault(fact)) {
            let Event::Fault { task: wild, .. } = fault.event else { panic!("a fault") };
            let taken = |pair: &[Fact]| matches!(pair[1].event, Event::Stolen { task, .. } if task == wild);
            let mut facts = Vec::new();
            for cpu in 0..cpus {
                let theirs = of(&run, cpu);
                for (at, fact) in theirs.iter().enumerate() {
                    let alone = matches!(fact.event, Event::Steal { count: 1, .. });
                    let stolen = alone && theirs.get(at..at + 2).is_some_and(taken);
                    if !is_about(fact, wild) && !stolen {
                        facts.push(*fact);
                    }
                }
            }
            assert!(red(&run, facts).contains(&"isolation"), "smp={cpus}: {fault:?}");
        }
    }
}

#[test]
fn one_bad_pointer_for_all() {
    let bad = |event: &Event| matches!(event, Event::Refused { error: Error::BadAddress, .. });
    for cpus in [1, 2, 4] {
        let run = recorded(cpus);
        let one = run.facts.iter().position(|fact| bad(&fact.event)).expect("a bad pointer");
        let kept = |at: usize, fact: &Fact| at == one || !bad(&fact.event);
        let facts = run.facts.iter().enumerate().filter(|(at, fact)| kept(*at, fact)).map(|(_, fact)| *fact);
        assert_eq!(red(&run, facts.collect()), ["isolation"], "smp={cpus}: refused once");
        let mut facts = run.facts.clone();
        for fact in &mut facts {
            if let Event::Refused { error: Error::BadAddress, argument, .. } = &mut fact.event {
                *argument = 0;
            }
        }
        assert_eq!(red(&run, facts), ["isolation"], "smp={cpus}: the same again and again");
    }
}

#[test]
fn timers_that_lie() {
    for cpus in [1, 2, 4] {
        let run = recorded(cpus);
        let lie = |lie: fn(u64, u64) -> u64| {
            let mut facts = run.facts.clone();
            for (number, fact) in (0..).zip(&mut facts) {
                let time = fact.time;
                if let Event::Timer { deadline } = &mut fact.event {
                    *deadline = lie(number, time);
                }
            }
            red(&run, facts)
        };
        assert_eq!(lie(|number, _| number), ["timer"], "smp={cpus}: long ago");
        assert_eq!(lie(|_, time| time), ["timer"], "smp={cpus}: when they fired");
    }
}

/// What was asked for is forgotten: everybody sleeps until the next timer, whatever it is for.
#[test]
fn sleepers_that_do_not_sleep_as_told() {
    for cpus in [1, 2, 4] {
        let run = recorded(cpus);
        let mut facts = run.facts.clone();
        for fact in &mut facts {
            if let Event::Deadline { at, .. } = &mut fact.event {
                *at += 1_000_000;
            }
        }
        assert_eq!(red(&run, facts), ["timer"], "smp={cpus}");
    }
}

/// The doorbell is rung and nothing happens: the target makes thousands of calls more, until its timer finds the request.
#[test]
fn a_doorbell_that_does_nothing() {
    const MORE: u64 = 5_000;
    const STEP: u64 = 2_000_000;
    let run = recorded(2);
    let sender = of(&run, 0);
    let after = marked(&sender, Marker::SmpOnline);
    let withheld = first(&sender, after, |event| matches!(event, Event::Withheld { .. }));
    let Event::Withheld { target, n } = sender[withheld].event else { panic!("withheld") };
    let rung = sender[first(&sender, withheld, |event| *event == Event::Ring { target, n })];
    let theirs = of(&run, target.0);
    let behind = theirs.partition_point(|fact| fact.time < rung.time);
    let trap = first(&theirs, behind, |event| matches!(event, Event::TrapUser { .. }));
    let Event::TrapUser { cause: SOFTWARE_INTERRUPT, task } = theirs[trap].event else {
        panic!("a doorbell")
    };
    let mut facts = Vec::new();
    for fact in run.facts.iter().copied() {
        if fact == theirs[trap] {
            for time in (0..MORE).map(|call| rung.time + 1_000 + call * (STEP - 10)) {
                let (trap, call) = (trap_for(8, task), Event::Syscall { number: 0, task });
                facts.push(Fact { time, event: trap, ..fact });
                facts.push(Fact { time: time + 100, event: call, ..fact });
            }
        }
        let late = fact.time > rung.time;
        let mut moved = Fact { time: fact.time + if late { MORE * STEP } else { 0 }, ..fact };
        // What was due then is due later.
        if late && let Event::Timer { deadline } | Event::Deadline { at: deadline, .. } = &mut moved.event {
            *deadline += if *deadline > rung.time { MORE * STEP } else { 0 };
        }
        if fact == theirs[trap] {
            moved.event = trap_for(TIMER_INTERRUPT, task);
        }
        facts.push(moved);
        if fact == theirs[trap + 2] {
            facts.push(Fact { event: Event::Timer { deadline: moved.time - 500 }, ..moved });
        }
    }
    assert_eq!(red(&run, facts), ["counterfactual"]);
}

fn trap_for(cause: u64, task: Task) -> Event {
    Event::TrapUser { cause, task }
}

/// The numbers of cpu0's requests to cpu1 from there on, raised or lowered by one.
pub(super) fn renumber(facts: &mut [Fact], from: u64, by: i64) {
    for fact in facts {
        match &mut fact.event {
            Event::Request { target: Cpu(1), n, .. }
            | Event::Ring { target: Cpu(1), n }
            | Event::Rode { target: Cpu(1), n }
            | Event::Withheld { target: Cpu(1), n }
                if fact.cpu == Cpu(0) && *n >= from =>
            {
                *n = n.wrapping_add_signed(by);
            }
            Event::Ack { sender: Cpu(0), n } if fact.cpu == Cpu(1) && *n >= from => {
                *n = n.wrapping_add_signed(by);
            }
            _ => {}
        }
    }
}

/// Nobody calls for a reschedule of the CPU that came back: only the wake for work to steal reaches it.
#[test]
fn no_resched_after_the_return() {
    let run = recorded(2);
    let (sender, target) = (of(&run, 0), of(&run, 1));
    let left = first(&target, 0, |event| matches!(event, Event::Offline { .. }));
    let back = target[first(&target, left, |event| matches!(event, Event::Online { .. }))];
    let from = sender.partition_point(|fact| fact.time < back.time);
    let call = first(&sender, from, calls(Syscall::Resched));
    let Event::Request { n, .. } = sender[call + 1].event else { panic!("a request") };
    assert_eq!(sender[call + 2].event, Event::Ring { target: Cpu(1), n });
    let ack = first(&target, 0, |event| *event == Event::Ack { sender: Cpu(0), n });
    assert!(matches!(target[ack - 1].event, Event::Seen { .. }));
    let gone = [&sender[call - 1..call + 3], &target[ack - 1..=ack]].concat();
    let mut facts: Vec<Fact> = run.facts.iter().filter(|fact| !gone.contains(fact)).copied().collect();
    renumber(&mut facts, n, -1);
    assert_eq!(red(&run, facts), ["reject offline target"]);
}

/// A target that does not exist is refused, and another CPU is rung for it, in the same entry.
#[test]
fn a_refused_target_that_rings_somebody_else() {
    for (error, claim) in
        [(Error::InvalidTarget, "reject invalid target"), (Error::Offline, "reject offline target")]
    {
        // Of two CPUs there is no third to ring while the second is away.
        let run = recorded(if error == Error::InvalidTarget { 2 } else { 4 });
        let sender = of(&run, 0);
        let refused = |event: &Event| matches!(event, Event::TargetRefused { error: e, .. } if *e == error);
        let told = sender[first(&sender, 0, refused) + 1];
        let behind = |fact: &&Fact| fact.time > told.time;
        let asks = |fact: &Fact| match fact.event {
            Event::Request { target: Cpu(1), n, .. } if fact.cpu == Cpu(0) => Some(n),
            _ => None,
        };
        let before = run.facts.iter().filter(|fact| fact.time < told.time);
        let n = 1 + before.filter_map(asks).max().expect("a request before");
        let mut facts = run.facts.clone();
        renumber(&mut facts, n, 1);
        let place = facts.iter().position(|fact| *fact == told).expect("the refusal") + 1;
        let posted = Event::Request { target: Cpu(1), n, what: Request::Resched };
        let rung = Event::Ring { target: Cpu(1), n };
        facts.splice(place..place, [posted, rung].map(|event| Fact { event, ..told }));
        let next = facts.iter().position(|fact| fact.cpu == Cpu(1) && behind(&fact)).expect("more of cpu1");
        let answer = [Event::Seen { at: Seen::Wfi }, Event::Ack { sender: Cpu(0), n }];
        let times = [told.time + 100, told.time + 200];
        assert!(facts[next].time > times[1]);
        let answer =
            answer.into_iter().zip(times).map(|(event, time)| Fact { seq: 0, cpu: Cpu(1), time, event });
        facts.splice(next..next, answer.collect::<Vec<_>>());
        assert_eq!(red(&run, facts), [claim]);
    }
}

/// The others answer the Call out of WFI, where they say nothing of the stack on which they trap.
#[test]
fn answers_out_of_wfi() {
    for cpus in [2, 4] {
        let run = recorded(cpus);
        for cpu in 1..cpus {
            let theirs = of(&run, cpu);
            let said = first(&theirs, 0, |event| matches!(event, Event::Identity { .. }));
            let seen = last(&theirs, said, |event| matches!(event, Event::Seen { .. }));
            let Event::TrapUser { task, .. } = theirs[seen - 1].event else { panic!("a trap") };
            // It idles there, and what it was to do begins only then.
            let begins = |event: &Event| matches!(event, Event::Dispatch { task: t, .. } if *t == task);
            let ran = last(&theirs, seen, begins);
            assert_eq!(ran, seen - 2, "it ran and did nothing else");
            let idles = matches!(theirs[ran - 1].event, Event::IdleEnd { .. });
            let moved = &theirs[if idles { ran - 1 } else { ran }..=ran];
            let end = first(&theirs, said, |event| matches!(event, Event::TrapUser { .. }));
            let mut facts = Vec::new();
            for fact in run.facts.iter().copied() {
                if fact == theirs[end] {
                    facts.extend(moved.iter().map(|late| Fact { time: theirs[end - 1].time, ..*late }));
                }
                match fact {
                    fact if moved.contains(&fact) || fact == theirs[seen - 1] => {}
                    fact if fact == theirs[seen] => {
                        facts.push(Fact { event: Event::Seen { at: Seen::Wfi }, ..fact });
                    }
                    fact => facts.push(fact),
                }
            }
            assert_eq!(red(&run, facts), ["online"], "smp={cpus}: cpu{cpu}");
        }
    }
}
