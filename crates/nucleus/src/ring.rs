//! The run queue of one class on one CPU: a ring that its owner fills at the tail and everybody empties at the head.
//!
//! The owner is the only writer of slots and tail. `head` is the single word another CPU may move, and it moves by
//! compare-and-swap only: that is the whole cross-CPU boundary of a run queue. The ring has room for every task that
//! can exist, so a push cannot fail.

use alloc::boxed::Box;
use antler_sync::Line;
use antler_sync::atomic::{AtomicU32, Ordering};

use crate::task::Runnable;

/// The part that thieves see.
#[derive(Debug)]
pub struct Ring {
    slots: Box<[AtomicU32]>,
    head: Line<AtomicU32>,
    tail: Line<AtomicU32>,
}

/// The owner's end: who holds it mutably is the ring's one writer.
#[derive(Debug)]
pub struct OwnerEnd {
    tail: u32,
}

/// What a thief got.
#[derive(Debug, PartialEq, Eq)]
pub enum Take {
    /// So many slots were written to the front of `out`; the tasks are the thief's.
    Took(usize),
    /// The ring is empty.
    Empty,
    /// Somebody else moved the head first. The attempt is over.
    Lost,
}

impl Ring {
    /// An empty ring for `capacity` tasks (a power of two) and its owner's end.
    pub fn new(capacity: usize) -> (Ring, OwnerEnd) {
        assert!(capacity.is_power_of_two() && capacity <= 1 << 31);
        let slots = (0..capacity).map(|_| AtomicU32::new(0)).collect();
        let zero = || Line(AtomicU32::new(0));
        (Ring { slots, head: zero(), tail: zero() }, OwnerEnd { tail: 0 })
    }

    fn cell(&self, position: u32) -> &AtomicU32 {
        &self.slots[position as usize & (self.slots.len() - 1)]
    }

    /// Appends a task.
    #[inline(always)]
    pub fn push(&self, end: &mut OwnerEnd, task: Runnable) {
        debug_assert!(end.tail.wrapping_sub(self.head.load(Ordering::Relaxed)) < self.slots.len() as u32);
        // The cell is free: it held position `tail - capacity`, and with at most `capacity` tasks in existence the
        // head has passed that. A thief that still reads it will fail its exchange, because head moved.
        self.cell(end.tail).store(task.into_slot(), Ordering::Relaxed);
        end.tail = end.tail.wrapping_add(1);
        // Release pairs with the Acquire loads of `tail`: who counts the task also reads its slot number. Weaker, and
        // a thief could take whatever the cell held a lap ago.
        self.tail.store(end.tail, Ordering::Release);
    }

    /// Slot number of the task that the owner would pop next. A thief may be faster.
    #[inline(always)]
    pub fn front(&self, end: &OwnerEnd) -> Option<u32> {
        let head = self.head.load(Ordering::Acquire);
        (head != end.tail).then(|| self.cell(head).load(Ordering::Relaxed))
    }

    /// Takes the oldest task. Every failed exchange means that a thief took at least one task, so there are at most
    /// as many turns as tasks.
    #[inline(always)]
    pub fn pop(&self, end: &mut OwnerEnd) -> Option<Runnable> {
        let mut head = self.head.load(Ordering::Acquire);
        while head != end.tail {
            let slot = self.cell(head).load(Ordering::Relaxed);
            // AcqRel: Release orders the read of the cell before the head that lets the owner reuse it; Acquire as for
            // the load above.
            match self.head.compare_exchange(head, head.wrapping_add(1), Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return Some(Runnable::from_slot(slot)),
                Err(seen) => head = seen,
            }
        }
        None
    }

    /// Takes up to `out.len()` of the oldest tasks, but no more than half of them, rounded up, in one exchange.
    pub fn take(&self, out: &mut [u32]) -> Take {
        let head = self.head.load(Ordering::Acquire);
        // Acquire pairs with the Release in `push`. Tail is read after head, so their distance cannot be negative.
        let queued = self.tail.load(Ordering::Acquire).wrapping_sub(head);
        let want = (queued.div_ceil(2) as usize).min(out.len());
        if want == 0 {
            return Take::Empty;
        }
        for (offset, place) in out[..want].iter_mut().enumerate() {
            *place = self.cell(head.wrapping_add(offset as u32)).load(Ordering::Relaxed);
        }
        // If head is still the same, none of the cells read has been reused: reuse needs head to pass them first.
        match self.head.compare_exchange(
            head,
            head.wrapping_add(want as u32),
            Ordering::AcqRel,
            Ordering::Relaxed,
        ) {
            Ok(_) => Take::Took(want),
            Err(_) => Take::Lost,
        }
    }

    /// How many tasks are queued, as far as this CPU can see.
    pub fn len(&self) -> usize {
        let head = self.head.load(Ordering::Acquire);
        self.tail.load(Ordering::Acquire).wrapping_sub(head) as usize
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::vec::Vec;

    fn task(slot: u32) -> Runnable {
        Runnable::from_slot(slot)
    }

    #[test]
    fn first_in_first_out_across_many_laps() {
        let (ring, mut end) = Ring::new(4);
        let mut next_out = 0;
        for i in 0..1000 {
            ring.push(&mut end, task(i));
            if i % 4 == 3 {
                for _ in 0..4 {
                    assert_eq!(ring.front(&end), Some(next_out));
                    assert_eq!(ring.pop(&mut end).map(Runnable::into_slot), Some(next_out));
                    next_out += 1;
                }
            }
        }
        assert!(ring.pop(&mut end).is_none());
        assert!(ring.is_empty());
    }

    #[test]
    fn a_thief_takes_the_oldest_half_within_its_bound() {
        let (ring, mut end) = Ring::new(16);
        (0..9).for_each(|i| ring.push(&mut end, task(i)));
        let mut out = [0; 4];
        assert_eq!(ring.take(&mut out), Take::Took(4));
        assert_eq!(out, [0, 1, 2, 3]);
        assert_eq!(ring.take(&mut out), Take::Took(3));
        assert_eq!(ring.take(&mut out), Take::Took(1));
        assert_eq!(ring.take(&mut out), Take::Took(1));
        assert_eq!(ring.take(&mut out), Take::Empty);
        assert_eq!(ring.take(&mut []), Take::Empty);
    }

    #[test]
    fn owner_and_thieves_lose_and_double_nothing() {
        const TASKS: u32 = 20_000;
        let (ring, mut end) = Ring::new(TASKS.next_power_of_two() as usize);
        let taken: Vec<u32> = std::thread::scope(|scope| {
            let thieves: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let (mut got, mut out) = (Vec::new(), [0; 4]);
                        while got.last() != Some(&u32::MAX) {
                            if let Take::Took(n) = ring.take(&mut out) {
                                got.extend_from_slice(&out[..n]);
                            }
                            // The sentinel may stand before tasks taken in the same exchange.
                            if got.contains(&u32::MAX) {
                                break;
                            }
                        }
                        got
                    })
                })
                .collect();
            let mut own = Vec::new();
            for i in 0..TASKS {
                ring.push(&mut end, task(i));
                if i % 3 == 0 {
                    own.extend(ring.pop(&mut end).map(Runnable::into_slot));
                }
            }
            // One sentinel for each thief, pushed until each has met one.
            while thieves.iter().any(|t| !t.is_finished()) {
                if ring.is_empty() {
                    ring.push(&mut end, task(u32::MAX));
                }
            }
            while let Some(t) = ring.pop(&mut end) {
                own.push(t.into_slot());
            }
            thieves.into_iter().for_each(|t| own.extend(t.join().unwrap()));
            own
        });
        let mut tasks: Vec<u32> = taken.into_iter().filter(|&t| t != u32::MAX).collect();
        tasks.sort_unstable();
        assert_eq!(tasks, (0..TASKS).collect::<Vec<_>>());
    }

    proptest! {
        /// Positions start anywhere, so that runs cross the end of their 32 bits.
        #[test]
        fn a_ring_is_a_queue(
            bits in 0..5u32,
            start in prop_oneof![any::<u32>(), (0..40u32).prop_map(|before| u32::MAX - before)],
            steps in proptest::collection::vec((0..9u8, 0..7usize), 0..200),
        ) {
            let (ring, mut end) = Ring::new(1 << bits);
            ring.head.store(start, Ordering::Relaxed);
            ring.tail.store(start, Ordering::Relaxed);
            end.tail = start;
            let mut model = VecDeque::new();
            for (number, (action, room)) in steps.into_iter().enumerate() {
                match action {
                    0..=4 if model.len() < 1 << bits => {
                        ring.push(&mut end, task(number as u32));
                        model.push_back(number as u32);
                    }
                    0..=5 => prop_assert_eq!(ring.pop(&mut end).map(Runnable::into_slot), model.pop_front()),
                    _ => {
                        let mut out = [u32::MAX; 6];
                        let want = model.len().div_ceil(2).min(room);
                        let expected: Vec<u32> = model.drain(..want).collect();
                        let take = if want == 0 { Take::Empty } else { Take::Took(want) };
                        prop_assert_eq!(ring.take(&mut out[..room]), take);
                        prop_assert_eq!(&out[..want], expected);
                        prop_assert!(out[want..].iter().all(|&slot| slot == u32::MAX), "wrote too far");
                    }
                }
                prop_assert_eq!((ring.len(), ring.is_empty()), (model.len(), model.is_empty()));
                prop_assert_eq!(ring.front(&end), model.front().copied());
            }
        }
    }
}
