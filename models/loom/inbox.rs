//! The inbox: several producers, the owner that drains it, closes it and opens it again.
//!
//! Bounds: two producers with two tasks each, or three with one; two drains beside them and one after; one life after
//! the close; two preemptions, three against a close (deep: one more), no bound for the opening. Each task carries a
//! frame with its number, written before the push.
//!
//! Not covered: a producer that tries elsewhere when its task comes back (the scheduler's models do that); the order
//! between producers, of which the inbox promises nothing; spurious failures of the weak exchange, which loom has none of.
//!
//! Stronger than needed, as far as these models see: the Release half of `close`. A push that meets the mark learns
//! nothing else from it.
#![cfg(loom)]

use std::sync::Arc;

use antler_abi::Qos;
use antler_models::{Frames, account, explore};
use antler_nucleus::{CpuId, Inbox, Runnable, TaskPool};
use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::thread;

struct Shared {
    pool: TaskPool,
    inbox: Inbox,
    frames: Frames,
}

impl Shared {
    fn closed(tasks: usize) -> Arc<Shared> {
        let (pool, frames) = (TaskPool::new(tasks), Frames::new(tasks));
        Arc::new(Shared { pool, inbox: Inbox::closed(), frames })
    }

    fn open(tasks: usize) -> Arc<Shared> {
        let shared = Shared::closed(tasks);
        shared.inbox.open();
        shared
    }

    fn spawn(&self) -> Runnable {
        self.pool.spawn(0, Qos::Normal, CpuId::BOOT, false).expect("the pool has room")
    }

    /// Numbers of the tasks that the owner finds now, oldest first.
    fn drain(&self) -> Vec<u32> {
        self.inbox.take(&self.pool).map(|task| self.frames.load(task.slot())).collect()
    }
}

/// A producer of the tasks with these numbers; it ends with the numbers of those that came back. Its tasks are made
/// before it starts, so that only the inbox is contended.
fn producer(shared: &Arc<Shared>, numbers: impl Iterator<Item = u32>) -> thread::JoinHandle<Vec<u32>> {
    let tasks: Vec<(u32, Runnable)> = numbers.map(|n| (n, shared.spawn())).collect();
    let shared = shared.clone();
    thread::spawn(move || {
        let mut back = Vec::new();
        for (number, task) in tasks {
            shared.frames.save(task.slot(), number);
            if let Err(task) = shared.inbox.push(&shared.pool, task) {
                back.push(shared.frames.load(task.slot()));
            }
        }
        back
    })
}

fn join(producers: Vec<thread::JoinHandle<Vec<u32>>>) -> Vec<Vec<u32>> {
    producers.into_iter().map(|p| p.join().expect("a producer ends")).collect()
}

/// The numbers that one producer pushed, in the order in which the owner found them.
fn of(found: &[u32], numbers: std::ops::RangeInclusive<u32>) -> Vec<u32> {
    found.iter().copied().filter(|n| numbers.contains(n)).collect()
}

#[test]
fn the_owner_finds_every_task_whole_and_in_its_producers_order() {
    explore("inbox, two producers with two tasks each", Some(2), || {
        let shared = Shared::open(4);
        let producers = vec![producer(&shared, 1..=2), producer(&shared, 3..=4)];
        let mut found = shared.drain();
        found.extend(shared.drain());
        let back = join(producers);
        assert!(back.iter().all(Vec::is_empty), "an open inbox gave a task back: {back:?}");
        found.extend(shared.drain());
        assert!(found.iter().all(|n| (1..=4).contains(n)), "a task was found before its frame: {found:?}");
        account(4, &[of(&found, 1..=2), of(&found, 3..=4)]);
    });
}

#[test]
fn three_producers_meet_one_drain() {
    explore("inbox, three producers", Some(2), || {
        let shared = Shared::open(4);
        let producers = vec![producer(&shared, 1..=1), producer(&shared, 2..=2), producer(&shared, 3..=3)];
        let mut found = shared.drain();
        let _none_back = join(producers);
        found.extend(shared.drain());
        found.sort_unstable();
        account(3, &[found]);
    });
}

#[test]
fn a_push_gets_in_before_the_close_or_gets_its_task_back() {
    explore("inbox, close against two producers", Some(3), || {
        let shared = Shared::open(4);
        let producers = vec![producer(&shared, 1..=2), producer(&shared, 3..=3)];
        let handed_over: Vec<u32> =
            shared.inbox.close(&shared.pool).map(|task| shared.frames.load(task.slot())).collect();
        let mut takers = join(producers);
        takers.push(of(&handed_over, 1..=2));
        takers.push(of(&handed_over, 3..=3));
        takers.push(of(&handed_over, 0..=0));
        account(3, &takers);
        assert!(!shared.inbox.has_mail());
        // The next life: what comes now gets in, and nothing of the former life does.
        shared.inbox.open();
        shared.frames.save(shared.inbox_task(), 9);
        assert_eq!(shared.drain(), [9], "the next life begins with what came in it");
    });
}

impl Shared {
    /// Pushes one more task and tells its slot.
    fn inbox_task(&self) -> usize {
        let task = self.spawn();
        let slot = task.slot();
        assert!(self.inbox.push(&self.pool, task).is_ok(), "the inbox is open again");
        slot
    }
}

#[test]
fn who_can_push_sees_what_the_owner_set_up() {
    explore("inbox, open against a push", None, || {
        let shared = Shared::closed(1);
        let set_up = Arc::new(AtomicU32::new(0));
        let (task, theirs, seen) = (shared.spawn(), shared.clone(), set_up.clone());
        let pusher = thread::spawn(move || {
            let inside = theirs.inbox.push(&theirs.pool, task).is_ok();
            // The fence is the waker's, which reads the owner's published state after it.
            fence(Ordering::SeqCst);
            if inside {
                assert_eq!(seen.load(Ordering::Relaxed), 1, "pushed to a CPU whose state is not visible yet");
            }
            inside
        });
        set_up.store(1, Ordering::Relaxed);
        shared.inbox.open();
        let inside = pusher.join().expect("the pusher ends");
        assert_eq!(shared.drain().len(), usize::from(inside));
    });
}
