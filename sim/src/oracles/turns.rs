//! Round robin: a task does not run on for longer than the bound (a slice and the ways into and through the kernel) while
//! another of its class waits on the same CPU; one that yields lets the others of its class run at once.

use antler_facts::Event;

use crate::book::{At, Book, Found, Wrong, slot_of};
use crate::note::Note;
use crate::oracles::Oracle;

/// A task that runs although others of its class wait.
#[derive(Clone, Copy, Debug)]
struct Shared {
    slot: usize,
    class: usize,
    since: u64,
    /// By when its turn is over.
    due: u64,
}

#[derive(Debug)]
pub(crate) struct Turns {
    /// By CPU.
    shared: Vec<Option<Shared>>,
    yielded: Option<usize>,
}

impl Turns {
    pub(crate) fn new(cpus: usize) -> Turns {
        Turns { shared: vec![None; cpus], yielded: None }
    }

    fn late(&self, book: &Book, at: At, cpu: usize) -> Found {
        let Some(Shared { slot, since, due, .. }) = self.shared[cpu] else { return Ok(()) };
        // A CPU that waits in the kernel has its task go on waiting with it.
        if at.time <= due || book.held.has(cpu) {
            return Ok(());
        }
        let task = book.called(slot);
        let words = format!(
            "{task} runs on cpu{cpu} since {since} ns while others of its class wait; its turn was over by {due} ns"
        );
        Err(Wrong { cpu, words })
    }
}

impl Oracle for Turns {
    fn name(&self) -> &'static str {
        "turns"
    }

    fn fact(&mut self, _book: &Book, at: At, event: &Event) -> Found {
        // It may come back in the same entry, when all before it are of a program that is over.
        if let Event::Leave { .. } = event {
            self.shared[at.cpu] = None;
        }
        // Somebody else had the CPU, if only to end at once because its program is over.
        if let Event::Dispatch { task, .. } = event
            && self.yielded != Some(slot_of(*task))
        {
            self.yielded = None;
        }
        Ok(())
    }

    fn note(&mut self, book: &Book, at: At, note: &Note) -> Found {
        match note {
            Note::Enter => self.yielded = None,
            Note::Yield => self.yielded = book.cpus[at.cpu].current,
            Note::Held(false) => {
                // Of a slice that ended meanwhile the tick is set, and due at once, by the end of this entry; it takes the
                // next one to take the task off.
                if let Some(shared) = &mut self.shared[at.cpu] {
                    shared.due = shared.due.max(at.time + 3 * book.bounds.entry(at.cpu));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn entry(&mut self, book: &Book, at: At) -> Found {
        let (me, cpu) = (at.cpu, &book.cpus[at.cpu]);
        if book.held.has(me) {
            // Who waits in the kernel looks at no queue: the turn of what came meanwhile begins when it does.
            return Ok(());
        }
        let mates = |slot: usize| !cpu.queue[book.tasks[slot].class].is_empty();
        let Some(slot) = cpu.current.filter(|&slot| mates(slot)) else {
            self.shared[me] = None;
            return Ok(());
        };
        let class = book.tasks[slot].class;
        if self.yielded == Some(slot) {
            let task = book.called(slot);
            return Err(at.wrong(format!("{task} yielded on cpu{me} and runs on before others of its class")));
        }
        match self.shared[me] {
            Some(shared) if (shared.slot, shared.class) == (slot, class) => self.late(book, at, me),
            _ => {
                let due = at.time + book.bounds.turn(me);
                self.shared[me] = Some(Shared { slot, class, since: at.time, due });
                Ok(())
            }
        }
    }

    fn sweep(&mut self, book: &Book, at: At) -> Found {
        // A task whose mates were stolen meanwhile has the CPU for itself.
        let mates = |cpu: &usize| {
            let shared = self.shared[*cpu];
            shared.is_some_and(|shared| !book.cpus[*cpu].queue[shared.class].is_empty())
        };
        (0..self.shared.len()).filter(mates).try_for_each(|cpu| self.late(book, at, cpu))
    }
}
