//! A pinned task runs on its CPU only, and is never stolen.

use antler_facts::{Event, Task};

use crate::book::{At, Book, Found, slot_of};
use crate::oracles::Oracle;

#[derive(Debug)]
pub(crate) struct Pins;

fn pinned(book: &Book, task: Task) -> Option<(usize, usize)> {
    let slot = slot_of(task);
    book.tasks[slot].pin.map(|pin| (slot, pin))
}

impl Oracle for Pins {
    fn name(&self) -> &'static str {
        "pins"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        let me = at.cpu;
        match *event {
            Event::Dispatch { task, .. } => match pinned(book, task) {
                Some((slot, pin)) if pin != me => {
                    Err(at.wrong(format!("cpu{me} runs {}, which is pinned to cpu{pin}", book.called(slot))))
                }
                _ => Ok(()),
            },
            Event::Enqueue { task, target, .. } => match pinned(book, task) {
                // Its own CPU may have left since it was chosen; then the next one that is there takes it, for good.
                Some((slot, pin)) if pin != usize::from(target.0) && book.online.has(pin) => {
                    Err(at.wrong(format!(
                        "cpu{me} sends {}, which is pinned to cpu{pin}, to cpu{}",
                        book.called(slot),
                        target.0
                    )))
                }
                _ => Ok(()),
            },
            Event::Stolen { task, .. } => {
                match pinned(book, task) {
                    Some((slot, pin)) => Err(at
                        .wrong(format!("cpu{me} steals {}, which is pinned to cpu{pin}", book.called(slot)))),
                    None => Ok(()),
                }
            }
            Event::Rehome { task, to } | Event::Evicted { task, to } => match pinned(book, task) {
                Some((slot, _)) if !book.online.has(usize::from(to.0)) || usize::from(to.0) == me => Err(at
                    .wrong(format!(
                        "cpu{me} leaves {} to cpu{}, which is not there",
                        book.called(slot),
                        to.0
                    ))),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
