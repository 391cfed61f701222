//! A CPU's ceiling holds at spawn, wake, steal, dispatch and when another CPU leaves, for all but pinned tasks. A task
//! is only sent where it may run, and only to a CPU that is there.

use antler_facts::Event;

use crate::book::{At, Book, Found, class_name, slot_of};
use crate::note::Note;
use crate::oracles::Oracle;

#[derive(Debug, Default)]
pub(crate) struct Ceilings {
    looked: bool,
}

impl Oracle for Ceilings {
    fn name(&self) -> &'static str {
        "ceilings"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        let (task, cpu, does) = match *event {
            Event::Enqueue { task, target, .. } | Event::Wake { task, target, .. } => {
                (task, usize::from(target.0), "is given")
            }
            Event::Dispatch { task, .. } => (task, at.cpu, "runs"),
            Event::Stolen { task, .. } => (task, at.cpu, "steals"),
            Event::Evicted { task, to } => (task, usize::from(to.0), "inherits"),
            Event::Rehome { task, to } => (task, usize::from(to.0), "is made the home of"),
            _ => return Ok(()),
        };
        let slot = slot_of(task);
        // Taken off by its slice or by a yield, a task goes to its own CPU's queue; it was let in before.
        if !book.online.has(cpu) && book.tasks[slot].pin.is_none() {
            return Err(at.wrong(format!("cpu{cpu}, which is not online, {does} {}", book.called(slot))));
        }
        if book.too_high(cpu, slot) {
            let ceiling = class_name(book.ceiling[cpu]);
            return Err(
                at.wrong(format!("cpu{cpu}, whose ceiling is {ceiling}, {does} {}", book.called(slot)))
            );
        }
        Ok(())
    }

    fn note(&mut self, _book: &Book, _at: At, note: &Note) -> Found {
        match note {
            Note::Enter => self.looked = false,
            Note::Looked => self.looked = true,
            _ => {}
        }
        Ok(())
    }

    fn entry(&mut self, book: &Book, at: At) -> Found {
        match book.cpus[at.cpu].current {
            Some(slot) if self.looked && !book.held.has(at.cpu) && book.too_high(at.cpu, slot) => {
                let ceiling = class_name(book.ceiling[at.cpu]);
                Err(at.wrong(format!(
                    "cpu{}, whose ceiling is {ceiling}, looked and goes on with {}",
                    at.cpu,
                    book.called(slot)
                )))
            }
            _ => Ok(()),
        }
    }
}
