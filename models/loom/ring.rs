//! The run queue's ring: its owner, and one or two thieves.
//!
//! Bounds: rings of 2 and 4 cells, at most 4 pushes (two laps of the small ring), thieves that try once or twice; two
//! preemptions with two thieves, three or four with one (deep: one more). Each task carries a frame with the number
//! of its push, written before the push; whoever gets the task reads it.
//!
//! Not covered: positions that wrap at 2^32; more than two thieves (a third can only do what the second does).
//!
//! Stronger than needed, as far as these models see. In `pop`, the Acquire of `head`, loaded or exchanged: the owner
//! reads only cells and a tail of its own, and a head that is too old fails its exchange. In `take`, the Acquire of the
//! exchange: the load before it read the same value, and with it the same store, since positions do not come twice.
#![cfg(loom)]

use std::sync::Arc;

use antler_abi::Qos;
use antler_models::{Frames, account, explore};
use antler_nucleus::{CpuId, OwnerEnd, Ring, Runnable, Take, TaskPool};
use loom::thread;

struct Shared {
    pool: TaskPool,
    ring: Ring,
    frames: Frames,
}

/// The owner: numbers what it pushes, and keeps the numbers of what it pops.
struct Owner {
    shared: Arc<Shared>,
    end: OwnerEnd,
    pushed: u32,
    got: Vec<u32>,
}

impl Owner {
    fn new(capacity: usize) -> Owner {
        // One task more than the ring holds, so that a cell never written (0) names a task that was never queued.
        let pool = TaskPool::new(capacity + 1);
        let _unused: Runnable = pool.spawn(0, Qos::Normal, CpuId::BOOT, false).expect("the pool has room");
        let (ring, end) = Ring::new(capacity);
        let frames = Frames::new(capacity + 1);
        Owner { shared: Arc::new(Shared { pool, ring, frames }), end, pushed: 0, got: Vec::new() }
    }

    fn push(&mut self, task: Runnable) {
        self.pushed += 1;
        self.shared.frames.save(task.slot(), self.pushed);
        self.shared.ring.push(&mut self.end, task);
    }

    fn push_new(&mut self) {
        let task = self.shared.pool.spawn(0, Qos::Normal, CpuId::BOOT, false).expect("the pool has room");
        self.push(task);
    }

    fn pop(&mut self) -> Option<Runnable> {
        let task = self.shared.ring.pop(&mut self.end)?;
        self.got.push(self.shared.frames.load(task.slot()));
        Some(task)
    }

    /// Empties the ring and compares what was pushed with what everybody got.
    fn finish(mut self, thieves: Vec<thread::JoinHandle<Vec<u32>>>) {
        let mut got: Vec<Vec<u32>> = thieves.into_iter().map(|t| t.join().expect("a thief ends")).collect();
        let left = (0..=self.pushed).take_while(|_| self.pop().is_some()).count();
        assert!(left <= self.pushed as usize, "the head has passed the tail: the ring never empties");
        assert!(self.shared.ring.is_empty());
        got.push(self.got);
        account(self.pushed, &got);
    }
}

/// A thief that tries `tries` times to take `bound` tasks, and reads the frame of each that it gets.
fn thief(shared: &Arc<Shared>, tries: usize, bound: usize) -> thread::JoinHandle<Vec<u32>> {
    let shared = shared.clone();
    thread::spawn(move || {
        let mut got = Vec::new();
        for _ in 0..tries {
            let mut out = [u32::MAX; 4];
            if let Take::Took(n) = shared.ring.take(&mut out[..bound]) {
                assert!((1..=bound).contains(&n), "took {n}, above its bound of {bound}");
                got.extend(out[..n].iter().map(|&slot| shared.frames.load(slot as usize)));
            }
        }
        got
    })
}

#[test]
fn a_thief_reads_what_it_counts() {
    explore("ring, one thief", Some(4), || {
        let mut owner = Owner::new(4);
        let thieves = vec![thief(&owner.shared, 1, 2)];
        (0..3).for_each(|_| owner.push_new());
        let _kept = owner.pop();
        owner.finish(thieves);
    });
}

#[test]
fn a_thief_takes_several_against_a_pop() {
    explore("ring, a take of two against pops", Some(3), || {
        let mut owner = Owner::new(4);
        (0..4).for_each(|_| owner.push_new());
        let thieves = vec![thief(&owner.shared, 2, 2)];
        let _kept = (owner.pop(), owner.pop());
        owner.finish(thieves);
    });
}

#[test]
fn a_thief_finds_nothing_in_a_ring_that_empties() {
    explore("ring, a thief beside pushes and pops in turn", Some(3), || {
        let mut owner = Owner::new(4);
        let thieves = vec![thief(&owner.shared, 2, 2)];
        for _ in 0..2 {
            owner.push_new();
            let _kept = owner.pop();
        }
        owner.finish(thieves);
    });
}

#[test]
fn two_thieves_and_the_owner_share_without_loss() {
    explore("ring, two thieves", Some(2), || {
        let mut owner = Owner::new(4);
        let thieves = vec![thief(&owner.shared, 1, 2), thief(&owner.shared, 1, 1)];
        (0..3).for_each(|_| owner.push_new());
        let _kept = owner.pop();
        owner.finish(thieves);
    });
}

#[test]
fn a_slow_thief_is_lapped() {
    explore("ring, laps", Some(3), || {
        let mut owner = Owner::new(2);
        let thieves = vec![thief(&owner.shared, 2, 2)];
        owner.push_new();
        owner.push_new();
        // What the owner got goes back in: cells are used again while the thief may still hold their numbers.
        for _ in 0..2 {
            if let Some(task) = owner.pop() {
                owner.push(task);
            }
        }
        owner.finish(thieves);
    });
}
