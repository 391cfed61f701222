//! Nothing lost, nothing twice: each task moves only from where it is, and is always somewhere.

use antler_facts::{Event, Place as Way};

use crate::book::{At, Book, Found, Place, Wrong, slot_of};
use crate::oracles::Oracle;

#[derive(Debug)]
pub(crate) struct Places;

fn place_name(place: Place) -> String {
    match place {
        Place::Free => "not there at all".to_owned(),
        Place::Hand(cpu) => format!("in cpu{cpu}'s hand"),
        Place::Inbox(cpu) => format!("in cpu{cpu}'s inbox"),
        Place::Queue(cpu) => format!("in cpu{cpu}'s queue"),
        Place::Run(cpu) => format!("running on cpu{cpu}"),
        Place::Parked => "parked".to_owned(),
        Place::Ended => "ended".to_owned(),
    }
}

fn must(book: &Book, at: At, slot: usize, what: &str, right: bool) -> Found {
    if right {
        return Ok(());
    }
    let (task, place) = (book.called(slot), place_name(book.tasks[slot].place));
    Err(at.wrong(format!("cpu{} {what} {task}, which is {place}", at.cpu)))
}

impl Oracle for Places {
    fn name(&self) -> &'static str {
        "places"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        let me = at.cpu;
        let (task, what) = match event {
            Event::Spawned { task, .. } => (*task, "makes"),
            Event::Enqueue { task, .. } => (*task, "queues"),
            Event::Dispatch { task, .. } => (*task, "runs"),
            Event::Leave { task, .. } => (*task, "takes off its hart"),
            Event::Wake { task, .. } => (*task, "wakes"),
            Event::Stolen { task, .. } => (*task, "steals"),
            Event::Evicted { task, .. } => (*task, "evicts"),
            Event::Rehome { task, .. } => (*task, "gives a new home to"),
            _ => return Ok(()),
        };
        let slot = slot_of(task);
        let note = &book.tasks[slot];
        if !matches!(event, Event::Spawned { .. }) && note.name != task.0 {
            return Err(at.wrong(format!("cpu{me} {what} a task of {} that is gone", book.called(slot))));
        }
        let right = match event {
            Event::Spawned { .. } => note.place == Place::Free,
            Event::Enqueue { target, place, .. } => {
                // A task above the ceiling goes on from the queue to which it came.
                let from = note.place == Place::Hand(me)
                    || note.place == Place::Queue(me) && book.too_high(me, slot);
                from && (*place == Way::Local) == (usize::from(target.0) == me)
            }
            Event::Dispatch { .. } => note.place == Place::Queue(me) && book.cpus[me].current.is_none(),
            Event::Leave { .. } => note.place == Place::Run(me),
            Event::Wake { .. } | Event::Rehome { .. } => note.place == Place::Parked,
            Event::Stolen { victim, .. } => note.place == Place::Queue(usize::from(victim.0)),
            _ => note.place == Place::Queue(me) || note.place == Place::Inbox(me),
        };
        must(book, at, slot, what, right)
    }

    fn entry(&mut self, book: &Book, at: At) -> Found {
        if book.hands > 0 {
            let lost = book.live().find(|&slot| matches!(book.tasks[slot].place, Place::Hand(_)));
            let task = lost.map_or_else(|| "a task".to_owned(), |slot| book.called(slot));
            return Err(at.wrong(format!("cpu{} ends its entry and put {task} nowhere: it is lost", at.cpu)));
        }
        Ok(())
    }

    fn rest(&mut self, book: &Book, at: At) -> Found {
        let Some(slot) = book.live().find(|&slot| book.tasks[slot].place != Place::Parked) else {
            return Ok(());
        };
        let place = book.tasks[slot].place;
        let (Place::Hand(cpu) | Place::Inbox(cpu) | Place::Queue(cpu) | Place::Run(cpu)) = place else {
            return Err(at.wrong(format!("every hart sleeps, but {} is nowhere", book.called(slot))));
        };
        let (task, place) = (book.called(slot), place_name(place));
        let words = format!("every hart sleeps and nothing is under way, but {task} is {place}: it is lost");
        Err(Wrong { cpu, words })
    }
}
