//! A steal: at most four tasks and at most half, rounded up, the oldest first; from the first CPU in ring order after
//! the thief that has any of the highest class that the thief may run; and only by a CPU that has nothing itself.

use antler_facts::Event;

use crate::book::{At, Book, CLASSES, Found, class_name, slot_of};
use crate::oracles::Oracle;

/// Most tasks that one steal may move: written down here a second time.
const BOUND: u64 = 4;

#[derive(Debug, Default)]
pub(crate) struct Steals {
    /// Tasks that the steal stated last has still to name, oldest first.
    expected: Vec<usize>,
}

impl Steals {
    fn steal(&mut self, book: &Book, at: At, victim: usize, count: u64, class: usize) -> Found {
        let me = at.cpu;
        let queue = |cpu: usize, class: usize| book.cpus[cpu].free[class];
        if book.cpus[me].current.is_some() || book.first(me).is_some() {
            return Err(at.wrong(format!("cpu{me} steals from cpu{victim} although it has work itself")));
        }
        let had = queue(victim, class);
        let most = had.div_ceil(2).min(BOUND);
        if count != most {
            return Err(at.wrong(format!(
                "cpu{me} steals {count} of the {had} tasks of cpu{victim}, and {most} are due"
            )));
        }
        // Tasks of a CPU that waits in the kernel may not be announced yet.
        let seen = |cpu: usize, class: usize| cpu != me && queue(cpu, class) > 0 && !book.held.has(cpu);
        let cpus = book.cpus.len();
        let ring = (1..cpus).map(|step| (me + step) % cpus);
        if let Some(higher) = (class + 1..CLASSES)
            .filter(|&c| c <= book.ceiling[me])
            .find(|&c| book.spare[c] > 0 && (0..cpus).any(|cpu| seen(cpu, c)))
        {
            let (low, high) = (class_name(class), class_name(higher));
            return Err(at.wrong(format!("cpu{me} steals {low} tasks although {high} tasks are to be had")));
        }
        if let Some(nearer) = ring.take_while(|&cpu| cpu != victim).find(|&cpu| seen(cpu, class)) {
            let class = class_name(class);
            return Err(at.wrong(format!(
                "cpu{me} steals from cpu{victim} although cpu{nearer} is nearer and has {class} tasks"
            )));
        }
        let stealable = book.cpus[victim].queue[class].iter().filter(|&&slot| book.tasks[slot].pin.is_none());
        self.expected = stealable.copied().take(count as usize).collect();
        Ok(())
    }
}

impl Oracle for Steals {
    fn name(&self) -> &'static str {
        "steals"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        match *event {
            Event::Steal { victim, count, class } => {
                self.steal(book, at, usize::from(victim.0), count, class.index())
            }
            Event::Stolen { task, .. } => {
                let slot = slot_of(task);
                if self.expected.first() != Some(&slot) {
                    return Err(at.wrong(format!(
                        "cpu{} steals {}, which was not its turn",
                        at.cpu,
                        book.called(slot)
                    )));
                }
                self.expected.remove(0);
                Ok(())
            }
            _ if self.expected.is_empty() => Ok(()),
            _ => Err(at.wrong(format!("cpu{} stole more tasks than it names", at.cpu))),
        }
    }
}
