//! Strict order of classes, and tasks that change their CPU.

use antler_facts::{Hart, WakeCause};

use super::small::*;
use super::*;

const QOS: &str = "qos";
const MIGRATION: &str = "migration";

fn made(number: u64, class: Qos) -> Event {
    Event::Spawned { task: task(number), parent: Task(0), class }
}

fn run(number: u64, class: Qos) -> Event {
    Event::Dispatch { task: task(number), class, satp: 8 << 60 | 1 }
}

fn inbox(number: u64, target: u16) -> Event {
    Event::Enqueue { task: task(number), target: Cpu(target), place: Place::Inbox }
}

/// cpu0 queues a Normal and an Interactive task and runs the higher one first.
fn two() -> Vec<Said> {
    vec![
        (0, 10, made(1, Qos::Normal)),
        (0, 11, enqueue(task(1), 0)),
        (0, 20, made(2, Qos::Interactive)),
        (0, 21, enqueue(task(2), 0)),
        (0, 30, run(2, Qos::Interactive)),
        (0, 40, trap(task(2), 8)),
        (0, 50, leave(task(2), Leave::Exit)),
        (0, 51, exit(task(2))),
        (0, 60, run(1, Qos::Normal)),
    ]
}

#[test]
fn a_cpu_runs_the_highest_class_that_it_knows_of() {
    says(QOS, 1, &two(), &[]);
    says(QOS, 1, &[], &["no CPU ever chose a task"]);
    let wrong = with(&two(), 4, (0, 30, run(1, Qos::Normal)));
    let wrong = with(&wrong, 5, (0, 40, Event::IdleBegin {}));
    let reason =
        "cpu0 runs task 1.1 of class normal at 30 ns while task 2.1 of class interactive is in its queue";
    tells(QOS, 1, &wrong, reason);
    // Of one class, either may go first.
    let mut equal = two();
    equal[2] = (0, 20, made(2, Qos::Normal));
    equal[4] = (0, 30, run(2, Qos::Normal));
    says(QOS, 1, &equal, &[]);
    // It queues a higher task and goes on with the lower one.
    let goes_on = vec![
        (0, 10, made(1, Qos::Normal)),
        (0, 11, enqueue(task(1), 0)),
        (0, 20, run(1, Qos::Normal)),
        (0, 30, made(2, Qos::Interactive)),
        (0, 31, enqueue(task(2), 0)),
        (0, 40, trap(task(1), 8)),
    ];
    let reason = "cpu0 went on running task 1.1 of class normal at 40 ns while task 2.1 of class interactive is in its queue";
    says(QOS, 1, &goes_on, &[reason]);
    // Not if it has asked for another class meanwhile.
    let mut raised = goes_on.clone();
    raised.insert(3, (0, 25, syscall(task(1), Syscall::SetQos)));
    says(QOS, 1, &raised, &[]);
    raised[3] = (0, 25, syscall(task(1), Syscall::Null));
    says(QOS, 1, &raised, &[reason]);
    // Not if it is another task's trap, or it has left before.
    says(QOS, 1, &with(&goes_on, 5, (0, 40, trap(task(9), 8))), &[]);
    let mut left = goes_on.clone();
    left.insert(5, (0, 35, leave(task(1), Leave::Block)));
    says(QOS, 1, &left, &[]);
}

#[test]
fn a_cpu_looks_elsewhere_only_when_its_own_queue_is_empty() {
    let steal = Event::Steal { victim: Cpu(1), count: 1, class: Qos::Normal };
    let text = |what: &str| format!("cpu0 states {what} at 55 ns while task 1.1 is in its own queue");
    for (what, event) in [("IdleBegin", Event::IdleBegin {}), ("Steal", steal)] {
        let mut said = two();
        said.insert(8, (0, 55, event));
        says(QOS, 2, &said, &[&text(what)]);
        // With nothing there, or for the task that runs.
        says(QOS, 2, &minus(&said, &[0, 1, 9]), &[]);
        said.swap(5, 8);
        (said[5].1, said[8].1) = (40, 55);
        says(QOS, 2, &said, &[]);
    }
}

/// cpu1 pushes a higher task into cpu0's inbox; cpu0 enters the kernel and runs a lower one.
fn mailed(entry: u64) -> Vec<Said> {
    vec![
        (0, 10, made(1, Qos::Normal)),
        (0, 11, enqueue(task(1), 0)),
        (1, 20, made(2, Qos::Interactive)),
        (1, 21, inbox(2, 0)),
        (1, 25, ask(0, 1, Request::Resched)),
        (0, entry, WOKE),
        (0, 40, run(1, Qos::Normal)),
    ]
}

#[test]
fn mail_counts_when_the_entry_began_after_it_was_pushed() {
    let reason =
        "cpu0 runs task 1.1 of class normal at 40 ns while task 2.1 of class interactive is in its queue";
    says(QOS, 2, &mailed(26), &[reason]);
    says(QOS, 2, &mailed(25), &[]);
    says(QOS, 2, &minus(&mailed(26), &[5]), &[]);
    // It may not have been pushed yet if its sender says nothing more.
    says(QOS, 2, &minus(&mailed(26), &[4]), &[]);
    // What is no entry is no look; and idle begins behind the look that it rests on.
    says(QOS, 2, &with(&mailed(26), 5, (0, 26, ack(1, 1))), &[]);
    says(QOS, 2, &minus(&with(&mailed(26), 5, (0, 26, Event::IdleBegin {})), &[0, 1]), &[reason]);
    // What it runs at once never waited.
    let mut once = mailed(26);
    let ran = [(0, 30, run(2, Qos::Interactive)), (0, 35, leave(task(2), Leave::Block))];
    once.splice(6..6, ran);
    says(QOS, 2, &once, &[]);
    // Stolen from there meanwhile, perhaps: from when the thief stated the fact before.
    let stolen = |before: u64| {
        let steal = Event::Steal { victim: Cpu(0), count: 1, class: Qos::Interactive };
        plus(&mailed(26), &[(2, before, Event::IdleBegin {}), (2, 50, steal), (2, 51, stolen(task(2), 0))])
    };
    says(QOS, 3, &stolen(39), &[]);
    says(QOS, 3, &stolen(40), &[]);
    says(QOS, 3, &stolen(41), &[reason]);
}

/// A task runs on cpu0, waits, and is woken for cpu1.
fn moved() -> Vec<Said> {
    vec![
        (0, 10, spawned(T, Task(0))),
        (0, 11, enqueue(T, 0)),
        (0, 20, dispatch(T)),
        (0, 30, leave(T, Leave::Block)),
        (0, 40, Event::Wake { task: T, cause: WakeCause::Signal, target: Cpu(1) }),
        (0, 41, inbox(1, 1)),
        (1, 50, dispatch(T)),
    ]
}

#[test]
fn a_task_changes_its_cpu_by_what_may_move_it() {
    says(MIGRATION, 2, &moved(), &[]);
    let other = with(&moved(), 4, (0, 40, Event::Wake { task: T, cause: WakeCause::Signal, target: Cpu(0) }));
    says(MIGRATION, 2, &other, &["cpu0 woke task 1.1 for cpu0, and put it on cpu1"]);
    let place = with(&moved(), 5, (0, 41, enqueue(T, 1)));
    says(MIGRATION, 2, &place, &["cpu0 says Local of task 1.1, which goes to cpu1"]);
    let own = with(&moved(), 1, (0, 11, inbox(1, 0)));
    says(MIGRATION, 2, &own, &["cpu0 says Inbox of task 1.1, which goes to cpu0"]);
    let nothing = minus(&moved(), &[3, 4, 5]);
    says(MIGRATION, 2, &nothing, &["task 1.1 ran on cpu0 and then on cpu1, and nothing moved it"]);
    let space = Event::Dispatch { task: T, class: Qos::Normal, satp: 8 << 60 | 2 };
    let text = "task 1.1 came from cpu0 to cpu1 in another address space";
    says(MIGRATION, 2, &with(&moved(), 6, (1, 50, space)), &[text]);
    let stolen = [(0, 40, enqueue(T, 0)), (1, 45, stolen(T, 0)), (1, 50, dispatch(T))];
    let stolen = plus(&with(&moved()[..4], 3, (0, 30, leave(T, Leave::Yield))), &stolen);
    says(MIGRATION, 2, &stolen, &[]);
}

/// What the claim says that it found.
fn found(said: &[Said]) -> String {
    judged(MIGRATION, &Case::new(2), said).found
}

#[test]
fn an_evicted_task_goes_to_another_cpu() {
    // It runs on cpu1, ends its slice there, and is moved when cpu1 leaves.
    let leaves = |kept: Event| {
        vec![
            (0, 10, spawned(T, Task(0))),
            (0, 11, inbox(1, 1)),
            (1, 20, dispatch(T)),
            (1, 30, leave(T, Leave::Yield)),
            (1, 31, enqueue(T, 1)),
            (1, 40, evicted(T, 0)),
            (1, 41, kept),
            (1, 50, Event::Offline { hart: Hart(1) }),
            (0, 60, dispatch(T)),
        ]
    };
    says(MIGRATION, 2, &leaves(inbox(1, 0)), &[]);
    says(MIGRATION, 2, &leaves(enqueue(T, 1)), &["cpu1 evicted task 1.1 and kept it"]);
    let moves = "1 moves: 0 by steals, 0 by wakes, 1 by CPUs that left, 0 by ceilings";
    assert_eq!(found(&leaves(inbox(1, 0))), moves);
}

/// Given a new home by cpu1 at 40 ns, or since its fact before, at 35 ns.
#[test]
fn who_gets_a_new_home_waits_at_that_moment() {
    let text = "cpu1 gives task 1.1 a new home at 40 ns, which does not wait, or has one";
    let rehomed = |steps: &[Said]| {
        let last = [
            (1, 35, evicted(task(2), 0)),
            (1, 40, Event::Rehome { task: T, to: Cpu(0) }),
            (1, 60, Event::Offline { hart: Hart(1) }),
        ];
        reasons(MIGRATION, 2, &[&moved()[..3], steps, &last].concat())
    };
    let wake = |at: u64| (0, at, Event::Wake { task: T, cause: WakeCause::Signal, target: Cpu(0) });
    let left = |at: u64, why: Leave| (0, at, leave(T, why));
    assert_eq!(rehomed(&[left(30, Leave::Block)]), NOTHING);
    assert_eq!(rehomed(&[left(30, Leave::Block), wake(35), (0, 35, enqueue(T, 0))]), NOTHING);
    assert_eq!(rehomed(&[left(30, Leave::Block), wake(34), (0, 34, enqueue(T, 0))]), [text]);
    assert_eq!(rehomed(&[left(40, Leave::Block)]), NOTHING);
    assert_eq!(rehomed(&[left(41, Leave::Block)]), [text]);
    assert_eq!(rehomed(&[]), [text]);
    assert_eq!(rehomed(&[left(30, Leave::Yield)]), [text]);
}

#[test]
fn only_a_ceiling_sends_a_runnable_task_elsewhere() {
    let ceiling = |at: u64, class: Qos| (0, at, Event::Ceiling { cpu: Cpu(0), class });
    let sent = plus(
        &with(&moved()[..4], 3, (0, 30, leave(T, Leave::Preempt))),
        &[(0, 41, inbox(1, 1)), (1, 50, dispatch(T))],
    );
    let text = "cpu0 sent task 1.1 to cpu1 without a ceiling that forbids it here";
    says(MIGRATION, 2, &sent, &[text]);
    let under = |class| [&[ceiling(5, class)][..], &sent].concat();
    says(MIGRATION, 2, &under(Qos::Idle), &[]);
    says(MIGRATION, 2, &under(Qos::Normal), &[text]);
    let raised = [&[ceiling(5, Qos::Idle), ceiling(6, Qos::PerfBurst)][..], &sent].concat();
    says(MIGRATION, 2, &raised, &[text]);
    let handed = [(0, 10, spawned(T, Task(0))), (0, 11, enqueue(T, 0)), (0, 20, inbox(1, 1))];
    let text = "cpu0 handed task 1.1 on to cpu1 without a ceiling that forbids it here";
    says(MIGRATION, 2, &handed, &[text]);
    says(MIGRATION, 2, &[&[ceiling(5, Qos::Idle)][..], &handed].concat(), &[]);
    // Not if it asked for another class since it ran last.
    let mut asks = sent.clone();
    asks.insert(3, (0, 25, syscall(T, Syscall::SetQos)));
    says(MIGRATION, 2, &asks, &[]);
    // Sent to a CPU that takes nothing any more, and then to another.
    says(MIGRATION, 3, &[handed[0], (0, 11, inbox(1, 1)), (0, 12, inbox(1, 2))], &[]);
}

#[test]
fn only_a_cpu_that_leaves_evicts_and_gives_new_homes() {
    let rehome = Event::Rehome { task: T, to: Cpu(0) };
    let away = |middle: &[Said]| {
        let mut said = plus(&moved()[..4], &[(1, 35, evicted(task(2), 0))]);
        said.extend_from_slice(middle);
        said.push((1, 60, Event::Offline { hart: Hart(1) }));
        reasons(MIGRATION, 2, &said)
    };
    assert_eq!(away(&[]), NOTHING);
    assert_eq!(away(&[(1, 40, rehome)]), NOTHING);
    let stays = "cpu1 states Evicted of task 2.1 at 35 ns and does not leave";
    assert_eq!(away(&[(1, 40, Event::IdleBegin {})]), [stays]);
    let twice = "cpu1 gives task 1.1 a new home at 41 ns, which does not wait, or has one";
    assert_eq!(away(&[(1, 40, rehome), (1, 41, rehome)]), [twice]);
    let runs = Event::Rehome { task: task(9), to: Cpu(0) };
    assert_eq!(
        away(&[(1, 40, runs)]),
        ["cpu1 gives task 9.1 a new home at 40 ns, which does not wait, or has one"]
    );
    // Once in each life of the CPU.
    let back = [
        (1, 70, Event::Online { hart: Hart(1), stack: 0, block: 0 }),
        (1, 80, rehome),
        (1, 90, Event::Offline { hart: Hart(1) }),
    ];
    let first = plus(&moved()[..4], &[(1, 40, rehome), (1, 60, Event::Offline { hart: Hart(1) })]);
    says(MIGRATION, 2, &plus(&first, &back), &[]);
    let kept = Event::Rehome { task: T, to: Cpu(1) };
    assert_eq!(away(&[(1, 40, kept)]), ["cpu1 states Rehome of task 1.1 at 40 ns and does not leave"]);
}
