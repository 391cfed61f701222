//! A CPU's deadlines: a binary heap of tickets with at most one entry for each task, so that it never outgrows the
//! pool. A task that was woken by something else leaves its entry behind; it is worthless by its epoch, and is reused
//! when the task sleeps here again.

use alloc::boxed::Box;
use alloc::vec;

use crate::task::Ticket;

#[derive(Clone, Copy, Debug)]
struct Entry {
    deadline: u64,
    ticket: Ticket,
}

/// A deadline that does not come.
pub(crate) const NEVER: u64 = u64::MAX;

/// "Not in the heap" in the position table.
const ABSENT: u16 = u16::MAX;

/// The deadlines of one CPU; only that CPU touches it.
#[derive(Debug)]
pub struct Timers {
    heap: Box<[Entry]>,
    len: usize,
    /// Where in the heap each slot's entry is.
    position: Box<[u16]>,
}

impl Timers {
    /// No deadlines; room for one of each of `capacity` tasks.
    pub fn new(capacity: usize) -> Timers {
        assert!(capacity < usize::from(ABSENT));
        let blank = Entry { deadline: u64::MAX, ticket: Ticket { slot: 0, epoch: 0 } };
        Timers {
            heap: vec![blank; capacity].into_boxed_slice(),
            len: 0,
            position: vec![ABSENT; capacity].into_boxed_slice(),
        }
    }

    /// Earliest deadline, stale ones included.
    pub fn next(&self) -> Option<u64> {
        (self.len > 0).then(|| self.heap[0].deadline)
    }

    /// Latest deadline: what nobody should set a timer to.
    #[cold]
    pub(crate) fn latest(&self) -> Option<u64> {
        self.heap[..self.len].iter().map(|entry| entry.deadline).max()
    }

    /// Adds a deadline (ns); a worthless older entry of the same task is replaced.
    pub fn insert(&mut self, ticket: Ticket, deadline: u64) {
        let at = match self.position[ticket.slot as usize] {
            ABSENT => {
                self.len += 1;
                self.len - 1
            }
            at => usize::from(at),
        };
        self.put(at, Entry { deadline, ticket });
        let at = self.up(at);
        self.down(at);
    }

    /// Takes the earliest entry if its deadline is `now` or before.
    pub fn pop_due(&mut self, now: u64) -> Option<(u64, Ticket)> {
        (self.next()? <= now).then(|| self.pop()).flatten()
    }

    /// Takes the earliest entry, due or not.
    pub fn pop(&mut self) -> Option<(u64, Ticket)> {
        if self.len == 0 {
            return None;
        }
        let first = self.heap[0];
        self.position[first.ticket.slot as usize] = ABSENT;
        self.len -= 1;
        if self.len > 0 {
            self.put(0, self.heap[self.len]);
            self.down(0);
        }
        Some((first.deadline, first.ticket))
    }

    fn put(&mut self, at: usize, entry: Entry) {
        self.heap[at] = entry;
        self.position[entry.ticket.slot as usize] = at as u16;
    }

    fn swap(&mut self, a: usize, b: usize) {
        let (x, y) = (self.heap[a], self.heap[b]);
        self.put(a, y);
        self.put(b, x);
    }

    fn up(&mut self, mut at: usize) -> usize {
        while at > 0 && self.heap[at].deadline < self.heap[(at - 1) / 2].deadline {
            self.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
        at
    }

    fn down(&mut self, mut at: usize) {
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let mut least = at;
            for child in [left, right] {
                if child < self.len && self.heap[child].deadline < self.heap[least].deadline {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.swap(at, least);
            at = least;
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    fn ticket(slot: u32, epoch: u64) -> Ticket {
        Ticket { slot, epoch }
    }

    #[test]
    fn deadlines_come_out_in_order_and_not_before_their_time() {
        let mut timers = Timers::new(64);
        for slot in 0..64u32 {
            timers.insert(ticket(slot, 1), u64::from(slot * 37 % 64));
        }
        assert_eq!(timers.next(), Some(0));
        let due: Vec<u64> = core::iter::from_fn(|| timers.pop_due(31)).map(|(d, _)| d).collect();
        assert_eq!(due, (0..32).collect::<Vec<_>>());
        let rest: Vec<u64> = core::iter::from_fn(|| timers.pop()).map(|(d, _)| d).collect();
        assert_eq!(rest, (32..64).collect::<Vec<_>>());
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_task_has_one_entry_however_often_it_sleeps() {
        let mut timers = Timers::new(2);
        for epoch in 0..100 {
            timers.insert(ticket(0, epoch), 1000 - epoch);
            timers.insert(ticket(1, epoch), 500 + epoch);
        }
        assert_eq!(timers.pop(), Some((599, ticket(1, 99))));
        assert_eq!(timers.pop(), Some((901, ticket(0, 99))));
        assert_eq!(timers.pop(), None);
    }

    /// Each task's one entry: deadline and epoch.
    type Model = BTreeMap<u32, (u64, u64)>;

    /// Takes the entry out of the model, which must have it, with no earlier one.
    fn expect(model: &mut Model, popped: Option<(u64, Ticket)>) {
        match popped {
            None => assert!(model.is_empty()),
            Some((deadline, ticket)) => {
                let earliest = model.values().map(|entry| entry.0).min();
                assert_eq!(Some(deadline), earliest, "not the earliest");
                assert_eq!(model.remove(&ticket.slot), Some((deadline, ticket.epoch)));
            }
        }
    }

    proptest! {
        #[test]
        fn timers_are_a_map_by_task_read_by_time(
            capacity in 1..40u32,
            steps in proptest::collection::vec((0..8u8, 0..40u32, prop_oneof![0..50u64, any::<u64>()]), 0..200),
        ) {
            let (mut timers, mut model) = (Timers::new(capacity as usize), Model::new());
            for (epoch, (action, slot, time)) in steps.into_iter().enumerate() {
                let (slot, epoch) = (slot % capacity, epoch as u64);
                match action {
                    0..=4 => {
                        timers.insert(ticket(slot, epoch), time);
                        model.insert(slot, (time, epoch));
                    }
                    5 | 6 => match timers.pop_due(time) {
                        None => prop_assert!(model.values().all(|entry| entry.0 > time), "due, and kept"),
                        popped => {
                            prop_assert!(popped.is_some_and(|(deadline, _)| deadline <= time), "too early");
                            expect(&mut model, popped);
                        }
                    },
                    _ => expect(&mut model, timers.pop()),
                }
                prop_assert_eq!(timers.next(), model.values().map(|entry| entry.0).min());
                prop_assert_eq!(timers.len, model.len());
            }
            while !model.is_empty() {
                expect(&mut model, timers.pop());
            }
            prop_assert_eq!(timers.pop(), None);
            prop_assert!(timers.position.iter().all(|&at| at == ABSENT), "an entry is thought to be in");
        }
    }
}
