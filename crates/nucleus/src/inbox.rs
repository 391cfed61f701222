//! How a task comes to a CPU that is not ours: a stack of tasks linked through their slots. Anybody pushes; the owner
//! takes it whole. The link is in the task, so there is no capacity to exceed.

use antler_sync::Line;
use antler_sync::atomic::{AtomicU32, Ordering};

use crate::task::{NONE, Runnable, TaskPool};

/// Head value of an inbox whose CPU has left.
const CLOSED: u32 = u32::MAX - 1;

/// A CPU's inbox.
#[derive(Debug)]
pub struct Inbox {
    head: Line<AtomicU32>,
}

/// The tasks that were in an inbox, oldest first.
#[derive(Debug)]
#[must_use = "the tasks in it are owned by it"]
pub struct Mail<'a> {
    pool: &'a TaskPool,
    next: u32,
}

impl Inbox {
    /// A closed inbox: its CPU opens it when it comes online.
    pub fn closed() -> Inbox {
        Inbox { head: Line(AtomicU32::new(CLOSED)) }
    }

    /// Opens a closed inbox; by its CPU.
    pub fn open(&self) {
        // Release: whoever pushes, and fences as `send` does, sees the CPU's state as it was set up before.
        let was = self.head.compare_exchange(CLOSED, NONE, Ordering::Release, Ordering::Relaxed);
        debug_assert!(was.is_ok(), "opened twice");
    }

    /// Puts a task in. A closed inbox gives it back.
    ///
    /// # Errors
    /// The task itself, when the CPU has left.
    pub fn push(&self, pool: &TaskPool, task: Runnable) -> Result<(), Runnable> {
        let link = &pool.slot(task.slot() as u32).inbox_next;
        let mut head = self.head.load(Ordering::Relaxed);
        // Another turn means that another CPU pushed, or the owner took all: somebody got on.
        loop {
            if head == CLOSED {
                return Err(task);
            }
            link.store(head, Ordering::Relaxed);
            // Release publishes the link and everything the task carries (its registers) to the owner's Acquire.
            match self.head.compare_exchange_weak(
                head,
                task.slot() as u32,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    task.into_slot();
                    return Ok(());
                }
                Err(seen) => head = seen,
            }
        }
    }

    /// Whether something is in; the owner asks after its full fence.
    pub fn has_mail(&self) -> bool {
        !matches!(self.head.load(Ordering::Relaxed), NONE | CLOSED)
    }

    /// Takes everything, oldest first; by the owner.
    pub fn take<'a>(&self, pool: &'a TaskPool) -> Mail<'a> {
        if !self.has_mail() {
            return Mail { pool, next: NONE };
        }
        // Acquire pairs with the pushers' Release. Swapping in NONE is safe: only the owner closes.
        Mail::reversed(pool, self.head.swap(NONE, Ordering::Acquire))
    }

    /// Closes the inbox and takes what is in; by its CPU, when it leaves. Every later push meets the mark.
    pub fn close<'a>(&self, pool: &'a TaskPool) -> Mail<'a> {
        Mail::reversed(pool, self.head.swap(CLOSED, Ordering::AcqRel))
    }
}

impl<'a> Mail<'a> {
    /// Turns the chain around, newest-first to oldest-first: at most one turn a task.
    fn reversed(pool: &'a TaskPool, mut newest: u32) -> Mail<'a> {
        let mut oldest = NONE;
        while newest != NONE && newest != CLOSED {
            let link = &pool.slot(newest).inbox_next;
            let older = link.load(Ordering::Relaxed);
            link.store(oldest, Ordering::Relaxed);
            (oldest, newest) = (newest, older);
        }
        Mail { pool, next: oldest }
    }
}

impl Iterator for Mail<'_> {
    type Item = Runnable;

    fn next(&mut self) -> Option<Runnable> {
        let slot = self.next;
        if slot == NONE {
            return None;
        }
        self.next = self.pool.slot(slot).inbox_next.load(Ordering::Relaxed);
        Some(Runnable::from_slot(slot))
    }
}

impl Drop for Mail<'_> {
    fn drop(&mut self) {
        debug_assert!(self.next == NONE, "tasks dropped with their mail");
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::ids::CpuId;
    use antler_abi::Qos;
    use std::vec::Vec;

    fn spawn(pool: &TaskPool) -> Runnable {
        pool.spawn(0, Qos::Normal, CpuId::BOOT, false).unwrap()
    }

    #[test]
    fn oldest_comes_out_first() {
        let (pool, inbox) = (TaskPool::new(8), Inbox::closed());
        inbox.open();
        let slots: Vec<u32> = (0..5)
            .map(|_| {
                let task = spawn(&pool);
                let slot = task.slot() as u32;
                inbox.push(&pool, task).unwrap();
                slot
            })
            .collect();
        assert!(inbox.has_mail());
        assert_eq!(inbox.take(&pool).map(Runnable::into_slot).collect::<Vec<_>>(), slots);
        assert!(!inbox.has_mail());
    }

    #[test]
    fn a_closed_inbox_gives_back_and_hands_over_what_it_had() {
        let (pool, inbox) = (TaskPool::new(4), Inbox::closed());
        let early = inbox.push(&pool, spawn(&pool)).unwrap_err();
        inbox.open();
        inbox.push(&pool, early).unwrap();
        assert_eq!(inbox.close(&pool).map(Runnable::into_slot).count(), 1);
        assert!(inbox.push(&pool, spawn(&pool)).map_err(Runnable::into_slot).is_err());
        assert!(!inbox.has_mail());
    }
}
