//! What must hold whenever nothing moves: each live task is in exactly one place.

use alloc::vec;
use antler_sync::HartToken;

use crate::phase::Phase;
use crate::scheduler::Scheduler;
use crate::task::Runnable;

/// What is wrong with a scheduler at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditError {
    /// A slot's task is in two places.
    Twice(usize),
    /// A runnable task is in no queue, or a running one on no CPU.
    Lost(usize),
    /// A free, parked or ended task is in a queue or on a CPU.
    Stray(usize),
}

impl<const W: usize> Scheduler<W> {
    /// Counts every task's places, with every CPU's token as proof that nothing moves. Inboxes are taken and put back.
    ///
    /// # Errors
    /// The first slot that is wrong.
    pub fn audit(&self, tokens: &mut [HartToken]) -> Result<(), AuditError> {
        let mut seen = vec![0u32; self.tasks.capacity()];
        for token in tokens {
            let shared = &self.cpus[token.index()];
            let local = self.locals.mine(token);
            if let Some(task) = &local.current {
                seen[task.slot()] += 1;
            }
            for (class, ring) in shared.rings.iter().enumerate() {
                for task in core::iter::from_fn(|| ring.pop(&mut local.ends[class])).collect::<vec::Vec<_>>()
                {
                    seen[task.slot()] += 1;
                    ring.push(&mut local.ends[class], task);
                }
                for _ in 0..local.pinned[class].len() {
                    if let Some(task) = local.pinned[class].pop() {
                        seen[task.slot()] += 1;
                        local.pinned[class].push(task);
                    }
                }
            }
            for task in shared.inbox.take(&self.tasks).collect::<vec::Vec<Runnable>>() {
                seen[task.slot()] += 1;
                let back = shared.inbox.push(&self.tasks, task);
                debug_assert!(back.is_ok(), "only its CPU closes an inbox");
            }
        }
        for (slot, &places) in seen.iter().enumerate() {
            let has_place = matches!(self.tasks.phase(slot as u32), Phase::Runnable | Phase::Running);
            match (places, has_place) {
                (0, true) => return Err(AuditError::Lost(slot)),
                (1, false) => return Err(AuditError::Stray(slot)),
                (0 | 1, _) => {}
                _ => return Err(AuditError::Twice(slot)),
            }
        }
        Ok(())
    }
}
