//! A task that is given to another CPU is taken in by it within the bound: of the doorbell that was rung for it, or of the
//! tick of the slice that runs there if none was.

use antler_facts::Event;

use crate::book::{At, Book, Found, Mail, Wrong, slot_of};
use crate::oracles::Oracle;

#[derive(Debug)]
pub(crate) struct Wakes;

fn late(book: &Book, at: At, cpu: usize, mail: &Mail) -> Found {
    let &Mail { slot, since, due } = mail;
    if at.time <= due {
        return Ok(());
    }
    let task = book.called(slot);
    let words = format!(
        "{task} was put into cpu{cpu}'s inbox at {since} ns and not taken in within the bound, by {due} ns"
    );
    Err(Wrong { cpu, words })
}

impl Oracle for Wakes {
    fn name(&self) -> &'static str {
        "wakes"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        match *event {
            Event::Wake { task, target, .. } if !book.online.has(usize::from(target.0)) => {
                let (task, cpu) = (book.called(slot_of(task)), target.0);
                Err(at.wrong(format!("{task} is woken for cpu{cpu}, which is not online")))
            }
            _ => Ok(()),
        }
    }

    fn came(&mut self, book: &Book, at: At, mail: &Mail) -> Found {
        late(book, at, at.cpu, mail)
    }

    fn sweep(&mut self, book: &Book, at: At) -> Found {
        let cpus = book.cpus.iter().enumerate().filter(|(cpu, _)| !book.held.has(*cpu));
        cpus.flat_map(|(cpu, note)| note.inbox.iter().map(move |mail| (cpu, mail)))
            .try_for_each(|(cpu, mail)| late(book, at, cpu, mail))
    }
}
