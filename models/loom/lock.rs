//! The spin lock: one section at a time, each seeing the one before.
//!
//! Bounds: two threads, one or two sections each; three preemptions for two sections, no bound for one. The value
//! under the lock is in loom's cell, which notices by itself when two accesses are not ordered. A waiter gives way
//! between looks; loom leaves out executions in which it looks again and nothing has changed.
//!
//! Not covered: fairness, of which there is none; the kernel's bound on a wait, which is `Relax`'s.
#![cfg(loom)]

use std::sync::Arc;

use antler_models::{Turn, explore};
use antler_sync::{Brand, Lock};
use loom::thread;

/// Adds one in two steps: between them a second section, if the lock let one in, would lose its addition.
fn add(value: &mut u32) {
    let before = *value;
    *value = before + 1;
}

#[test]
fn sections_do_not_overlap_and_see_each_other() {
    explore("lock, two threads with two sections", Some(3), || {
        let shared: Arc<Lock<u32, 1>> = Arc::new(Lock::new(0));
        let theirs = shared.clone();
        let other = thread::spawn(move || sections(&theirs));
        sections(&shared);
        other.join().expect("the sections end");
        let mut token = Brand::virtual_harts(1).1.remove(0).enter();
        assert_eq!(*shared.lock(&mut token.unlocked(), &Turn).0, 4, "a section did not see the one before");
    });
}

fn sections(lock: &Lock<u32, 1>) {
    let mut token = Brand::virtual_harts(1).1.remove(0).enter();
    for _ in 0..2 {
        add(&mut lock.lock(&mut token.unlocked(), &Turn).0);
    }
}

#[test]
fn a_leaf_lock_is_taken_with_waiting_or_not_at_all() {
    explore("lock, with against try_with", None, || {
        let shared: Arc<Lock<u32, { u8::MAX }>> = Arc::new(Lock::new(0));
        let theirs = shared.clone();
        let waiter = thread::spawn(move || {
            theirs.with(&Turn, add);
        });
        let first = shared.try_with(add);
        let tried = u32::from(first) + u32::from(shared.try_with(add));
        waiter.join().expect("the waiter ends");
        let sum = shared.with(&Turn, |value| *value);
        assert_eq!(sum, 1 + tried, "a section was lost, or a refused one ran");
        assert!(shared.try_with(add), "nobody holds the lock any more");
    });
}
