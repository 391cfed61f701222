//! Strict class order on a CPU, and first come first served within a class, pinned and stealable tasks alike.

use antler_facts::Event;

use crate::book::{At, Book, Found, class_name, slot_of};
use crate::oracles::Oracle;

#[derive(Debug)]
pub(crate) struct Order;

impl Oracle for Order {
    fn name(&self) -> &'static str {
        "order"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        let Event::Dispatch { task, class, .. } = event else { return Ok(()) };
        let slot = slot_of(*task);
        let Some(first) = book.first(at.cpu).filter(|&first| first != slot) else { return Ok(()) };
        let why = if book.tasks[first].class > class.index() { "of a higher class" } else { "queued before" };
        Err(at.wrong(format!(
            "cpu{} runs {} although {}, {why}, is in its queue",
            at.cpu,
            book.called(slot),
            book.called(first)
        )))
    }

    fn entry(&mut self, book: &Book, at: At) -> Found {
        let cpu = &book.cpus[at.cpu];
        let (Some(runs), Some(first)) = (cpu.current, book.first(at.cpu)) else { return Ok(()) };
        if book.held.has(at.cpu) || book.tasks[first].class <= book.tasks[runs].class {
            return Ok(());
        }
        Err(at.wrong(format!(
            "cpu{} goes on with {} although {} is in its queue, of the higher class {}",
            at.cpu,
            book.called(runs),
            book.called(first),
            class_name(book.tasks[first].class)
        )))
    }
}
