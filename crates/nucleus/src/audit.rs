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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CpuId;
    use crate::scheduler::Config;
    use antler_abi::Qos;
    use antler_sync::{Brand, VirtualHart};

    fn board() -> (Scheduler<1>, vec::Vec<HartToken>) {
        let (brand, harts) = Brand::virtual_harts(1);
        let config = Config { brand, cpus: 1, tasks: 4, slice: 1, wait_lists: 1 };
        (Scheduler::new(config), harts.into_iter().map(VirtualHart::enter).collect())
    }

    fn task(sched: &Scheduler<1>) -> Runnable {
        sched.tasks.spawn(0, Qos::Normal, CpuId::BOOT, false).unwrap()
    }

    #[test]
    fn each_task_is_wanted_in_one_place() {
        let (sched, mut tokens) = board();
        assert_eq!(sched.audit(&mut tokens), Ok(()));
        let slot = task(&sched).into_slot();
        assert_eq!(sched.audit(&mut tokens), Err(AuditError::Lost(0)));
        let queue = |tokens: &mut [HartToken]| {
            let end = &mut sched.locals.mine(&mut tokens[0]).ends[2];
            sched.cpus[0].rings[2].push(end, Runnable::from_slot(slot));
        };
        queue(&mut tokens);
        assert_eq!(sched.audit(&mut tokens), Ok(()));
        sched.locals.mine(&mut tokens[0]).pinned[0].push(Runnable::from_slot(slot));
        assert_eq!(sched.audit(&mut tokens), Err(AuditError::Twice(0)));
        sched.locals.mine(&mut tokens[0]).pinned[0].pop().map(Runnable::into_slot);
        let running = sched.tasks.start(Runnable::from_slot(slot));
        sched.tasks.park(running);
        assert_eq!(sched.audit(&mut tokens), Err(AuditError::Stray(0)));
    }
}
