//! A CPU says once that it falls idle, with nothing to run, and says that this is over before it runs anything or leaves.

use antler_facts::Event;

use crate::book::{At, Book, Found};
use crate::oracles::Oracle;

#[derive(Debug)]
pub(crate) struct Idle {
    /// By CPU, whether it has said so.
    idle: Vec<bool>,
}

impl Idle {
    pub(crate) fn new(cpus: usize) -> Idle {
        Idle { idle: vec![false; cpus] }
    }
}

impl Oracle for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        let me = at.cpu;
        match (event, self.idle[me]) {
            (Event::IdleBegin {}, true) => Err(at.wrong(format!("cpu{me} falls idle, and was idle already"))),
            (Event::IdleBegin {}, false) if book.cpus[me].current.is_some() => {
                Err(at.wrong(format!("cpu{me} falls idle beside the task that it runs")))
            }
            (Event::IdleBegin {}, false) => {
                self.idle[me] = true;
                Ok(())
            }
            (Event::IdleEnd { .. }, false) => {
                Err(at.wrong(format!("cpu{me} is idle no more, and never was")))
            }
            (Event::IdleEnd { .. }, true) => {
                self.idle[me] = false;
                Ok(())
            }
            (Event::Dispatch { .. } | Event::Offline { .. }, true) => {
                Err(at.wrong(format!("cpu{me} goes on, and has not said that it is idle no more")))
            }
            _ => Ok(()),
        }
    }

    fn entry(&mut self, book: &Book, at: At) -> Found {
        let me = at.cpu;
        let nothing = book.online.has(me) && book.cpus[me].current.is_none();
        if nothing && !self.idle[me] {
            return Err(at.wrong(format!("cpu{me} ends its entry with nothing to run, and is not idle")));
        }
        Ok(())
    }
}
