//! Steals: within the bound, under the ceiling, and of what was there.

use antler_abi::Error;
use antler_facts::Hart;

use super::small::*;
use super::*;

const BOUND: &str = "steal bound";

pub(super) fn steal(victim: u16, count: u64) -> Event {
    Event::Steal { victim: Cpu(victim), count, class: Qos::Normal }
}

fn refused(asked: u64) -> Event {
    Event::StealRefused { victim: Cpu(0), asked, error: Error::AboveBound }
}

/// Nine tasks on cpu0, of which idle cpu1 takes four after a refusal.
fn bounded() -> Vec<Said> {
    let mut said = vec![(0, 10, marker(Marker::WorkStealing))];
    for number in 1..=9 {
        said.extend([(0, 20, spawned(task(number), T)), (0, 20, enqueue(task(number), 0))]);
    }
    said.extend([(0, 30, refused(5)), (0, 31, WOKE), (1, 40, Event::IdleBegin {}), (1, 50, steal(0, 4))]);
    said.extend((1..=4).map(|number| (1, 51, stolen(task(number), 0))));
    said.push((0, 90, marker(Marker::RejectStealAboveBound)));
    said
}

#[test]
fn more_than_the_bound_is_refused_and_nine_tempt_no_more_than_four() {
    says(BOUND, 2, &bounded(), &[]);
    let unasked = "no steal of more than 4 tasks was asked for and refused";
    says(BOUND, 2, &minus(&bounded(), &[19]), &[unasked]);
    let within = "cpu0 was refused 4 tasks, which is within the bound";
    says(BOUND, 2, &with(&bounded(), 19, (0, 30, refused(4))), &[within, unasked]);
    let other = Event::StealRefused { victim: Cpu(0), asked: 5, error: Error::Offline };
    says(BOUND, 2, &with(&bounded(), 19, (0, 30, other)), &[unasked]);
    for moved in [steal(1, 1), stolen(T, 1)] {
        let reasons = reasons(BOUND, 2, &with(&bounded(), 20, (0, 31, moved)));
        assert_eq!(reasons, ["cpu0 moved tasks although its steal of 5 was refused"]);
        // What is stated before the refusal is another steal.
        let mut before = bounded();
        before.insert(19, (0, 30, moved));
        assert_eq!(super::small::reasons(BOUND, 2, &before), NOTHING);
    }
    let tempted = |most: usize| {
        format!("no idle CPU stole from one that held 9 tasks (the most that a victim held was {most})")
    };
    says(
        BOUND,
        2,
        &with(&bounded(), 22, (1, 50, steal(0, 5))),
        &["cpu1 took 5 tasks from cpu0 at once, the bound is 4", &tempted(9)],
    );
    says(BOUND, 2, &with(&bounded(), 22, (1, 50, steal(0, 0))), &[&tempted(9)]);
    says(BOUND, 2, &minus(&bounded(), &[2]), &[&tempted(8)]);
    says(BOUND, 2, &minus(&bounded(), &[22]), &[&tempted(0)]);
    // Nine tasks, not all of a kind: a steal is of one class, and there are not so many to take.
    let lower = Event::Spawned { task: task(9), parent: T, class: Qos::Idle };
    says(BOUND, 2, &with(&bounded(), 17, (0, 20, lower)), &[&tempted(8)]);
    // The bound holds always, not only in the self-test.
    let outside = plus(&bounded(), &[(1, 95, steal(0, 5))]);
    says(BOUND, 2, &outside, &["cpu1 took 5 tasks from cpu0 at once, the bound is 4"]);
    // Outside of its window a steal shows nothing, nor does a refusal.
    let late = minus(&bounded(), &[22]);
    says(BOUND, 2, &plus(&late, &[(1, 95, steal(0, 4))]), &[&tempted(0)]);
    says(BOUND, 2, &plus(&minus(&bounded(), &[19]), &[(0, 95, refused(5))]), &[unasked]);
}

#[test]
fn only_an_idle_cpu_was_tempted() {
    let after = |event: Event| reasons(BOUND, 2, &with(&bounded(), 21, (1, 40, event))).is_empty();
    assert!(!after(dispatch(task(99))), "a task runs there");
    assert!(after(leave(task(99), Leave::Block)));
    assert!(after(Event::Online { hart: Hart(1), stack: 0, block: 0 }));
    says(BOUND, 2, &minus(&bounded(), &[21]), &[]);
    let ran = [(1, 35, dispatch(task(99))), (1, 36, WOKE)];
    for (last, idle) in [
        (WOKE, false),
        (leave(task(99), Leave::Block), true),
        (Event::IdleBegin {}, true),
        (Event::Online { hart: Hart(1), stack: 0, block: 0 }, true),
    ] {
        let mut said = with(&bounded(), 21, (1, 40, last));
        said.splice(21..21, ran);
        assert_eq!(reasons(BOUND, 2, &said).is_empty(), idle, "{last:?}");
    }
}

const CEILING: &str = "class ceiling";

fn ceiling(class: Qos) -> Event {
    Event::Ceiling { cpu: Cpu(1), class }
}

/// cpu1 may run Normal at most; cpu0 holds an Interactive task and a Normal one, and cpu1 takes that.
fn capped() -> Vec<Said> {
    let high = Event::Spawned { task: task(1), parent: T, class: Qos::Interactive };
    let low = spawned(task(2), T);
    vec![
        (0, 10, marker(Marker::RejectStealAboveBound)),
        (0, 20, ceiling(Qos::Normal)),
        (0, 30, high),
        (0, 31, enqueue(task(1), 0)),
        (0, 32, low),
        (0, 33, enqueue(task(2), 0)),
        (1, 35, Event::IdleBegin {}),
        (1, 40, steal(0, 1)),
        (1, 41, stolen(task(2), 0)),
        (1, 42, dispatch(task(2))),
        (0, 50, ceiling(Qos::PerfBurst)),
        (0, 60, Event::Dispatch { task: task(1), class: Qos::Interactive, satp: 0 }),
        (0, 90, marker(Marker::RejectStealHigherQos)),
    ]
}

#[test]
fn a_ceiling_holds_from_when_it_is_set_to_when_it_is_set_again() {
    says(CEILING, 2, &capped(), &[]);
    let run = |cpu, time, class| (cpu, time, Event::Dispatch { task: task(2), class, satp: 0 });
    let ran =
        |time: u64| format!("cpu1 ran task 2.1 of class interactive at {time} ns, above its ceiling normal");
    says(CEILING, 2, &with(&capped(), 9, run(1, 42, Qos::Interactive)), &[&ran(42)]);
    // At the very moments nothing is known; after it, and on another CPU, anything goes.
    for (cpu, time, kept) in [(1, 50, true), (1, 51, true), (1, 49, false), (0, 45, true)] {
        let reasons = reasons(CEILING, 2, &with(&capped(), 9, run(cpu, time, Qos::Interactive)));
        assert_eq!(reasons.is_empty(), kept, "{cpu} {time}: {reasons:?}");
    }
    let begin = |time: u64| {
        let mut said = minus(&capped(), &[6]);
        said.insert(0, run(1, time, Qos::Interactive));
        said.insert(1, (1, time, Event::IdleBegin {}));
        reasons(CEILING, 2, &said)
    };
    assert_eq!((begin(19), begin(20), begin(21)), (vec![], vec![], vec![ran(21)]));
    let high = Event::Steal { victim: Cpu(0), count: 1, class: Qos::Interactive };
    let stole = "cpu1 stole of class interactive at 45 ns, above its ceiling normal";
    let mut said = capped();
    said.insert(10, (1, 45, high));
    says(CEILING, 2, &said, &[stole]);
    // Another CPU's ceiling does not end this one's, and does not bind it.
    let mut other = capped();
    other.insert(2, (0, 25, Event::Ceiling { cpu: Cpu(2), class: Qos::PerfBurst }));
    says(CEILING, 3, &with(&other, 10, run(1, 42, Qos::Interactive)), &[&ran(42)]);
    // One that is never lifted holds to the end.
    let mut last = minus(&capped(), &[10]);
    last.push((1, 500, Event::Dispatch { task: task(2), class: Qos::PerfBurst, satp: 0 }));
    says(CEILING, 2, &last, &["cpu1 ran task 2.1 of class perfburst at 500 ns, above its ceiling normal"]);
}

#[test]
fn lower_work_is_taken_while_higher_work_lies_there() {
    let none = "no CPU was given a ceiling before the marker";
    let unshown = "no idle CPU under a ceiling took lower work while a task above its ceiling lay in the queue that it took from";
    says(CEILING, 2, &minus(&capped(), &[1]), &[none]);
    says(CEILING, 2, &with(&minus(&capped(), &[10]), 1, (0, 20, ceiling(Qos::PerfBurst))), &[none]);
    says(CEILING, 2, &with(&capped(), 0, (0, 21, marker(Marker::RejectStealAboveBound))), &[none]);
    says(CEILING, 2, &minus(&capped(), &[7]), &[unshown]);
    says(CEILING, 2, &with(&capped(), 6, (1, 35, dispatch(task(3)))), &[unshown]);
    says(CEILING, 2, &minus(&capped(), &[2, 3, 11]), &[unshown]);
    let mut early = capped();
    early.remove(11);
    early.insert(6, (0, 34, Event::Dispatch { task: task(1), class: Qos::Interactive, satp: 0 }));
    says(CEILING, 2, &early, &[unshown]);
    // The higher work lies in its own queue: nothing to resist.
    let own = with(&capped(), 3, (0, 31, enqueue(task(1), 1)));
    assert_eq!(reasons(CEILING, 2, &own), [unshown]);
    // Or in a third one's, into which it did not look.
    let mut elsewhere = with(&capped(), 3, (0, 31, enqueue(task(1), 2)));
    elsewhere.push((2, 95, Event::IdleBegin {}));
    assert_eq!(reasons(CEILING, 3, &elsewhere), [unshown]);
    let late = with(&capped(), 10, (0, 39, ceiling(Qos::PerfBurst)));
    let mut late = late;
    let lifted = late.remove(10);
    late.insert(6, lifted);
    says(CEILING, 2, &late, &[unshown]);
    // Work above the ceiling that is stolen shows no resistance.
    let high = Event::Steal { victim: Cpu(0), count: 1, class: Qos::Interactive };
    let taken = reasons(CEILING, 2, &with(&capped(), 7, (1, 40, high)));
    assert!(taken.contains(&unshown.to_owned()), "{taken:?}");
}

const STEALS: &str = "steals";

/// Two tasks of cpu0, both stolen by cpu1.
fn taken() -> Vec<Said> {
    vec![
        (0, 10, spawned(task(1), T)),
        (0, 11, enqueue(task(1), 0)),
        (0, 12, spawned(task(2), T)),
        (0, 13, enqueue(task(2), 0)),
        (1, 20, steal(0, 2)),
        (1, 21, stolen(task(1), 0)),
        (1, 22, enqueue(task(1), 1)),
        (1, 23, stolen(task(2), 0)),
        (1, 24, dispatch(task(2))),
    ]
}

#[test]
fn a_steal_is_followed_by_exactly_its_tasks() {
    says(STEALS, 2, &taken(), &[]);
    says(STEALS, 2, &taken()[..8], &[]);
    let count =
        |said: u64, found: u64| format!("cpu1 states a steal of {said} from cpu0, but {found} tasks follow");
    says(STEALS, 2, &minus(&taken(), &[7]), &[&count(2, 1)]);
    says(STEALS, 2, &taken()[..7], &[&count(2, 1)]);
    says(STEALS, 2, &with(&taken(), 4, (1, 20, steal(0, 1))), &[&count(1, 2)]);
    let mut again = taken();
    again.insert(5, (1, 20, steal(0, 2)));
    says(STEALS, 2, &again, &[&count(2, 0)]);
    let lonely = |number: u64| format!("cpu1 has task {number}.1 stolen without a steal that says so");
    says(STEALS, 2, &minus(&taken(), &[4]), &[&lonely(1), &lonely(2)]);
    let mut split = taken();
    split.insert(7, (1, 22, WOKE));
    says(STEALS, 2, &split, &[&count(2, 1), &lonely(2)]);
    let other = with(&taken(), 7, (1, 23, stolen(task(2), 5)));
    says(STEALS, 6, &other, &[&lonely(2), &count(2, 1)]);
    // The queueing of a task that was not stolen ends the steal.
    let mut foreign = taken();
    foreign.insert(7, (1, 22, enqueue(task(9), 1)));
    says(STEALS, 2, &foreign, &[&count(2, 1), &lonely(2)]);
    let mut twice = with(&taken(), 4, (1, 20, steal(0, 2)));
    twice[7] = (1, 23, stolen(task(1), 0));
    says(STEALS, 2, &twice, &["task 1.1 was stolen twice in one steal", &count(2, 1)]);
    tells(STEALS, 2, &plus(&taken(), &[(1, 30, steal(0, 0))]), "cpu1 states a steal of nothing at 30 ns");
    tells(STEALS, 2, &plus(&taken(), &[(1, 30, steal(1, 1))]), "cpu1 steals from itself at 30 ns");
    let class = Event::Steal { victim: Cpu(0), count: 2, class: Qos::Idle };
    let wrong = |number: u64| format!("task {number}.1 was stolen as work of class idle, which it is not");
    says(STEALS, 2, &with(&taken(), 4, (1, 20, class)), &[&wrong(1), &wrong(2)]);
    // Its class is the one with which it was stolen, not one that it had on the thief's queue before.
    let idle = Event::Dispatch { task: task(1), class: Qos::Idle, satp: 0 };
    let before = [
        (0, 10, spawned(task(1), T)),
        (0, 11, enqueue(task(1), 1)),
        (1, 12, dispatch(task(1))),
        (1, 13, leave(task(1), Leave::Yield)),
        (1, 14, enqueue(task(1), 0)),
        (0, 15, idle),
        (0, 16, leave(task(1), Leave::Yield)),
        (0, 17, enqueue(task(1), 0)),
        (1, 20, Event::Steal { victim: Cpu(0), count: 1, class: Qos::Idle }),
        (1, 21, stolen(task(1), 0)),
        (1, 22, idle),
    ];
    says(STEALS, 2, &before, &[]);
}
