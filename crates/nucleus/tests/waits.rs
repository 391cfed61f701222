//! The wait table against a list of waiters per key.

use antler_abi::Qos;
use antler_nucleus::{CpuId, Key, Phase, Runnable, Running, TaskPool, WaitTable};
use antler_sync::{Brand, Relax};
use proptest::collection::vec;
use proptest::prelude::*;

const TASKS: usize = 16;

struct Alone;

impl Relax for Alone {
    fn relax(&self, _: u64) {
        panic!("nobody else is there to hold a lock");
    }
}

/// Keys that share words, so that a table that compared half of one would mix them up.
const KEYS: [Key; 8] = [
    Key::Address(0, 0),
    Key::Address(0, 8),
    Key::Address(8, 0),
    Key::Address(8, 8),
    Key::Address(1, u64::MAX),
    Key::End(0),
    Key::End(8),
    Key::End(1 << 32),
];

#[derive(Clone, Copy, Debug)]
enum Step {
    Park(usize),
    /// Somebody's check finds no reason to wait.
    Decline(usize),
    Wake(usize, usize),
    /// A deadline or the end of a program claims the task at this place of all who wait, and takes it out.
    Claim(usize),
    /// The same, but a waker looks in between, before the link is gone.
    ClaimUnderWake(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..KEYS.len();
    let count = prop_oneof![0..4usize, Just(usize::MAX)];
    prop_oneof![
        6 => key.clone().prop_map(Step::Park),
        1 => key.clone().prop_map(Step::Decline),
        3 => (key.clone(), count.clone()).prop_map(|(key, count)| Step::Wake(key, count)),
        2 => (0..TASKS).prop_map(Step::Claim),
        2 => (0..TASKS, count).prop_map(|(at, count)| Step::ClaimUnderWake(at, count)),
    ]
}

proptest! {
    #[test]
    fn waiters_leave_in_order_by_one_way_only(
        steps in vec(step(), 0..120),
        bits in 0..4u32,
    ) {
        let (pool, table) = (TaskPool::new(TASKS), WaitTable::new(1 << bits));
        let mut token = Brand::virtual_harts(1).1.remove(0).enter();
        let mut running: Vec<Running> = (0..TASKS)
            .map(|_| pool.start(pool.spawn(0, Qos::Normal, CpuId::BOOT, false).unwrap()))
            .collect();
        // All who wait, oldest first: key and slot.
        let mut model: Vec<(usize, usize)> = Vec::new();
        for step in steps {
            match step {
                Step::Park(key) => {
                    let Some(task) = running.pop() else { continue };
                    model.push((key, task.slot()));
                    let park = table.park(&pool, task, KEYS[key], &mut token.unlocked(), &Alone, |_| Ok::<_, ()>(()));
                    prop_assert!(park.is_ok());
                }
                Step::Decline(key) => {
                    let Some(task) = running.pop() else { continue };
                    let slot = task.slot();
                    let park = table.park(&pool, task, KEYS[key], &mut token.unlocked(), &Alone, |_| Err(key));
                    let Err((task, why)) = park else { panic!("parked without a reason") };
                    prop_assert_eq!((task.slot(), why), (slot, key));
                    prop_assert_eq!(pool.phase(slot as u32), Phase::Running);
                    running.push(task);
                }
                Step::Wake(key, count) => {
                    let mut found: Vec<Runnable> = Vec::new();
                    let held = &mut token.unlocked();
                    let woken = table.wake(&pool, KEYS[key], count, held, &Alone, |task| found.push(task));
                    let expected: Vec<usize> =
                        model.iter().filter(|waiter| waiter.0 == key).map(|waiter| waiter.1).take(count).collect();
                    prop_assert_eq!(found.iter().map(Runnable::slot).collect::<Vec<_>>(), expected.clone());
                    prop_assert_eq!(woken, expected.len());
                    model.retain(|waiter| !expected.contains(&waiter.1));
                    for task in found {
                        prop_assert!(!table.forget(&pool, &task, &mut token.unlocked(), &Alone), "still linked");
                        running.push(pool.start(task));
                    }
                }
                Step::Claim(at) => {
                    if model.is_empty() { continue }
                    let (_, slot) = model.remove(at % model.len());
                    let ticket = pool.parked(slot as u32).expect("the model says that it is parked");
                    let task = pool.claim(ticket).expect("nobody else claims");
                    prop_assert!(table.forget(&pool, &task, &mut token.unlocked(), &Alone));
                    prop_assert!(!table.forget(&pool, &task, &mut token.unlocked(), &Alone), "twice");
                    prop_assert!(pool.claim(ticket).is_none());
                    running.push(pool.start(task));
                }
                Step::ClaimUnderWake(at, count) => {
                    if model.is_empty() { continue }
                    let (key, slot) = model.remove(at % model.len());
                    let task = pool.claim(pool.parked(slot as u32).expect("parked")).expect("nobody else claims");
                    // It is still linked, is passed over, and does not count.
                    let mut found: Vec<Runnable> = Vec::new();
                    let held = &mut token.unlocked();
                    table.wake(&pool, KEYS[key], count, held, &Alone, |task| found.push(task));
                    let expected: Vec<usize> =
                        model.iter().filter(|waiter| waiter.0 == key).map(|waiter| waiter.1).take(count).collect();
                    prop_assert_eq!(found.iter().map(Runnable::slot).collect::<Vec<_>>(), expected.clone());
                    model.retain(|waiter| !expected.contains(&waiter.1));
                    prop_assert!(table.forget(&pool, &task, &mut token.unlocked(), &Alone));
                    running.push(pool.start(task));
                    running.extend(found.into_iter().map(|task| pool.start(task)));
                }
            }
            prop_assert_eq!(running.len() + model.len(), TASKS, "a task was lost or doubled");
        }
    }
}
