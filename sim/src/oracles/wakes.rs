//! A task that is given to another CPU is taken in by it within the bound. A task that is woken, or may go anywhere, goes
//! to a CPU that sleeps if one may run it and nobody has rung it.

use antler_facts::Event;

use crate::book::{At, Book, Found, slot_of};
use crate::oracles::Oracle;

#[derive(Debug)]
pub(crate) struct Wakes;

fn late(book: &Book, at: At, cpu: usize, slot: usize, since: u64) -> Found {
    let bound = book.bounds.inbox(cpu);
    if since + bound < at.time {
        return Err(format!(
            "{} was put into cpu{cpu}'s inbox at {since} ns and not taken in within {bound} ns",
            book.called(slot)
        ));
    }
    Ok(())
}

fn chosen(book: &Book, at: At, slot: usize, target: usize) -> Found {
    let note = &book.tasks[slot];
    // A CPU that has just been woken from idle may keep what it finds.
    let idle = book.asleep.has(target) || target == at.cpu && book.cpus[target].current.is_none();
    if note.pin.is_some() || idle {
        return Ok(());
    }
    let free = book.asleep.and(&book.may[note.class]).iter().find(|&cpu| !book.rung.has(cpu));
    match free {
        Some(cpu) => {
            Err(format!("{} goes to cpu{target}, which is busy, while cpu{cpu} sleeps", book.called(slot)))
        }
        None => Ok(()),
    }
}

impl Oracle for Wakes {
    fn name(&self) -> &'static str {
        "wakes"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        match *event {
            Event::Wake { task, target, .. } if !book.online.has(usize::from(target.0)) => Err(format!(
                "{} is woken for cpu{}, which is not online",
                book.called(slot_of(task)),
                target.0
            )),
            Event::Wake { task, target, .. } => chosen(book, at, slot_of(task), usize::from(target.0)),
            Event::Enqueue { task, target, .. } if book.tasks[slot_of(task)].anywhere => {
                let slot = slot_of(task);
                // Only its first way was a choice.
                if matches!(book.tasks[slot].place, crate::book::Place::Hand(_)) && !book.tasks[slot].ran {
                    chosen(book, at, slot, usize::from(target.0))
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }

    fn came(&mut self, book: &Book, at: At, slot: usize, since: u64) -> Found {
        late(book, at, at.cpu, slot, since)
    }

    fn sweep(&mut self, book: &Book, at: At) -> Found {
        let cpus = book.cpus.iter().enumerate();
        let oldest =
            cpus.filter_map(|(cpu, note)| note.inbox.front().map(|&(slot, since)| (cpu, slot, since)));
        oldest.into_iter().try_for_each(|(cpu, slot, since)| late(book, at, cpu, slot, since))
    }
}
