//! A program that is over has no parked task left after it was roused, and none of its tasks runs on beyond the bound.

use crate::book::{At, Book, Found, Place, Wrong};
use crate::note::Note;
use crate::oracles::Oracle;

/// A program that is over.
#[derive(Debug)]
struct Over {
    owner: u32,
    since: u64,
    /// By CPU: by when it must have looked at what it runs.
    looks_by: Vec<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Kills {
    over: Vec<Over>,
}

impl Oracle for Kills {
    fn name(&self) -> &'static str {
        "kills"
    }

    fn note(&mut self, book: &Book, at: At, note: &Note) -> Found {
        match *note {
            Note::Roused { owner } => {
                let parked = |slot: &usize| {
                    book.tasks[*slot].owner == owner && book.tasks[*slot].place == Place::Parked
                };
                if let Some(slot) = book.live().find(parked) {
                    let task = book.called(slot);
                    return Err(at.wrong(format!("program {owner} is over, but {task} stays parked")));
                }
                // Every CPU has just been rung. One that should have been and was not is held to its last ring.
                let cpus = book.cpus.iter().enumerate();
                let by = |(cpu, note): (usize, &crate::book::CpuNote)| note.rung_at + book.bounds.kill(cpu);
                let mut looks_by: Vec<u64> = cpus.map(by).collect();
                looks_by[at.cpu] = at.time + book.bounds.entry(at.cpu);
                self.over.retain(|over| book.live().any(|slot| book.tasks[slot].owner == over.owner));
                self.over.push(Over { owner, since: at.time, looks_by });
                Ok(())
            }
            Note::Held(false) => {
                // What it runs it looks at now, and could not before.
                let by = at.time + book.bounds.entry(at.cpu);
                for over in &mut self.over {
                    over.looks_by[at.cpu] = over.looks_by[at.cpu].max(by);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn sweep(&mut self, book: &Book, at: At) -> Found {
        for Over { owner, since, looks_by } in &self.over {
            for (cpu, note) in book.cpus.iter().enumerate() {
                let runs = note.current.filter(|&slot| book.tasks[slot].owner == *owner);
                let Some(slot) = runs.filter(|_| looks_by[cpu] < at.time && !book.held.has(cpu)) else {
                    continue;
                };
                let task = book.called(slot);
                let words = format!(
                    "program {owner} is over since {since} ns, but cpu{cpu} still runs {task}: it was not made to look"
                );
                return Err(Wrong { cpu, words });
            }
        }
        Ok(())
    }
}
