//! Pinned tasks: a queue that only its CPU touches and no thief ever sees.

use alloc::boxed::Box;
use alloc::vec;

use crate::task::Runnable;

/// A ring of slot numbers with room for every task.
#[derive(Debug)]
pub(crate) struct Fifo {
    cells: Box<[u32]>,
    head: u32,
    tail: u32,
}

impl Fifo {
    /// An empty queue for `capacity` tasks, a power of two.
    pub(crate) fn new(capacity: usize) -> Fifo {
        assert!(capacity.is_power_of_two());
        Fifo { cells: vec![0; capacity].into_boxed_slice(), head: 0, tail: 0 }
    }

    fn at(&self, position: u32) -> usize {
        position as usize & (self.cells.len() - 1)
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, task: Runnable) {
        debug_assert!(self.len() < self.cells.len(), "there is room for every task");
        let at = self.at(self.tail);
        self.cells[at] = task.into_slot();
        self.tail = self.tail.wrapping_add(1);
    }

    #[inline(always)]
    pub(crate) fn front(&self) -> Option<u32> {
        (self.head != self.tail).then(|| self.cells[self.at(self.head)])
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<Runnable> {
        let slot = self.front()?;
        self.head = self.head.wrapping_add(1);
        Some(Runnable::from_slot(slot))
    }

    pub(crate) fn len(&self) -> usize {
        self.tail.wrapping_sub(self.head) as usize
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn a_fifo_is_a_queue(
            bits in 0..5u32,
            start in prop_oneof![any::<u32>(), (0..40u32).prop_map(|before| u32::MAX - before)],
            steps in proptest::collection::vec(0..5u8, 0..200),
        ) {
            let mut fifo = Fifo::new(1 << bits);
            (fifo.head, fifo.tail) = (start, start);
            let mut model = VecDeque::new();
            for (number, action) in steps.into_iter().enumerate() {
                if action < 3 && model.len() < 1 << bits {
                    fifo.push(Runnable::from_slot(number as u32));
                    model.push_back(number as u32);
                } else {
                    prop_assert_eq!(fifo.pop().map(Runnable::into_slot), model.pop_front());
                }
                prop_assert_eq!((fifo.len(), fifo.front()), (model.len(), model.front().copied()));
            }
        }
    }
}
