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

    pub(crate) fn push(&mut self, task: Runnable) {
        let at = self.at(self.tail);
        self.cells[at] = task.into_slot();
        self.tail = self.tail.wrapping_add(1);
    }

    pub(crate) fn front(&self) -> Option<u32> {
        (self.head != self.tail).then(|| self.cells[self.at(self.head)])
    }

    pub(crate) fn pop(&mut self) -> Option<Runnable> {
        let slot = self.front()?;
        self.head = self.head.wrapping_add(1);
        Some(Runnable::from_slot(slot))
    }

    pub(crate) fn len(&self) -> usize {
        self.tail.wrapping_sub(self.head) as usize
    }
}
