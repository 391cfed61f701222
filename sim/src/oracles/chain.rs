//! Requests: numbered without holes by their real sender; rung unless a ring is under way, and riding on it if one is;
//! seen within the bound of that ring; acknowledged, all of them, to who asked and up to what was asked; none left over at rest.

use antler_facts::Event;

use crate::book::{At, Book, Found, Wrong};
use crate::note::Note;
use crate::oracles::Oracle;

/// Requests of one sender to one target that are not acknowledged yet.
#[derive(Clone, Copy, Debug)]
struct Open {
    sender: usize,
    n: u64,
    /// When the first of them was made.
    since: u64,
    /// By when the doorbell for it must have been seen.
    due: u64,
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

fn late(&Open { sender, n, since, due }: &Open, target: usize, at: At) -> Found {
    if at.time <= due {
        return Ok(());
    }
    let words = format!(
        "request {n} of cpu{sender} to cpu{target}, made at {since} ns, was not seen within the bound, by {due} ns"
    );
    Err(Wrong { cpu: target, words })
}

impl Chain {
    pub(crate) fn new(cpus: usize) -> Chain {
        Chain { open: vec![Vec::new(); cpus], last: vec![0; cpus * cpus], posting: None, seen: false }
    }

    fn posted(&mut self, book: &Book, at: At, target: usize, n: u64, rings: bool) -> Found {
        let me = at.cpu;
        if self.posting.take() != Some((target, n)) {
            return Err(at.wrong(format!(
                "cpu{me} rings or rides for request {n} to cpu{target}, which it never made"
            )));
        }
        if rings == book.rung.has(target) {
            let says = if rings { "rings again" } else { "rides on a ring that is not there" };
            return Err(at.wrong(format!("cpu{me} {says}: request {n} to cpu{target}")));
        }
        match self.open[target].iter_mut().find(|open| open.sender == me) {
            Some(open) => open.n = n,
            None => {
                let due = book.seen_by(at, target, rings);
                self.open[target].push(Open { sender: me, n, since: at.time, due });
            }
        }
        Ok(())
    }

    fn ack(&mut self, at: At, sender: usize, n: u64) -> Found {
        let me = at.cpu;
        let Some(place) = self.open[me].iter().position(|open| open.sender == sender) else {
            return Err(at.wrong(format!("cpu{me} acknowledges cpu{sender}, which has asked for nothing")));
        };
        let open = self.open[me].swap_remove(place);
        if open.n != n {
            return Err(at.wrong(format!("cpu{me} acknowledges cpu{sender} up to {n}, not up to {}", open.n)));
        }
        late(&open, me, at)
    }

    fn none_open(&self, target: usize, when: &str) -> Found {
        self.open[target].first().map_or(Ok(()), |open| {
            let Open { sender, n, .. } = open;
            let words = format!("request {n} of cpu{sender} to cpu{target} is not acknowledged {when}");
            Err(Wrong { cpu: target, words })
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
                    return Err(
                        at.wrong(format!("cpu{me} numbers a request to cpu{target} {n} after {last}"))
                    );
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
                    return Err(
                        at.wrong(format!("cpu{me} is refused cpu{target} as a target, which is online"))
                    );
                }
            }
            Event::Seen { .. } => self.seen = true,
            Event::Ack { sender, n } => self.ack(at, usize::from(sender.0), n)?,
            _ => {}
        }
        match self.posting {
            Some((target, n)) => {
                Err(at.wrong(format!("request {n} of cpu{me} to cpu{target} has no doorbell")))
            }
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

    fn entry(&mut self, _book: &Book, at: At) -> Found {
        if self.seen {
            self.none_open(at.cpu, "although its doorbell was seen")?;
        }
        self.open[at.cpu].iter().try_for_each(|open| late(open, at.cpu, at))
    }

    fn sweep(&mut self, _book: &Book, at: At) -> Found {
        let all = self.open.iter().enumerate();
        all.flat_map(|(target, open)| open.iter().map(move |open| (target, open)))
            .try_for_each(|(target, open)| late(open, target, at))
    }

    fn rest(&mut self, _book: &Book, _at: At) -> Found {
        (0..self.open.len())
            .try_for_each(|target| self.none_open(target, "and nothing is under way any more"))
    }
}
