//! Waits with a deadline, and the timers that end them.

use antler_facts::{Hart, WakeCause};

use super::small::*;
use super::*;

const TIMER: &str = "timer";

fn fires(deadline: u64) -> Event {
    Event::Timer { deadline }
}

fn until(task: Task, at: u64) -> Event {
    Event::Deadline { task, at }
}

fn wake(task: Task, cause: WakeCause) -> Event {
    Event::Wake { task, cause, target: Cpu(0) }
}

fn due(task: Task) -> Event {
    wake(task, WakeCause::Deadline)
}

/// The task sleeps on cpu0 for 20 ns and is woken by the timer.
fn sleep(task: Task, at: u64) -> Vec<Said> {
    vec![
        (0, at, syscall(task, Syscall::Sleep)),
        (0, at + 1, until(task, at + 20)),
        (0, at + 2, leave(task, Leave::Block)),
        (0, at + 20, fires(at + 20)),
        (0, at + 21, due(task)),
    ]
}

const SAID: usize = 2;
const LEFT: usize = 3;
const FIRED: usize = 4;
const WOKEN: usize = 5;

/// Three sleeps between the markers.
fn three() -> Vec<Said> {
    let begin = [(1, 10, marker(Marker::UserMode))];
    [&begin[..], &sleep(T, 20), &sleep(T, 50), &sleep(T, 80), &[(1, 110, marker(Marker::Timer))]].concat()
}

/// The same with one more, about which something may be wrong.
fn beside(other: &[Said]) -> Vec<String> {
    reasons(TIMER, 2, &plus(&three(), other))
}

fn exact(count: usize) -> String {
    format!(
        "before the timer marker {count} waits were ended by a timer that was set to just their deadline, 3 are needed"
    )
}

#[test]
fn three_waits_are_ended_by_a_timer_for_just_their_deadline() {
    says(TIMER, 2, &three(), &[]);
    says(TIMER, 2, &minus(&three(), &[1, 2, 3, 4, 5]), &[&exact(2)]);
    let passed = "task 1.1 waits until 40 ns, and at 70 ns a timer of cpu0 fires that was set for later";
    says(TIMER, 2, &minus(&three(), &[FIRED, WOKEN]), &[passed, &exact(2)]);
    // By a timer that was set for something else before it.
    says(TIMER, 2, &with(&three(), FIRED, (0, 40, fires(39))), &[&exact(2)]);
    // Another CPU's timer: the waking CPU's own is none, or an earlier one of it.
    let mut other = three();
    other[FIRED] = (1, 40, fires(40));
    says(TIMER, 2, &other, &[&exact(2)]);
    other[FIRED] = (0, 41, due(T));
    other[WOKEN] = (0, 42, fires(40));
    says(TIMER, 2, &other, &[&exact(2)]);
    // An inherited deadline: said on cpu0, ended by the timer of cpu1.
    let mut heir = three();
    (heir[FIRED].0, heir[WOKEN].0) = (1, 1);
    says(TIMER, 2, &heir, &[]);
    // The deadline was said before the window, or the task woken after it.
    let begun = |at: u64| with(&three(), 0, (1, at, marker(Marker::UserMode)));
    says(TIMER, 2, &begun(21), &[]);
    says(TIMER, 2, &begun(22), &[&exact(2)]);
    let ended = |at: u64| with(&three(), 16, (1, at, marker(Marker::Timer)));
    says(TIMER, 2, &ended(101), &[]);
    says(TIMER, 2, &ended(100), &[&exact(2)]);
    let claim = judged(TIMER, &Case::new(2), &three());
    assert_eq!(
        (claim.found.as_str(), claim.evidence_total),
        ("3 timers fired and ended 3 waits, none early", 9)
    );
}

#[test]
fn no_timer_is_early_and_no_wait_ends_before_its_deadline() {
    let early = with(&three(), FIRED, (0, 39, fires(40)));
    tells(TIMER, 2, &early, "cpu0's timer for 40 ns fired at 39 ns");
    let text = "task 1.1 waits until 42 ns and is woken at 41 ns";
    says(TIMER, 2, &with(&three(), SAID, (0, 21, until(T, 42))), &[text, &exact(2)]);
    says(TIMER, 2, &with(&three(), SAID, (0, 21, until(T, 41))), &[&exact(2)]);
    // Without a marker nothing is missed but the marker; what is wrong is wrong.
    let unmarked = minus(&with(&three(), SAID, (0, 21, until(T, 42))), &[16]);
    let none = "no fact states the Timer self-test, so there is nothing to look at";
    says(TIMER, 2, &unmarked, &[text, none]);
}

#[test]
fn who_is_woken_by_a_deadline_waited_with_one() {
    let without = "task 1.1 is woken by a deadline at 41 ns, and waited without one";
    says(TIMER, 2, &minus(&three(), &[SAID]), &[without, &exact(2)]);
    says(TIMER, 2, &with(&three(), SAID, (0, 21, until(task(2), 40))), &[without, &exact(2)]);
    let mut between = three();
    between.insert(LEFT, (0, 22, SEEN));
    says(TIMER, 2, &between, &[without, &exact(2)]);
    let never = "task 2.1 is woken by a deadline, and never waited";
    let fired = (0, 200, fires(200));
    assert_eq!(beside(&[fired, (0, 201, due(task(2)))]), [never]);
    // It has another wait, but after that; and in the tick in which it began.
    let wait = [(1, 202, until(task(2), 203)), (1, 202, leave(task(2), Leave::Block))];
    assert_eq!(beside(&[fired, (0, 201, due(task(2))), wait[0], wait[1]]), [never]);
    assert_eq!(beside(&[fired, (0, 204, due(task(2))), wait[0], wait[1]]), NOTHING);
    let tick = [(1, 202, until(task(2), 202)), (1, 202, leave(task(2), Leave::Block))];
    assert_eq!(beside(&[fired, (0, 202, due(task(2))), tick[0], tick[1]]), NOTHING);
    // To yield is not to wait; to be woken by a call takes no deadline.
    let yields = [(1, 150, until(task(2), 151)), (1, 150, leave(task(2), Leave::Yield))];
    assert_eq!(beside(&[yields[0], yields[1], fired, (0, 201, due(task(2)))]), [never]);
    assert_eq!(beside(&[(0, 201, wake(task(2), WakeCause::Signal))]), NOTHING);
    // Of several waits the last before it counts, on whichever CPU.
    let second = [(1, 160, leave(task(2), Leave::Block)), (0, 201, due(task(2)))];
    let first = [(1, 150, until(task(2), 151)), (1, 150, leave(task(2), Leave::Block))];
    let text = "task 2.1 is woken by a deadline at 201 ns, and waited without one";
    assert_eq!(beside(&[first[0], first[1], second[0], fired, second[1]]), [text]);
    let later = [(0, 165, until(task(2), 170)), (0, 165, leave(task(2), Leave::Block))];
    let fired = (0, 170, fires(170));
    assert_eq!(beside(&[later[0], later[1], fired, second[1], second[0]]), NOTHING);
}

#[test]
fn one_timer_ends_waits_in_the_order_of_their_deadlines() {
    let parked = |number: u64, at: u64| {
        [(1, 150, until(task(number), at)), (1, 150, leave(task(number), Leave::Block))]
    };
    let both = |first: u64, second: u64, between: &[Said]| {
        let waits = [parked(2, first), parked(3, second)].concat();
        let fired = [(0, 200, fires(150)), (0, 201, due(task(2)))];
        beside(&[&waits, &fired[..], between, &[(0, 203, due(task(3)))]].concat())
    };
    assert_eq!(both(160, 161, &[]), NOTHING);
    assert_eq!(both(160, 160, &[]), NOTHING);
    let text = "task 3.1, due at 160 ns, is woken behind one due at 161 ns";
    assert_eq!(both(161, 160, &[]), [text]);
    // The next timer begins anew.
    assert_eq!(both(161, 160, &[(0, 202, fires(151))]), NOTHING);
}

/// A task that waits on cpu1 until 300 ns, and what else is stated.
fn waiting(more: &[Said]) -> Vec<String> {
    let wait = [(1, 150, until(task(2), 300)), (1, 151, leave(task(2), Leave::Block))];
    beside(&plus(&wait, more))
}

#[test]
fn no_timer_is_set_for_later_than_who_waits() {
    let text = "task 2.1 waits until 300 ns, and at 400 ns a timer of cpu1 fires that was set for later";
    assert_eq!(waiting(&[]), NOTHING);
    assert_eq!(waiting(&[(1, 400, fires(301))]), [text]);
    assert_eq!(waiting(&[(1, 400, fires(300))]), NOTHING);
    assert_eq!(waiting(&[(0, 400, fires(301))]), NOTHING, "each CPU has its own");
    assert_eq!(waiting(&[(1, 400, fires(301)), (1, 401, due(task(2)))]), [text], "woken by just that one");
    assert_eq!(waiting(&[(1, 399, due(task(2))), (1, 400, fires(301))]), NOTHING);
    // Before the wait it may have been set for what it likes; a wait that has no bound has none.
    let before =
        [(1, 140, fires(139)), (1, 150, until(task(2), 138)), (1, 150, leave(task(2), Leave::Block))];
    assert_eq!(beside(&before), NOTHING);
    assert_eq!(beside(&[(1, 150, leave(task(2), Leave::Block)), (1, 400, fires(301))]), NOTHING);
}

#[test]
fn a_wait_is_over_from_when_its_waker_may_have_claimed_the_task() {
    let text = "task 2.1 waits until 300 ns, and at 400 ns a timer of cpu1 fires that was set for later";
    let by_another = |before: u64| {
        waiting(&[(1, 400, fires(301)), (0, before, SEEN), (0, 500, wake(task(2), WakeCause::Signal))])
    };
    assert_eq!(by_another(401), [text]);
    assert_eq!(by_another(400), NOTHING);
    assert_eq!(by_another(399), NOTHING);
    // Not by the wake of another task, nor by one before it waited; in the tick in which it began to, perhaps.
    let woken = |number: u64, time: u64| {
        waiting(&[(0, time, wake(task(number), WakeCause::Signal)), (1, 400, fires(301))])
    };
    assert_eq!(woken(3, 200), [text]);
    assert_eq!(woken(2, 150), [text]);
    assert_eq!(woken(2, 151), NOTHING);
    // Of several wakes the first after it counts, whichever CPU states it.
    let wakes = [(1, 500, due(task(2))), (0, 350, SEEN), (0, 360, due(task(2)))];
    let reasons = waiting(&[(1, 400, fires(301)), wakes[0], wakes[1], wakes[2]]);
    assert!(!reasons.contains(&text.to_owned()), "{reasons:?}");
}

#[test]
fn a_cpu_that_leaves_hands_its_deadlines_on() {
    let left = (1, 350, Event::Offline { hart: Hart(1) });
    let fired = (1, 400, fires(301));
    assert_eq!(waiting(&[left, fired]), NOTHING);
    let last = (1, 340, fires(301));
    assert_eq!(waiting(&[last, left]), NOTHING, "on its way out");
    assert_eq!(waiting(&[last, (1, 345, Event::IdleBegin {}), left]).len(), 1);
}

#[test]
fn who_sleeps_sleeps_until_a_moment_to_come() {
    let sleeps = |call: Syscall, at: u64| {
        let said = [
            (0, 200, syscall(task(2), call)),
            (0, 201, until(task(2), at)),
            (0, 202, leave(task(2), Leave::Block)),
        ];
        beside(&said)
    };
    let text = "task 2.1 sleeps until 200 ns, which had come when it called at 200 ns";
    assert_eq!(sleeps(Syscall::Sleep, 200), [text]);
    assert_eq!(sleeps(Syscall::Sleep, 199), [text.replace("until 200", "until 199")]);
    assert_eq!(sleeps(Syscall::Sleep, 201), NOTHING);
    // Who waits for something else may set any bound.
    assert_eq!(sleeps(Syscall::Wait, 3), NOTHING);
    // The very first facts of a CPU.
    let first = [(1, 5, until(task(2), 1)), (1, 6, leave(task(2), Leave::Block))];
    says(TIMER, 2, &plus(&first, &three()), &[]);
}
