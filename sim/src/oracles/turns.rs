//! Round robin: a task does not run on for longer than the bound (two slices and the ways into the kernel) while another of
//! its class waits on the same CPU; one that yields lets the others of its class run at once.

use antler_facts::Event;

use crate::book::{At, Book, Found, slot_of};
use crate::note::Note;
use crate::oracles::Oracle;

#[derive(Debug)]
pub(crate) struct Turns {
    /// By CPU: the task that runs although others of its class wait, its class, and since when.
    shared: Vec<Option<(usize, usize, u64)>>,
    yielded: Option<usize>,
}

impl Turns {
    pub(crate) fn new(cpus: usize) -> Turns {
        Turns { shared: vec![None; cpus], yielded: None }
    }
}

impl Oracle for Turns {
    fn name(&self) -> &'static str {
        "turns"
    }

    fn fact(&mut self, _book: &Book, _at: At, event: &Event) -> Found {
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
            _ => {}
        }
        Ok(())
    }

    fn entry(&mut self, book: &Book, at: At) -> Found {
        let cpu = &book.cpus[at.cpu];
        let mates = |slot: usize| !cpu.queue[book.tasks[slot].class].is_empty();
        let Some(slot) = cpu.current.filter(|&slot| mates(slot)) else {
            self.shared[at.cpu] = None;
            return Ok(());
        };
        let class = book.tasks[slot].class;
        if self.yielded == Some(slot) && !book.held.has(at.cpu) {
            return Err(format!(
                "{} yielded on cpu{} and runs on before others of its class",
                book.called(slot),
                at.cpu
            ));
        }
        let since = match self.shared[at.cpu] {
            Some((task, was, since)) if (task, was) == (slot, class) => since,
            _ => at.time,
        };
        self.shared[at.cpu] = Some((slot, class, since));
        let (ran, bound) = (at.time - since, book.bounds.turn(at.cpu));
        if ran > bound {
            return Err(format!(
                "{} has run on cpu{} for {ran} ns while others of its class wait; {bound} ns are the bound",
                book.called(slot),
                at.cpu
            ));
        }
        Ok(())
    }
}
