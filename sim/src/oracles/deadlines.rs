//! A deadline is never early, and is observed within the bound, also when it was handed to another CPU.

use antler_facts::{Event, WakeCause};

use crate::book::{At, Book, Found, Wrong, slot_of};
use crate::oracles::Oracle;

#[derive(Debug)]
pub(crate) struct Deadlines;

fn overdue(book: &Book, at: At) -> Found {
    let late = |slot: usize| book.wake_due(slot).filter(|&(_, due)| due < at.time).map(|found| (slot, found));
    let Some((slot, (cpu, due))) = book.live().find_map(late) else { return Ok(()) };
    let (task, deadline) = (book.called(slot), book.deadline(slot).unwrap_or(0));
    let words = format!(
        "{task} is parked until {deadline} ns, and cpu{cpu} has not woken it by {due} ns: its deadline is lost, or late"
    );
    Err(Wrong { cpu, words })
}

impl Oracle for Deadlines {
    fn name(&self) -> &'static str {
        "deadlines"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        match *event {
            Event::Wake { task, cause: WakeCause::Deadline, .. } => {
                let slot = slot_of(task);
                let Some(deadline) = book.deadline(slot) else { return Ok(()) };
                if at.time < deadline {
                    let task = book.called(slot);
                    return Err(at.wrong(format!("{task} is woken before its deadline {deadline} ns")));
                }
                match book.wake_due(slot) {
                    Some((cpu, due)) if due < at.time => {
                        let task = book.called(slot);
                        let words = format!(
                            "{task} is woken late: its deadline was {deadline} ns, and cpu{cpu} had to wake it by {due} ns"
                        );
                        Err(Wrong { cpu, words })
                    }
                    _ => Ok(()),
                }
            }
            Event::Timer { deadline } if deadline > at.time => {
                Err(at.wrong(format!("cpu{} takes a timer of {deadline} ns before its time", at.cpu)))
            }
            _ => Ok(()),
        }
    }

    fn sweep(&mut self, book: &Book, at: At) -> Found {
        overdue(book, at)
    }

    fn rest(&mut self, book: &Book, at: At) -> Found {
        match book.live().find(|&slot| book.deadline(slot).is_some()) {
            Some(slot) => {
                let words = format!("no timer is set for {}: its deadline is lost", book.called(slot));
                Err(Wrong { cpu: book.tasks[slot].keeper.map_or(at.cpu, |keeper| keeper.cpu), words })
            }
            None => Ok(()),
        }
    }
}
