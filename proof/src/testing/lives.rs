//! Tasks: every step from every state, with the words for it.

use antler_facts::WakeCause;

use super::small::*;
use super::*;
use crate::life::Stay;
use crate::trace::Window;

fn wake(task: Task) -> Event {
    Event::Wake { task, cause: WakeCause::Signal, target: Cpu(0) }
}

/// A name for each state, and the steps that lead a task of cpu0 into it.
fn states() -> Vec<(&'static str, Vec<(u16, Event)>)> {
    let made = vec![(0, spawned(T, Task(0)))];
    let queued = [made.clone(), vec![(0, enqueue(T, 0))]].concat();
    let held = [queued.clone(), vec![(1, stolen(T, 0))]].concat();
    let running = [queued.clone(), vec![(0, dispatch(T))]].concat();
    let left = [running.clone(), vec![(0, leave(T, Leave::Yield))]].concat();
    let parked = [running.clone(), vec![(0, leave(T, Leave::Block))]].concat();
    let woken = [parked.clone(), vec![(0, wake(T))]].concat();
    let gone = [running.clone(), vec![(0, leave(T, Leave::Exit))]].concat();
    let ended = [gone.clone(), vec![(0, exit(T))]].concat();
    vec![
        ("never made", vec![]),
        ("made by cpu0, never queued", made),
        ("in cpu0's queue", queued),
        ("stolen by cpu1", held),
        ("running on cpu0", running),
        ("off cpu0, in no queue", left),
        ("waiting", parked),
        ("woken by cpu0, in no queue", woken),
        ("off cpu0 for good, its end not stated", gone),
        ("ended", ended),
    ]
}

#[test]
fn every_step_is_legal_from_the_states_that_the_protocol_names_and_no_other() {
    let (made, queued, held) = ("made by cpu0, never queued", "in cpu0's queue", "stolen by cpu1");
    let (left, woken) = ("off cpu0, in no queue", "woken by cpu0, in no queue");
    let legal: [(u16, Event, &[&str]); 20] = [
        (0, spawned(T, Task(0)), &["never made"]),
        (0, enqueue(T, 0), &[made, left, woken]),
        (0, enqueue(T, 1), &[made, left, woken, queued]),
        (1, enqueue(T, 1), &[held]),
        (1, enqueue(T, 0), &[held]),
        (0, dispatch(T), &[queued]),
        (1, dispatch(T), &[held]),
        (1, stolen(T, 0), &[queued]),
        (0, stolen(T, 1), &[held]),
        (0, stolen(T, 0), &[]),
        (1, stolen(T, 1), &[]),
        (0, evicted(T, 1), &[queued, left]),
        (1, evicted(T, 0), &[held]),
        (0, evicted(T, 0), &[]),
        (0, leave(T, Leave::Preempt), &["running on cpu0"]),
        (1, leave(T, Leave::Preempt), &[]),
        (0, wake(T), &["waiting"]),
        (1, wake(T), &["waiting"]),
        (0, exit(T), &["off cpu0 for good, its end not stated"]),
        (1, exit(T), &[]),
    ];
    for (state, steps) in states() {
        for (by, event, allowed) in legal {
            let mut said: Vec<Said> =
                steps.iter().zip(1..).map(|(&(cpu, e), at)| (cpu, at * 10, e)).collect();
            assert!(trace(&said).lives().flaws().is_empty(), "{state}");
            if !steps.is_empty() {
                let lives = trace(&said);
                assert_eq!(lives.lives().get(T).expect("a life").place(), state);
            }
            said.push((by, 900, event));
            let wrong = format!(
                "task 1.1: cpu{by} states {} at 900 ns, but the task was {state}",
                event.kind().name()
            );
            let expected: Vec<String> = if allowed.contains(&state) { vec![] } else { vec![wrong] };
            assert_eq!(words(trace(&said).lives().flaws()), expected);
        }
    }
}

/// A push that meets the closed inbox of a leaving CPU goes elsewhere, until that CPU is online again.
#[test]
fn others_move_a_queued_task_only_away_from_a_cpu_that_leaves() {
    let hart = antler_facts::Hart(0);
    let moved = |leaver: u16, at: u64| {
        let said = [
            (0, 10, spawned(T, Task(0))),
            (0, 20, enqueue(T, 0)),
            (leaver, 30, Event::Offline { hart }),
            (leaver, 50, Event::Online { hart, stack: 0, block: 0 }),
            (1, at, enqueue(T, 1)),
        ];
        trace(&said).lives().flaws().is_empty()
    };
    assert!(moved(0, 25) && moved(0, 40) && moved(0, 50));
    assert!(!moved(0, 51), "after its return");
    assert!(!moved(2, 25), "another CPU leaves");
    let same = [
        (0, 10, spawned(T, Task(0))),
        (0, 20, enqueue(T, 0)),
        (1, 30, enqueue(T, 0)),
        (0, 40, Event::Offline { hart }),
    ];
    assert!(!trace(&same).lives().flaws().is_empty(), "to where it is already");
}

/// A stay: which CPU, from and to when, which class.
fn stay(cpu: u16, from: u64, to: u64, class: Qos) -> (Cpu, Window, Qos) {
    (Cpu(cpu), Window { from, to }, class)
}

fn stays(stays: &[Stay]) -> Vec<(Cpu, Window, Qos)> {
    for stay in stays {
        assert_eq!((stay.begin.time, stay.end.map(|end| end.time)), (stay.span.from, Some(stay.span.to)));
    }
    stays.iter().map(|stay| (stay.cpu, stay.span, stay.class)).collect()
}

#[test]
fn stays_begin_and_end_with_the_steps() {
    let run = |task, class| Event::Dispatch { task, class, satp: 0 };
    let said = [
        (0, 10, spawned(T, task(7))),
        (0, 20, enqueue(T, 0)),
        (1, 30, stolen(T, 0)),
        (1, 40, dispatch(T)),
        (1, 50, syscall(T, Syscall::SetQos)),
        (1, 60, leave(T, Leave::Yield)),
        (1, 70, enqueue(T, 1)),
        (1, 80, evicted(T, 0)),
        (1, 90, enqueue(T, 0)),
        (0, 100, run(T, Qos::Idle)),
        (0, 110, leave(T, Leave::Exit)),
        (0, 120, exit(T)),
    ];
    let lives = trace(&said);
    assert_eq!(words(lives.lives().flaws()), NOTHING);
    let life = lives.lives().get(T).expect("a life");
    assert_eq!((life.parent, life.spawned, life.exit), (task(7), Some((Cpu(0), 10)), Some(120)));
    assert!(life.ended());
    let normal = Qos::Normal;
    assert_eq!(
        stays(&life.queued),
        [
            stay(0, 20, 30, normal),
            stay(1, 30, 40, normal),
            stay(1, 70, 80, normal),
            stay(0, 90, 100, Qos::Idle)
        ]
    );
    assert_eq!(stays(&life.ran), [stay(1, 40, 60, normal), stay(0, 100, 110, Qos::Idle)]);
    let at = |cpu, time| lives.lives().queued_at(Cpu(cpu), time, |class| class == normal).count();
    assert_eq!([at(0, 19), at(0, 20), at(0, 30), at(0, 31), at(1, 35), at(0, 95)], [0, 1, 1, 0, 1, 0]);
    // A second end is a flaw, and the first one stands.
    let twice = trace(&plus(&said, &[(0, 130, exit(T))]));
    assert_eq!(twice.lives().get(T).expect("a life").exit, Some(120));
    assert_eq!(twice.lives().flaws().len(), 1);
}

#[test]
fn the_class_changes_only_after_asking() {
    let run = |task, class| Event::Dispatch { task, class, satp: 0 };
    let turns = |call: Syscall, again: Qos| {
        let said = [
            (0, 10, spawned(T, Task(0))),
            (0, 20, enqueue(T, 0)),
            (0, 30, run(T, Qos::Normal)),
            (0, 40, syscall(T, call)),
            (0, 50, leave(T, Leave::Yield)),
            (0, 60, enqueue(T, 0)),
            (0, 70, run(T, Qos::Interactive)),
            (0, 80, leave(T, Leave::Yield)),
            (0, 90, enqueue(T, 0)),
            (0, 100, run(T, again)),
        ];
        words(trace(&said).lives().flaws())
    };
    assert_eq!(turns(Syscall::SetQos, Qos::Interactive), NOTHING);
    let unasked =
        "task 1.1: cpu0 runs it in class interactive at 70 ns; it was normal, and never asked for another";
    assert_eq!(turns(Syscall::Null, Qos::Interactive), [unasked]);
    let later =
        "task 1.1: cpu0 runs it in class idle at 100 ns; it was interactive, and never asked for another";
    assert_eq!(turns(Syscall::SetQos, Qos::Idle), [later], "one call is for one dispatch");
}

#[test]
fn of_equal_times_on_two_cpus_a_legal_step_goes_first() {
    for (thief, maker) in [(0, 1), (1, 0)] {
        let said =
            [(maker, 10, spawned(T, Task(0))), (maker, 20, enqueue(T, maker)), (thief, 20, stolen(T, maker))];
        assert_eq!(words(trace(&said).lives().flaws()), NOTHING);
        assert_eq!(trace(&said).lives().get(T).expect("a life").place(), format!("stolen by cpu{thief}"));
    }
    // One CPU's own facts keep their order, whatever their times.
    let backwards = [(0, 10, spawned(T, Task(0))), (0, 20, dispatch(T)), (0, 20, enqueue(T, 0))];
    assert_eq!(trace(&backwards).lives().flaws().len(), 2);
}

#[test]
fn one_task_at_a_time_on_each_cpu() {
    let other = task(2);
    let begin = [(0, 10, spawned(T, Task(0))), (0, 20, enqueue(T, 0)), (0, 30, dispatch(T))];
    let end = [(0, 60, leave(T, Leave::Exit)), (0, 70, exit(T))];
    says("ownership", 1, &plus(&begin, &end), &[]);
    says("ownership", 1, &[], &["no task was ever made"]);
    says("ownership", 1, &begin, &["task 1.1 never ended: it was last running on cpu0"]);
    let tells = |middle: &[Said], text: &str| {
        tells("ownership", 1, &[&begin[..], middle, &end[..]].concat(), text);
    };
    tells(&[(0, 40, dispatch(other))], "cpu0 runs task 2.1 while task 1.1 has not left, at 40 ns");
    tells(&[(0, 40, Event::IdleBegin {})], "cpu0 goes idle while task 1.1 runs, at 40 ns");
    let away = "cpu0 states that task 2.1 leaves, which was not running, at 40 ns";
    tells(&[(0, 40, leave(other, Leave::Yield))], away);
    tells(&[(0, 40, leave(other, Leave::Exit))], away);
    let after =
        |why| reasons("ownership", 1, &[&begin[..], &end[..], &[(0, 80, leave(other, why))]].concat());
    let text = "cpu0 states that task 2.1 leaves, which was not running, at 80 ns".to_owned();
    assert!(after(Leave::Yield).contains(&text));
    // A killed task that never ran leaves for good without having run here; its own life tells whether it may.
    assert!(!after(Leave::Exit).contains(&text));
}

/// What a CPU had queued itself is elsewhere when it stops.
#[test]
fn a_task_left_in_the_queue_of_a_cpu_that_stops() {
    let hart = antler_facts::Hart(1);
    let told = |queued_by: u16, queued: u64, takes: Said| {
        let mut said = vec![
            (0, 10, spawned(T, Task(0))),
            (queued_by, queued, enqueue(T, 1)),
            (1, 30, Event::Offline { hart }),
            (1, 50, Event::Online { hart, stack: 0, block: 0 }),
            takes,
        ];
        said.sort_by_key(|(_, time, _)| *time);
        let behind = "task 1.1 lay in cpu1's queue while that was offline, from 30 to 50 ns".to_owned();
        reasons("ownership", 2, &said).contains(&behind)
    };
    assert!(told(1, 20, (1, 60, dispatch(T))), "begun when it is back");
    assert!(told(1, 20, (1, 60, enqueue(T, 0))), "handed on when it is back");
    assert!(told(1, 30, (1, 60, dispatch(T))), "queued in the tick in which it stops");
    assert!(!told(1, 20, (1, 25, evicted(T, 0))), "before it stops");
    assert!(!told(1, 20, (0, 60, stolen(T, 1))), "who took it may say so late");
    assert!(!told(0, 20, (1, 60, dispatch(T))), "who sends it may say so early");
    assert!(!told(1, 55, (1, 60, dispatch(T))), "queued when it is back");
}
