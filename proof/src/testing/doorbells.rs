//! What one doorbell does: nothing before it is rung, and then all of it.

use antler_facts::Hart;

use super::small::*;
use super::*;

const COUNTER: &str = "counterfactual";

/// cpu1 makes 100 system calls under a withheld doorbell, and answers when it is rung.
fn experiment() -> Vec<Said> {
    let mut said = vec![
        (0, 10, marker(Marker::SmpOnline)),
        (0, 20, ask(1, 1, Request::Resched)),
        (0, 30, withheld(1, 1)),
    ];
    said.extend((0..100).map(|call| (1, 31 + call, syscall(T, Syscall::Null))));
    said.extend([
        (0, 140, WOKE),
        (0, 150, ring(1, 1)),
        (1, 160, BELL),
        (1, 161, SEEN),
        (1, 162, ack(0, 1)),
        (0, 170, marker(Marker::IpiCounterfactual)),
    ]);
    said
}

const WITHHELD: usize = 2;
const LAST_CALL: usize = 102;
const RUNG: usize = 104;
const ANSWER: usize = 105;

/// What is said when the first thing of the target after the doorbell was something else.
fn not_at_once(first: &str, seen: u64) -> String {
    format!(
        "request 1 of cpu0 to cpu1 (Resched): rung at 140 ns, the first thing of cpu1 is not the trap for its doorbell \
         but {first}, and it saw the doorbell at {seen} ns"
    )
}

#[test]
fn the_doorbell_brings_the_trap_for_it_and_nothing_comes_first() {
    let other = |event: Event| {
        let mut said = experiment();
        said.insert(ANSWER, (1, 155, event));
        reasons(COUNTER, 2, &said)
    };
    for event in [syscall(T, Syscall::Null), trap(T, 8), trap(T, TIMER_INTERRUPT), Event::IdleBegin {}] {
        assert_eq!(other(event), [not_at_once(&format!("{event:?} at 155 ns"), 161)]);
    }
    // The trap is another one, or the doorbell is not what is seen next.
    let timer = with(&experiment(), ANSWER, (1, 160, trap(T, TIMER_INTERRUPT)));
    let first = format!("{:?} at 160 ns", trap(T, TIMER_INTERRUPT));
    says(COUNTER, 2, &timer, &[&not_at_once(&first, 161)]);
    let mut late = experiment();
    late.insert(ANSWER + 1, (1, 160, Event::Timer { deadline: 0 }));
    let first = format!("{:?} at 160 ns", BELL);
    says(COUNTER, 2, &late, &[&not_at_once(&first, 161)]);
    // It trapped twice: the first time for nothing.
    let mut twice = experiment();
    twice.insert(ANSWER, (1, 155, BELL));
    says(COUNTER, 2, &twice, &[&not_at_once(&format!("{BELL:?} at 155 ns"), 161)]);
    // What it did before it could be rung does not matter.
    let mut before = experiment();
    before.insert(ANSWER, (1, 139, Event::Timer { deadline: 0 }));
    says(COUNTER, 2, &before, &[]);
}

#[test]
fn a_hundred_calls_pass_before_the_doorbell() {
    says(COUNTER, 2, &experiment(), &[]);
    let none = "no doorbell was withheld before the marker";
    says(COUNTER, 2, &minus(&experiment(), &[WITHHELD]), &[none]);
    says(COUNTER, 2, &with(&experiment(), 0, (0, 31, marker(Marker::SmpOnline))), &[none]);
    let name = "request 1 of cpu0 to cpu1 (Resched)";
    let calls = |count: usize| {
        format!("{name}: cpu1 made {count} system calls while the doorbell was withheld, 100 are needed")
    };
    says(COUNTER, 2, &minus(&experiment(), &[LAST_CALL]), &[&calls(99)]);
    says(COUNTER, 2, &with(&experiment(), LAST_CALL, (1, 130, trap(T, 8))), &[&calls(99)]);
    // A call in the tick of the withholding, or of the doorbell's earliest moment, may have been outside.
    says(COUNTER, 2, &with(&experiment(), 3, (1, 30, syscall(T, Syscall::Null))), &[&calls(99)]);
    // That one comes behind the doorbell, perhaps, and is not what it brings.
    let late = syscall(T, Syscall::Null);
    let behind = not_at_once(&format!("{late:?} at 140 ns"), 161);
    says(COUNTER, 2, &with(&experiment(), LAST_CALL, (1, 140, late)), &[&calls(99), &behind]);
    says(COUNTER, 2, &with(&experiment(), LAST_CALL, (1, 139, syscall(T, Syscall::Null))), &[]);
    let mut twice = experiment();
    twice.insert(3, (0, 30, withheld(1, 1)));
    says(COUNTER, 2, &twice, &[&format!("{name}: withheld 2 times, once is meant")]);
    says(
        COUNTER,
        2,
        &minus(&experiment(), &[RUNG]),
        &[&format!("{name}: withheld, then rung 0 times, once is meant")],
    );
}

#[test]
fn nothing_is_seen_or_answered_before_the_doorbell() {
    let name = "request 1 of cpu0 to cpu1 (Resched)";
    let early = |event: Event| {
        let mut said = experiment();
        said.insert(LAST_CALL + 1, (1, 135, event));
        let text = format!("{name}: cpu1 states {event:?} at 135 ns, before the doorbell");
        reasons(COUNTER, 2, &said).contains(&text)
    };
    assert!(early(SEEN) && early(WOKE) && early(ack(0, 1)) && early(ack(0, 2)));
    assert!(!early(ack(0, 0)) && !early(ack(2, 1)) && !early(syscall(T, Syscall::Null)));
    let never = format!("{name}: after the doorbell, cpu1 never saw or acknowledged it");
    says(COUNTER, 2, &minus(&experiment(), &[ANSWER + 2]), &[&never]);
    says(COUNTER, 2, &minus(&experiment(), &[ANSWER + 1]), &[&never]);
    let asleep = with(&experiment(), ANSWER + 1, (1, 161, WOKE));
    says(COUNTER, 2, &asleep, &[&format!("{name}: cpu1 did not trap out of U-mode for it")]);
    // Answered before it was withheld at all.
    let answered = |time: u64| {
        let mut said = minus(&experiment(), &[ANSWER, ANSWER + 1, ANSWER + 2]);
        let place = said.iter().position(|(cpu, at, _)| *cpu == 1 && *at >= time).unwrap_or(said.len());
        said.splice(place..place, [(1, time, BELL), (1, time, SEEN), (1, time, ack(0, 1))]);
        reasons(COUNTER, 2, &said)
    };
    let text = format!("{name}: seen at 25 ns and acknowledged at 25 ns, but rung at 140 ns");
    assert_eq!(answered(25), [text, not_at_once("nothing", 25)]);
    assert_eq!(answered(140), NOTHING);
    // Seen too early, acknowledged in time.
    let mut split = minus(&experiment(), &[ANSWER, ANSWER + 1]);
    split.insert(3, (1, 29, SEEN));
    let between: Vec<Said> =
        split.iter().filter(|(cpu, time, _)| *cpu != 1 || !(31..131).contains(time)).copied().collect();
    let text = format!("{name}: seen at 29 ns and acknowledged at 162 ns, but rung at 140 ns");
    assert!(reasons(COUNTER, 2, &between).contains(&text));
}

const RESCHED: &str = "resched";
const URGENT: Task = task(5);

fn run(task: Task, class: Qos) -> Event {
    Event::Dispatch { task, class, satp: 0 }
}

fn inbox(task: Task, target: u16) -> Event {
    Event::Enqueue { task, target: Cpu(target), place: Place::Inbox }
}

/// One reschedule from `from` to `to`, beginning at `at`; a third CPU is idle.
fn once(from: u16, to: u16, at: u64) -> Vec<Said> {
    vec![
        (to, at, run(T, Qos::Normal)),
        (from, at + 10, inbox(URGENT, to)),
        (from, at + 11, ask(to, 1, Request::Resched)),
        (from, at + 12, ring(to, 1)),
        (to, at + 20, BELL),
        (to, at + 21, SEEN),
        (to, at + 22, ack(from, 1)),
        (to, at + 23, leave(T, Leave::Preempt)),
        (to, at + 24, enqueue(T, to)),
        (to, at + 25, run(URGENT, Qos::Interactive)),
        (to, at + 30, leave(URGENT, Leave::Block)),
    ]
}

/// Both directions between two CPUs, with other facts in between the first one's.
fn both(first: &[Said]) -> Vec<Said> {
    let (begin, end) = ([(0, 10, marker(Marker::IpiCounterfactual))], [(0, 900, marker(Marker::IpiResched))]);
    [&begin[..], first, &once(1, 0, 500), &end].concat()
}

/// Why the claim is red, but for CPUs that sleep and are never woken: there are none here.
fn pairs(cpus: u16, said: &[Said]) -> Vec<String> {
    let mut reasons = reasons(RESCHED, cpus, said);
    reasons.retain(|reason| !reason.contains("was never woken out of WFI"));
    reasons
}

/// Why cpu0 did not make cpu1 run a task; nothing if it did.
fn why(first: &[Said]) -> String {
    let reasons = pairs(2, &both(first));
    let prefix = "cpu0 did not make cpu1 run a task by one IPI: ";
    reasons.iter().find_map(|reason| reason.strip_prefix(prefix)).unwrap_or_default().to_owned()
}

/// [`once`] with another fact before its fact number `at`.
fn among(at: usize, fact: Said) -> Vec<Said> {
    let mut said = once(0, 1, 100);
    said.insert(at, fact);
    said
}

const NAME: &str = "request 1 of cpu0 to cpu1 (Resched)";

#[test]
fn one_doorbell_makes_a_busy_cpu_run_a_task_for_every_ordered_pair() {
    let good = once(0, 1, 100);
    let lack = |a: u16, b: u16| format!("cpu{a} did not make cpu{b} run a task by one IPI: it never asked");
    assert_eq!(pairs(2, &both(&good)), NOTHING);
    assert_eq!(pairs(2, &both(&[])), [lack(0, 1)]);
    // Of three CPUs all six pairs must be there.
    let three = pairs(3, &both(&good));
    assert_eq!(three, [lack(0, 2), lack(1, 2), lack(2, 0), lack(2, 1)]);
    assert_eq!(why(&with(&good, 2, (0, 111, ask(1, 1, Request::Call)))), "it never asked");
    let early = once(0, 1, 100);
    let mut said = both(&[]);
    said.splice(0..1, plus(&early, &[(0, 200, marker(Marker::IpiCounterfactual))]));
    assert_eq!(pairs(2, &said), ["cpu0 did not make cpu1 run a task by one IPI: it never asked"]);
    // Everything in the tick of the request.
    let tick: Vec<Said> = good.iter().map(|&(cpu, _, event)| (cpu, 100, event)).collect();
    assert_eq!(why(&tick), "");
}

#[test]
fn the_task_was_put_there_right_before_and_runs_in_time() {
    let good = once(0, 1, 100);
    let bare = format!("no task was put into the inbox right before {NAME}");
    for other in [WOKE, inbox(URGENT, 2), enqueue(URGENT, 1)] {
        assert_eq!(why(&with(&good, 1, (0, 110, other))), bare);
    }
    assert_eq!(why(&minus(&good, &[1])), bare);
    let never = format!("cpu1 never ran task 5.1 after {NAME}");
    assert_eq!(why(&minus(&good, &[9])), never);
    assert_eq!(why(&with(&minus(&good, &[9]), 0, (1, 100, run(URGENT, Qos::Normal)))), never);
    let mut late = both(&minus(&good, &[9, 10]));
    late.push((1, 950, run(URGENT, Qos::Interactive)));
    let text = "cpu0 did not make cpu1 run a task by one IPI: cpu1 ran task 5.1 only after the marker";
    assert_eq!(pairs(2, &late), [text]);
}

#[test]
fn the_cpu_was_busy_with_lower_work() {
    let good = once(0, 1, 100);
    let rest = "cpu1 preempted nothing for task 5.1: it was not busy";
    assert_eq!(why(&minus(&good, &[7])), rest);
    assert_eq!(why(&with(&good, 7, (1, 123, leave(T, Leave::Yield)))), rest);
    assert_eq!(
        why(&with(&good, 7, (1, 123, leave(task(8), Leave::Preempt)))),
        "task 8.1 was not running on cpu1"
    );
    assert_eq!(why(&minus(&good, &[0])), "task 1.1 was not running on cpu1");
    assert_eq!(why(&among(1, (1, 105, leave(T, Leave::Block)))), "task 1.1 was not running on cpu1");
    let class = "task 5.1 is not of a class above normal, which task 1.1 is of";
    assert_eq!(why(&with(&good, 9, (1, 125, run(URGENT, Qos::Normal)))), class);
    assert_eq!(why(&with(&good, 9, (1, 125, run(URGENT, Qos::Idle)))), class);
}

#[test]
fn one_trap_for_one_doorbell_of_its_own_and_nothing_else() {
    let good = once(0, 1, 100);
    let own = format!("{NAME} has no doorbell of its own");
    assert_eq!(why(&with(&good, 3, (0, 112, rode(1, 1)))), own);
    assert_eq!(why(&among(4, (0, 113, ring(1, 1)))), own);
    let other = format!("cpu1 took another trap (scause 0x8000000000000005) before {NAME} was served");
    assert_eq!(why(&among(4, (1, 115, trap(T, 1 << 63 | 5)))), other);
    let number = Syscall::Null.number();
    assert_eq!(
        why(&among(4, (1, 115, syscall(T, Syscall::Null)))),
        format!("cpu1 made system call {number} before {NAME} was served")
    );
    assert_eq!(why(&with(&good, 5, (1, 121, WOKE))), "cpu1 slept instead of running a task");
    assert_eq!(why(&among(7, (1, 122, ack(2, 4)))), "cpu1 also acknowledged cpu2 up to 4");
    assert_eq!(why(&among(6, (1, 121, ack(0, 0)))), "cpu1 also acknowledged cpu0 up to 0");
    assert_eq!(
        why(&among(7, (1, 122, Event::Timer { deadline: 0 }))),
        format!("a timer fired on cpu1 before {NAME} was served")
    );
    let counts = |trapped: u32, saw: u32, acked: u32| {
        format!(
            "for {NAME} cpu1 trapped {trapped}, saw {saw} and acknowledged {acked} times; once each is meant"
        )
    };
    assert_eq!(why(&minus(&good, &[4])), counts(0, 1, 1));
    assert_eq!(why(&minus(&good, &[5])), counts(1, 0, 1));
    assert_eq!(why(&minus(&good, &[6])), counts(1, 1, 0));
    assert_eq!(why(&among(5, (1, 120, BELL))), counts(2, 1, 1));
    assert_eq!(why(&among(6, (1, 121, SEEN))), counts(1, 2, 1));
    assert_eq!(why(&among(7, (1, 122, ack(0, 1)))), counts(1, 1, 2));
    // What went before the request does not matter, nor what the CPU states in the same tick before its trap.
    assert_eq!(why(&among(1, (1, 105, syscall(T, Syscall::Null)))), "");
    assert_eq!(why(&among(4, (1, 111, syscall(T, Syscall::Null)))), "");
    assert_ne!(why(&among(4, (1, 112, syscall(T, Syscall::Null)))), "");
}

/// The one that came furthest is told, of equals the last.
#[test]
fn of_several_attempts_the_furthest_is_told() {
    let second = |said: Vec<Said>| -> Vec<Said> {
        let turn = |event: Event| match event {
            Event::Request { target, what, .. } => Event::Request { target, n: 2, what },
            Event::Ring { target, .. } => Event::Ring { target, n: 2 },
            Event::Ack { sender, .. } => Event::Ack { sender, n: 2 },
            other => other,
        };
        said.into_iter().map(|(cpu, time, event)| (cpu, time, turn(event))).collect()
    };
    let bare = minus(&once(0, 1, 100), &[1]);
    let idle = minus(&once(0, 1, 200), &[7]);
    let rest = "cpu1 preempted nothing for task 5.1: it was not busy";
    assert_eq!(why(&[bare.clone(), second(idle)].concat()), rest);
    let idle = minus(&once(0, 1, 100), &[7]);
    assert_eq!(why(&[idle, second(minus(&once(0, 1, 200), &[1]))].concat()), rest);
    let text = "no task was put into the inbox right before request 2 of cpu0 to cpu1 (Resched)";
    assert_eq!(why(&[bare.clone(), second(minus(&once(0, 1, 200), &[1]))].concat()), text);
    assert_eq!(why(&[bare, second(once(0, 1, 200))].concat()), "", "one that went well is enough");
    // A later one that goes wrong takes nothing away.
    assert_eq!(why(&[once(0, 1, 100), second(minus(&once(0, 1, 200), &[1]))].concat()), "");
}

#[test]
fn every_other_cpu_rests() {
    let beside = |facts: &[Said]| {
        let said = plus(&once(0, 1, 100), facts);
        let reasons = pairs(3, &both(&said));
        reasons.contains(
            &"cpu0 did not make cpu1 run a task by one IPI: cpu2 was running a task meanwhile".to_owned(),
        )
    };
    let begin = |time| (2, time, run(task(9), Qos::Idle));
    let end = |time| (2, time, leave(task(9), Leave::Block));
    assert!(!beside(&[]));
    assert!(beside(&[begin(50)]), "since before");
    assert!(!beside(&[begin(50), end(60)]));
    assert!(!beside(&[begin(50), (2, 60, Event::IdleBegin {})]));
    assert!(!beside(&[begin(50), (2, 60, Event::Online { hart: Hart(2), stack: 0, block: 0 })]));
    assert!(beside(&[begin(50), (2, 60, WOKE)]));
    assert!(beside(&[begin(50), end(111)]), "still there when it was asked");
    assert!(beside(&[begin(112), end(113)]) && beside(&[begin(124)]), "begun in between");
    assert!(!beside(&[begin(111), end(112)]) && !beside(&[begin(125)]), "in the same tick as either end");
    assert!(!beside(&[begin(126)]));
}
