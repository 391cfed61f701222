//! More recorded runs that went wrong in a way of which each single fact, and its neighbours, say nothing: each must be red.

use super::holes::{calls, green, of, red, renumber};
use super::recorded::{Recorded, recorded};
use super::*;

/// The facts with one task's name changed wherever it stands.
fn renamed(facts: &[Fact], old: Task, new: Task) -> Vec<Fact> {
    let rename = |fact: &Fact| {
        let mut bytes = fact.encode();
        for word in bytes[16..].as_chunks_mut::<8>().0 {
            if *word == old.0.to_le_bytes() {
                *word = new.0.to_le_bytes();
            }
        }
        Fact::decode(&bytes).expect("a fact with another task")
    };
    facts.iter().map(rename).collect()
}

/// When the tasks were made, and when they ended.
fn lives(run: &Recorded) -> BTreeMap<Task, (u64, u64)> {
    let mut lives = BTreeMap::new();
    for fact in &run.facts {
        if let Event::Spawned { task, .. } = fact.event {
            lives.insert(task, (fact.time, 0));
        }
    }
    for fact in &run.facts {
        if let Event::Exit { task, .. } = fact.event {
            lives.get_mut(&task).expect("a task that was made").1 = fact.time;
        }
    }
    lives
}

/// The pool gives a slot to a task while another one lives in it: both have one frame.
#[test]
fn two_tasks_in_one_slot() {
    for cpus in [1, 2, 4] {
        let run = recorded(cpus);
        let lives = lives(&run);
        let mut tried = 0;
        for (old, (made, _)) in &lives {
            // One that was made before and is still there; its slot's next generation was never seen otherwise.
            let host = lives.iter().find(|(task, (from, to))| *task != old && from < made && made < to);
            let Some((host, _)) = host else { continue };
            let new = Task(host.0 | 0x7000_0000 << 32);
            assert_eq!(
                red(&run, renamed(&run.facts, *old, new)),
                ["ownership"],
                "smp={cpus}: {old:?} as {new:?}"
            );
            tried += 1;
        }
        assert!(tried > 0);
    }
}

/// A generation that was there before: whoever holds the old name would reach the new task.
#[test]
fn a_name_of_an_older_generation() {
    for cpus in [1, 2, 4] {
        let run = recorded(cpus);
        let slot = |task: &Task| task.0 as u32;
        let lives = lives(&run);
        let second = lives.keys().rev().find(|task| task.0 >> 32 > 1).expect("a slot used again");
        let before = lives.keys().find(|task| slot(task) == slot(second)).expect("its first task");
        assert!(before.0 >> 32 == 1);
        // As if generations counted down.
        let facts = renamed(&run.facts, *before, Task(0x7fff_ffff << 32 | u64::from(slot(before))));
        assert_eq!(red(&run, facts), ["ownership"], "smp={cpus}");
    }
}

/// It is told that it may not have that class, and has it.
#[test]
fn a_refused_class_that_is_given() {
    let run = recorded(1);
    let asks = |task: Task| {
        [
            Event::TrapUser { cause: 8, task },
            Event::Syscall { number: Syscall::SetQos.number() as u64, task },
            Event::Refused { number: Syscall::SetQos.number() as u64, error: Error::Denied, argument: 3 },
        ]
    };
    let mut tried = 0;
    for (at, fact) in run.facts.iter().enumerate() {
        let Event::TrapUser { cause: 8, task } = fact.event else { continue };
        let mut facts = run.facts.clone();
        let mut changed = 0;
        for later in &mut facts[at..] {
            match &mut later.event {
                Event::Dispatch { task: t, class, .. } if *t == task && *class < Qos::PerfBurst => {
                    (*class, changed) = (Qos::PerfBurst, changed + 1);
                }
                _ => {}
            }
        }
        facts.splice(at..at, asks(task).map(|event| Fact { event, ..*fact }));
        if changed > 0 && tried < 20 {
            tried += 1;
            assert!(red(&run, facts).contains(&"ownership"), "{at}: {fact:?}");
        }
    }
    assert!(tried > 0);
}

/// Put into the inbox of a CPU that does not leave yet, and then somewhere else as well.
#[test]
fn a_task_put_on_two_cpus() {
    for cpus in [2, 4] {
        let run = recorded(cpus);
        let leaves = run
            .facts
            .iter()
            .find(|fact| matches!(fact.event, Event::Offline { .. }))
            .expect("one that leaves");
        let mut tried = 0;
        for (at, pair) in run.facts.windows(2).enumerate() {
            let (Event::Spawned { task, .. }, Event::Enqueue { target, .. }) = (pair[0].event, pair[1].event)
            else {
                continue;
            };
            if target == leaves.cpu || pair[0].cpu == leaves.cpu || pair[0].time >= leaves.time {
                continue;
            }
            tried += 1;
            let mut facts = run.facts.clone();
            let event = Event::Enqueue { task, target: leaves.cpu, place: Place::Inbox };
            facts.insert(at + 1, Fact { event, ..pair[0] });
            assert_eq!(red(&run, facts), ["ownership"], "smp={cpus}: {:?}", pair[1]);
        }
        assert!(tried > 0, "smp={cpus}");
    }
}

/// A CPU sleeps although it has just put a task into its own queue.
#[test]
fn idle_with_work_in_its_own_queue() {
    for cpus in [1, 2, 4] {
        let run = recorded(cpus);
        let mut tried = 0;
        for (at, pair) in run.facts.windows(2).enumerate() {
            let (Event::Enqueue { place: Place::Local, .. }, Event::Dispatch { .. }) =
                (pair[0].event, pair[1].event)
            else {
                continue;
            };
            tried += 1;
            let mut facts = run.facts.clone();
            let sleeps = [Event::IdleBegin {}, Event::IdleEnd { why: IdleEnd::Work }];
            facts.splice(at + 1..at + 1, sleeps.map(|event| Fact { event, ..pair[0] }));
            assert_eq!(red(&run, facts), ["qos"], "smp={cpus}: {:?}", pair[1]);
        }
        assert!(tried > 0, "smp={cpus}");
    }
}

/// A wild program asks for what takes a right, which it has not, and is answered.
#[test]
fn a_right_that_nobody_gave() {
    for cpus in [1, 2, 4] {
        let run = recorded(cpus);
        for (at, pair) in run.facts.windows(2).enumerate() {
            let Event::Fault { task, .. } = pair[1].event else { continue };
            let number = Syscall::Probe.number() as u64;
            let asks = [Event::TrapUser { cause: 8, task }, Event::Syscall { number, task }];
            let mut facts = run.facts.clone();
            facts.splice(at..at, asks.map(|event| Fact { event, ..pair[0] }));
            assert_eq!(red(&run, facts.clone()), ["calls"], "smp={cpus}");
            // Told that it may not, as it should be.
            let told = Event::Refused { number, error: Error::Denied, argument: 0 };
            facts.insert(at + 2, Fact { event: told, ..pair[0] });
            assert!(green(&run, facts), "smp={cpus}");
        }
    }
}

/// A program that does nothing wrong is ended for a fault that it does not commit.
#[test]
fn a_tame_program_ended_for_a_fault() {
    for cpus in [1, 2, 4] {
        let run = recorded(cpus);
        let ends = run.facts.windows(4).enumerate().filter(|(_, four)| {
            matches!(four[2].event, Event::Leave { why: Leave::Exit, .. })
                && calls(Syscall::ThreadExit)(&four[1].event) | calls(Syscall::Exit)(&four[1].event)
        });
        let mut tried = 0;
        for (at, four) in ends {
            let Event::Leave { task, .. } = four[2].event else { panic!("an end") };
            let mut facts = run.facts.clone();
            facts[at].event = Event::TrapUser { cause: 12, task };
            facts[at + 1].event = Event::Fault { task, cause: 12, address: 16 };
            let red = red(&run, facts);
            assert!(red.contains(&"isolation"), "smp={cpus}: {:?}: {red:?}", four[1]);
            tried += 1;
        }
        assert!(tried > 0);
    }
}

/// cpu1 is never rung when it sleeps, and finds what others put into its inbox all the same: it does not sleep, but looks.
#[test]
fn sleepers_that_nobody_wakes() {
    let run = recorded(2);
    let (sender, target) = (of(&run, 0), of(&run, 1));
    let mut gone = Vec::new();
    for three in sender.windows(3) {
        let (Event::Enqueue { place: Place::Inbox, .. }, Event::Request { n, what: Request::Resched, .. }) =
            (three[0].event, three[1].event)
        else {
            continue;
        };
        let answer = [Event::IdleBegin {}, Event::Seen { at: Seen::Wfi }, Event::Ack { sender: Cpu(0), n }];
        let answer = target.windows(4).find(|four| {
            four.iter().map(|fact| fact.event).take(3).eq(answer)
                && matches!(four[3].event, Event::IdleEnd { .. })
        });
        if let Some(four) = answer.filter(|_| three[2].event == Event::Ring { target: Cpu(1), n }) {
            gone.extend([three[1], three[2], four[1], four[2]]);
        }
    }
    assert!(gone.len() > 4 * 8);
    let mut facts: Vec<Fact> = run.facts.iter().filter(|fact| !gone.contains(fact)).copied().collect();
    let asks = |fact: &Fact| match fact.event {
        Event::Request { target: Cpu(1), n, .. } if fact.cpu == Cpu(0) => Some(n),
        _ => None,
    };
    let mut lost: Vec<u64> = gone.iter().filter_map(asks).collect();
    lost.sort_unstable();
    lost.into_iter().rev().for_each(|n| renumber(&mut facts, n, -1));
    assert_eq!(red(&run, facts), ["resched"]);
}
