//! Requests: numbered without holes by their real sender; rung unless a ring is under way, and riding on it if one is;
//! seen within the bound; acknowledged, all of them, to who asked and up to what was asked; none left over at rest.

use antler_facts::Event;

use crate::book::{At, Book, Found};
use crate::note::Note;
use crate::oracles::Oracle;

/// Requests of one sender to one target that are not acknowledged yet.
#[derive(Clone, Copy, Debug)]
struct Open {
    sender: usize,
    n: u64,
    /// When the first of them was made.
    since: u64,
}

#[derive(Debug)]
pub(crate) struct Chain {
    /// By target.
    open: Vec<Vec<Open>>,
    /// By sender and target: last number.
    last: Vec<u64>,
    /// A request whose sender has still to state ring, ride or refusal: target and number.
    posting: Option<(usize, u64)>,
    seen: bool,
}

impl Chain {
    pub(crate) fn new(cpus: usize) -> Chain {
        Chain { open: vec![Vec::new(); cpus], last: vec![0; cpus * cpus], posting: None, seen: false }
    }

    fn posted(&mut self, book: &Book, at: At, target: usize, n: u64, rings: bool) -> Found {
        let me = at.cpu;
        if self.posting.take() != Some((target, n)) {
            return Err(format!(
                "cpu{me} rings or rides for request {n} to cpu{target}, which it never made"
            ));
        }
        if rings == book.rung.has(target) {
            let says = if rings { "rings again" } else { "rides on a ring that is not there" };
            return Err(format!("cpu{me} {says}: request {n} to cpu{target}"));
        }
        match self.open[target].iter_mut().find(|open| open.sender == me) {
            Some(open) => open.n = n,
            None => self.open[target].push(Open { sender: me, n, since: at.time }),
        }
        Ok(())
    }

    fn ack(&mut self, book: &Book, at: At, sender: usize, n: u64) -> Found {
        let me = at.cpu;
        let Some(place) = self.open[me].iter().position(|open| open.sender == sender) else {
            return Err(format!("cpu{me} acknowledges cpu{sender}, which has asked for nothing"));
        };
        let open = self.open[me].swap_remove(place);
        if open.n != n {
            return Err(format!("cpu{me} acknowledges cpu{sender} up to {n}, not up to {}", open.n));
        }
        let bound = book.bounds.chain(me);
        if open.since + bound < at.time {
            let since = open.since;
            return Err(format!(
                "request {n} of cpu{sender} to cpu{me}, made at {since} ns, was not seen within {bound} ns"
            ));
        }
        Ok(())
    }

    fn none_open(&self, target: usize, when: &str) -> Found {
        self.open[target].first().map_or(Ok(()), |open| {
            Err(format!("request {} of cpu{} to cpu{target} is not acknowledged {when}", open.n, open.sender))
        })
    }
}

impl Oracle for Chain {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        let me = at.cpu;
        match *event {
            Event::Request { target, n, .. } => {
                let target = usize::from(target.0);
                let cpus = book.cpus.len();
                let last = &mut self.last[me * cpus + target];
                if n != *last + 1 {
                    return Err(format!("cpu{me} numbers a request to cpu{target} {n} after {last}"));
                }
                *last = n;
                self.posting = Some((target, n));
                return Ok(());
            }
            Event::Ring { target, n } => return self.posted(book, at, usize::from(target.0), n, true),
            Event::Rode { target, n } => return self.posted(book, at, usize::from(target.0), n, false),
            Event::TargetRefused { target, .. } => {
                self.posting = None;
                if book.online.has(target as usize) {
                    return Err(format!("cpu{me} is refused cpu{target} as a target, which is online"));
                }
            }
            Event::Seen { .. } => self.seen = true,
            Event::Ack { sender, n } => self.ack(book, at, usize::from(sender.0), n)?,
            _ => {}
        }
        match self.posting {
            Some((target, n)) => Err(format!("request {n} of cpu{me} to cpu{target} has no doorbell")),
            None => Ok(()),
        }
    }

    fn note(&mut self, _book: &Book, at: At, note: &Note) -> Found {
        match note {
            Note::Enter => self.seen = false,
            // What was in the mailbox when it closed was met then.
            Note::Offline => self.none_open(at.cpu, "although that CPU has left")?,
            _ => {}
        }
        Ok(())
    }

    fn entry(&mut self, book: &Book, at: At) -> Found {
        let bound = book.bounds.chain(at.cpu);
        match self.open[at.cpu].iter().find(|open| self.seen || open.since + bound < at.time) {
            Some(open) => Err(format!(
                "request {} of cpu{} to cpu{}, made at {} ns, is not acknowledged in time",
                open.n, open.sender, at.cpu, open.since
            )),
            None => Ok(()),
        }
    }

    fn sweep(&mut self, book: &Book, at: At) -> Found {
        for (target, open) in self.open.iter().enumerate() {
            let bound = book.bounds.chain(target);
            if let Some(open) = open.iter().find(|open| open.since + bound < at.time) {
                return Err(format!(
                    "request {} of cpu{} to cpu{target}, made at {} ns, was not seen within {bound} ns",
                    open.n, open.sender, open.since
                ));
            }
        }
        Ok(())
    }

    fn rest(&mut self, _book: &Book, _at: At) -> Found {
        (0..self.open.len())
            .try_for_each(|target| self.none_open(target, "and nothing is under way any more"))
    }
}
