//! Work conservation: at the end of every kernel entry, no CPU sleeps while another holds a stealable task that it may
//! run, unless a doorbell is under way to it or to another sleeper that may run the task. Without ceilings the budget is
//! 0 entries. With them, a chain of wakes may first go through CPUs that may run only lower tasks, and has the stated
//! time. Tasks on a CPU that waits in the kernel do not count until it looks at its queue again.

use crate::book::{At, Book, CLASSES, Found, class_name};
use crate::oracles::Oracle;

#[derive(Debug, Default)]
pub(crate) struct Work {
    /// By class: since when a CPU sleeps beside such a task.
    since: [Option<u64>; CLASSES],
}

/// A CPU that sleeps unrung although it may run a queued task of this class, and the CPU that has the task.
fn idle_beside_work(book: &Book, class: usize) -> Option<(usize, usize)> {
    let unseen: u64 = book.held.iter().map(|cpu| book.cpus[cpu].free[class]).sum();
    if book.spare[class] <= unseen {
        return None;
    }
    let able = book.asleep.and(&book.may[class]);
    if able.is_empty() || !able.and(&book.rung).is_empty() {
        return None;
    }
    let holder = (0..book.cpus.len()).find(|&cpu| book.cpus[cpu].free[class] > 0 && !book.held.has(cpu))?;
    Some((able.first()?, holder))
}

impl Oracle for Work {
    fn name(&self) -> &'static str {
        "work"
    }

    fn entry(&mut self, book: &Book, at: At) -> Found {
        for class in 0..CLASSES {
            let Some((sleeper, holder)) = idle_beside_work(book, class) else {
                self.since[class] = None;
                continue;
            };
            let since = *self.since[class].get_or_insert(at.time);
            let budget = book.bounds.work;
            if at.time.saturating_sub(since) >= budget {
                return Err(format!(
                    "cpu{sleeper} sleeps and nobody has rung it, while cpu{holder} has {} stealable {} tasks waiting, \
                     since {since} ns ({budget} ns are the budget)",
                    book.cpus[holder].free[class],
                    class_name(class)
                ));
            }
        }
        Ok(())
    }

    fn rest(&mut self, book: &Book, _at: At) -> Found {
        match (0..CLASSES).find_map(|class| idle_beside_work(book, class)) {
            Some((sleeper, holder)) => {
                Err(format!("every hart sleeps, cpu{sleeper} too, while cpu{holder} has tasks for it"))
            }
            None => Ok(()),
        }
    }
}
