//! A program that is over has no parked task left after it was roused, and none of its tasks runs on beyond the bound.

use crate::book::{At, Book, Found, Place};
use crate::note::Note;
use crate::oracles::Oracle;

#[derive(Debug, Default)]
pub(crate) struct Kills {
    /// Programs that are over, and since when.
    over: Vec<(u32, u64)>,
}

impl Oracle for Kills {
    fn name(&self) -> &'static str {
        "kills"
    }

    fn note(&mut self, book: &Book, at: At, note: &Note) -> Found {
        match *note {
            Note::Doom { owner } => {
                self.over.push((owner, at.time));
                Ok(())
            }
            Note::Roused { owner } => {
                let parked = |slot: &usize| {
                    book.tasks[*slot].owner == owner && book.tasks[*slot].place == Place::Parked
                };
                match book.live().find(parked) {
                    Some(slot) => {
                        Err(format!("program {owner} is over, but {} stays parked", book.called(slot)))
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn sweep(&mut self, book: &Book, at: At) -> Found {
        for &(owner, since) in &self.over {
            for (cpu, note) in book.cpus.iter().enumerate() {
                let bound = book.bounds.chain(cpu) + book.bounds.held + book.bounds.entry[cpu];
                let runs = note.current.filter(|&slot| book.tasks[slot].owner == owner);
                if let Some(slot) = runs.filter(|_| since + bound < at.time) {
                    let task = book.called(slot);
                    return Err(format!(
                        "program {owner} is over since {since} ns, but cpu{cpu} still runs {task}: it was not made to look"
                    ));
                }
            }
        }
        Ok(())
    }
}
