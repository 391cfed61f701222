//! A deadline is never early, and is observed within the bound, also when it was handed to another CPU.

use antler_facts::{Event, WakeCause};

use crate::book::{At, Book, Found, slot_of};
use crate::oracles::Oracle;

#[derive(Debug)]
pub(crate) struct Deadlines;

fn deadline_of(book: &Book, slot: usize) -> Option<u64> {
    book.tasks[slot].wait.and_then(|wait| wait.deadline)
}

fn overdue(book: &Book, at: At) -> Found {
    let bound = book.bounds.deadline();
    let late = |slot: &usize| deadline_of(book, *slot).is_some_and(|due| due.saturating_add(bound) < at.time);
    match book.live().find(late) {
        Some(slot) => Err(format!(
            "{} was due at {} ns and is still parked: its deadline is lost, or more than {bound} ns late",
            book.called(slot),
            deadline_of(book, slot).unwrap_or(0)
        )),
        None => Ok(()),
    }
}

impl Oracle for Deadlines {
    fn name(&self) -> &'static str {
        "deadlines"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        match *event {
            Event::Wake { task, cause: WakeCause::Deadline, .. } => {
                let slot = slot_of(task);
                let Some(due) = deadline_of(book, slot) else { return Ok(()) };
                if at.time < due {
                    return Err(format!("{} is woken before its deadline {due} ns", book.called(slot)));
                }
                let late = at.time - due;
                if late > book.bounds.deadline() {
                    return Err(format!("{} is woken {late} ns after its deadline", book.called(slot)));
                }
                Ok(())
            }
            Event::Timer { deadline } if deadline > at.time => {
                Err(format!("cpu{} takes a timer of {deadline} ns before its time", at.cpu))
            }
            _ => Ok(()),
        }
    }

    fn sweep(&mut self, book: &Book, at: At) -> Found {
        overdue(book, at)
    }

    fn rest(&mut self, book: &Book, _at: At) -> Found {
        match book.live().find(|&slot| deadline_of(book, slot).is_some()) {
            Some(slot) => Err(format!("no timer is set for {}: its deadline is lost", book.called(slot))),
            None => Ok(()),
        }
    }
}
