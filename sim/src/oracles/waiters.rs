//! Waits: woken in the order in which they began, as many as asked for and there are, and only by what they wait for.
//! A wait that its deadline ended says so; no other does.

use antler_facts::{Event, WakeCause};
use antler_nucleus::Key;

use crate::book::{At, Book, Found, slot_of};
use crate::note::Note;
use crate::oracles::Oracle;

#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// Wakes under way, the innermost last: key, and who is due.
    due: Vec<(Key, Vec<usize>)>,
    /// A thread has ended in this entry.
    ended: bool,
}

impl Waiters {
    fn wake(&mut self, book: &Book, at: At, slot: usize, cause: WakeCause) -> Found {
        let note = &book.tasks[slot];
        let key = note.wait.and_then(|wait| wait.key);
        let (task, by) = (book.called(slot), Book::cause_name(cause));
        let by_key = match cause {
            WakeCause::Signal => matches!(key, Some(Key::Address(..))),
            WakeCause::Join => matches!(key, Some(Key::End(_))),
            WakeCause::Deadline => note.wait.is_some_and(|wait| wait.deadline.is_some()),
            WakeCause::Kill => book.doomed.contains(&note.owner),
        };
        if !by_key {
            return Err(at.wrong(format!("{by} wakes {task}, which does not wait for it")));
        }
        let must_say = cause == WakeCause::Deadline && key.is_some();
        if note.timed_out != must_say {
            let says = if note.timed_out { "timed out" } else { "did not time out" };
            return Err(at.wrong(format!("{task} is told that its wait {says}, but {by} ended it")));
        }
        if matches!(cause, WakeCause::Signal) {
            match self.due.last_mut() {
                Some((due_key, due)) if Some(*due_key) == key && due.first() == Some(&slot) => {
                    due.remove(0);
                }
                _ => return Err(at.wrong(format!("{by} wakes {task}, whose turn it is not"))),
            }
        }
        Ok(())
    }
}

impl Oracle for Waiters {
    fn name(&self) -> &'static str {
        "waiters"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        match *event {
            Event::Wake { task, cause, .. } => self.wake(book, at, slot_of(task), cause),
            Event::Exit { .. } => {
                self.ended = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self, book: &Book, at: At, note: &Note) -> Found {
        match *note {
            Note::WakeAsked { key, count } => {
                self.due.push((key, book.waiting(key).take(count).collect()));
                Ok(())
            }
            Note::WakeDone { key, count } => {
                let left = self.due.pop().map_or_else(Vec::new, |(_, due)| due);
                match left.first() {
                    Some(&slot) => Err(at.wrong(format!(
                        "cpu{} woke {count} waiters of {key:?} and left {}, whose turn it was",
                        at.cpu,
                        book.called(slot)
                    ))),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn entry(&mut self, book: &Book, at: At) -> Found {
        if !std::mem::take(&mut self.ended) {
            return Ok(());
        }
        // Whoever joins a thread that has ended is awake by the end of the entry in which it ended.
        let joins = book.waiters.iter().filter_map(|(key, list)| match key {
            Key::End(handle) => list.front().map(|&slot| (*handle, slot)),
            Key::Address(..) => None,
        });
        for (handle, slot) in joins {
            let ended = (handle & 0xffff_ffff) as usize;
            let note = &book.tasks[ended];
            if note.name != handle || note.place == crate::book::Place::Ended {
                return Err(at.wrong(format!(
                    "cpu{}: {} waits for a thread that has ended",
                    at.cpu,
                    book.called(slot)
                )));
            }
        }
        Ok(())
    }
}
