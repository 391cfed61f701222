//! The wait table: parking under a check, waking, and claims that come from elsewhere (a deadline, a program's end).
//!
//! Bounds: one bucket, one or two waiters, two keys; two threads without a bound on preemptions, or three with three
//! (deep: four). The check is the futex's: a word that the waker changes before it wakes.
//!
//! Not covered: buckets beside each other (each has a lock and a list of its own); more than two waiters on a list in
//! motion.
#![cfg(loom)]

use std::sync::Arc;

use antler_abi::Qos;
use antler_models::{Frames, Turn, explore};
use antler_nucleus::{CpuId, Key, Runnable, Running, TaskPool, Ticket, WaitTable};
use antler_sync::Brand;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

const KEY: Key = Key::Address(1, 8);
const OTHER: Key = Key::Address(2, 8);

struct Shared {
    pool: TaskPool,
    table: WaitTable,
    frames: Frames,
    word: AtomicU32,
}

impl Shared {
    fn new(tasks: usize) -> Arc<Shared> {
        Arc::new(Shared {
            pool: TaskPool::new(tasks),
            table: WaitTable::new(1),
            frames: Frames::new(tasks),
            word: AtomicU32::new(0),
        })
    }

    /// With `tasks` tasks parked on [`KEY`], in the order of their slots.
    fn parked(tasks: usize) -> Arc<Shared> {
        let shared = Shared::new(tasks);
        (0..tasks).for_each(|_| assert!(shared.park(shared.start(), KEY), "the word is 0"));
        shared
    }

    fn start(&self) -> Running {
        self.pool.start(self.pool.spawn(0, Qos::Normal, CpuId::BOOT, false).expect("the pool has room"))
    }

    /// Waits on `key` for as long as the word is 0; false if it is not. The frame holds what it is to be found with.
    fn park(&self, task: Running, key: Key) -> bool {
        let mut token = Brand::virtual_harts(1).1.remove(0).enter();
        let slot = task.slot();
        self.frames.save(slot, slot as u32 + 1);
        let held = &mut token.unlocked();
        let parked = self.table.park(&self.pool, task, key, held, &Turn, |_| {
            if self.word.load(Ordering::Relaxed) == 0 { Ok(()) } else { Err(()) }
        });
        parked.is_ok()
    }

    /// Wakes up to `count` waiters of `key`.
    fn wake(&self, key: Key, count: usize) -> Vec<Runnable> {
        let mut token = Brand::virtual_harts(1).1.remove(0).enter();
        let mut woken = Vec::new();
        let n = self.table.wake(&self.pool, key, count, &mut token.unlocked(), &Turn, |task| {
            woken.push(self.whole(task));
        });
        assert_eq!(n, woken.len(), "a task was counted as woken and not handed over");
        woken
    }

    /// Claims by a ticket, as a deadline does, and takes the task off its list.
    fn claim(&self, ticket: Ticket) -> Option<Runnable> {
        let task = self.pool.claim(ticket)?;
        let mut token = Brand::virtual_harts(1).1.remove(0).enter();
        let listed = self.table.forget(&self.pool, &task, &mut token.unlocked(), &Turn);
        assert!(listed, "a task was claimed while it was in no list");
        Some(task)
    }

    fn whole(&self, task: Runnable) -> Runnable {
        let slot = task.slot();
        assert_eq!(self.frames.load(slot), slot as u32 + 1, "a task was woken before its frame was visible");
        task
    }

    /// Every slot below `tasks` was woken once by one of `wakers`; and no list has kept any of it: all wait again, and
    /// are found in the order in which they came.
    fn each_once(&self, tasks: usize, wakers: impl IntoIterator<Item = Vec<Runnable>>) {
        let mut all: Vec<Runnable> = wakers.into_iter().flatten().collect();
        all.sort_unstable_by_key(Runnable::slot);
        let slots: Vec<usize> = all.iter().map(Runnable::slot).collect();
        assert!(slots.is_sorted_by(|a, b| a < b), "one waiter was woken twice: {slots:?}");
        assert_eq!(slots.len(), tasks, "a waiter was lost: {slots:?}");
        self.word.store(0, Ordering::Relaxed);
        all.into_iter().for_each(|task| assert!(self.park(self.pool.start(task), KEY), "the word is 0"));
        let again: Vec<usize> = self.wake(KEY, tasks).iter().map(Runnable::slot).collect();
        assert_eq!(again, slots, "a waiter was left in a list: those who wait again are not all found");
        assert!(self.table.is_quiet(KEY), "a list counts waiters that are gone");
    }
}

#[test]
fn a_wake_does_not_fall_between_check_and_park() {
    explore("waits, park against wake", None, || {
        let shared = Shared::new(1);
        let task = shared.start();
        let theirs = shared.clone();
        let waker = thread::spawn(move || {
            theirs.word.store(1, Ordering::Relaxed);
            theirs.wake(KEY, 1)
        });
        let waits = shared.park(task, KEY);
        let woken = waker.join().expect("the waker ends");
        assert_eq!(
            woken.len(),
            usize::from(waits),
            "a wake was lost: the task waits for a word that has changed"
        );
        if waits {
            shared.each_once(1, [woken]);
        }
    });
}

/// The waker takes the lock only if somebody waits. Who is about to wait, and not seen, sees the changed word.
#[test]
fn who_is_about_to_wait_is_seen_or_sees() {
    explore("waits, park against a wake that looks first", None, || {
        let shared = Shared::new(1);
        let task = shared.start();
        let theirs = shared.clone();
        let waker = thread::spawn(move || {
            theirs.word.store(1, Ordering::Relaxed);
            if theirs.table.is_quiet(KEY) { Vec::new() } else { theirs.wake(KEY, 1) }
        });
        let waits = shared.park(task, KEY);
        let woken = waker.join().expect("the waker ends");
        assert_eq!(woken.len(), usize::from(waits), "a waiter was overlooked: nobody wakes it");
        if waits {
            shared.each_once(1, [woken]);
        }
    });
}

#[test]
fn a_claim_elsewhere_takes_the_waiter_out() {
    explore("waits, wake of one against a deadline", None, || {
        let shared = Shared::parked(2);
        let first = shared.pool.parked(0).expect("it is parked");
        let theirs = shared.clone();
        let waker = thread::spawn(move || theirs.wake(KEY, 1));
        // What the deadline wakes waits again at once, on another key: it must be in that list, and in no other.
        let timed_out = shared.claim(first).map(|task| shared.park(shared.pool.start(task), OTHER));
        let woken = waker.join().expect("the waker ends");
        assert_eq!(woken.len(), 1, "a claim elsewhere used up a wake");
        let others = shared.wake(OTHER, 9);
        assert_eq!(others.len(), usize::from(timed_out.is_some()), "a waiter is not on the list it waits in");
        let left = shared.wake(KEY, 9);
        shared.each_once(2, [woken, others, left]);
    });
}

#[test]
fn a_claim_right_after_the_park_finds_the_waiter_linked() {
    explore("waits, park against a deadline and its next park", None, || {
        let shared = Shared::new(1);
        let task = shared.start();
        let theirs = shared.clone();
        let deadline = thread::spawn(move || {
            let Some(task) = theirs.pool.parked(0).and_then(|ticket| theirs.claim(ticket)) else {
                return false;
            };
            theirs.park(theirs.pool.start(task), OTHER)
        });
        assert!(shared.park(task, KEY), "the word is 0");
        let moved = deadline.join().expect("the deadline ends");
        let (first, second) = (shared.wake(KEY, 9), shared.wake(OTHER, 9));
        assert_eq!(second.len(), usize::from(moved), "a waiter is not on the list it waits in");
        shared.each_once(1, [first, second]);
    });
}

#[test]
fn two_wakers_wake_two() {
    explore("waits, two wakers of one each", None, || {
        let shared = Shared::parked(2);
        let theirs = shared.clone();
        let waker = thread::spawn(move || theirs.wake(KEY, 1));
        let mine = shared.wake(KEY, 1);
        shared.each_once(2, [mine, waker.join().expect("the waker ends")]);
    });
}

#[test]
fn of_a_wake_and_two_claims_one_gets_the_waiter() {
    explore("waits, one waiter, three ways to wake it", Some(3), || {
        let shared = Shared::parked(1);
        let ticket = shared.pool.parked(0).expect("it is parked");
        let claimers = [(); 2].map(|()| {
            let shared = shared.clone();
            thread::spawn(move || shared.claim(ticket).map(|task| shared.whole(task)))
        });
        let woken = shared.wake(KEY, 1);
        let claimed: Vec<Runnable> =
            claimers.into_iter().filter_map(|c| c.join().expect("a claimer ends")).collect();
        shared.each_once(1, [woken, claimed]);
    });
}
