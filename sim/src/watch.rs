//! The book and the oracles, fed with everything that happens. The first thing found wrong stays.

use antler_facts::{Event, Fact};

use crate::book::{At, Book, Found, Wrong};
use crate::note::Note;
use crate::oracles::{self, Oracle};
use crate::outcome::Failure;

#[derive(Debug)]
pub(crate) struct Watch {
    pub book: Book,
    oracles: Vec<Box<dyn Oracle>>,
    pub failure: Option<Failure>,
    /// Facts in the order of the run, if they are wanted.
    pub story: Option<Vec<Fact>>,
}

impl Watch {
    pub(crate) fn new(book: Book) -> Watch {
        let oracles = oracles::all(&book);
        Watch { book, oracles, failure: None, story: None }
    }

    /// Holds on to the first failure.
    pub(crate) fn fail(&mut self, at: At, oracle: &'static str, Wrong { cpu, words }: Wrong) {
        self.failure.get_or_insert(Failure { oracle, cpu, step: at.step, time: at.time, words });
    }

    fn ask(&mut self, at: At, ask: impl Fn(&mut dyn Oracle, &Book) -> Found) {
        for oracle in &mut self.oracles {
            if let Err(wrong) = ask(oracle.as_mut(), &self.book) {
                let name = oracle.name();
                return self.fail(at, name, wrong);
            }
        }
    }

    /// The CPU has taken so many tasks from its inbox.
    fn received(&mut self, at: At, count: u64) {
        if self.book.cpus[at.cpu].received == count {
            return;
        }
        match self.book.received(at.cpu, count) {
            Ok(came) => {
                self.ask(at, |oracle, book| came.iter().try_for_each(|mail| oracle.came(book, at, mail)))
            }
            Err(words) => self.fail(at, "counts", at.wrong(words)),
        }
    }

    /// A fact, with what the CPU counts of its inbox. After a failure nothing is followed any more: the book would be wrong.
    pub(crate) fn fact(&mut self, at: At, received: u64, event: &Event) {
        if self.failure.is_some() {
            return;
        }
        self.received(at, received);
        self.ask(at, |oracle, book| oracle.fact(book, at, event));
        if self.failure.is_none() {
            self.book.follow(at, event);
        }
    }

    pub(crate) fn note(&mut self, at: At, note: &Note) {
        if self.failure.is_some() {
            return;
        }
        self.ask(at, |oracle, book| oracle.note(book, at, note));
        if self.failure.is_none() {
            self.book.heed(at, note);
        }
    }

    /// A kernel entry is over.
    pub(crate) fn entry(&mut self, at: At, received: u64) {
        if self.failure.is_none() {
            self.received(at, received);
            self.ask(at, |oracle, book| oracle.entry(book, at));
        }
    }

    /// Now and then: what should have happened by now.
    pub(crate) fn sweep(&mut self, at: At) {
        if self.failure.is_none() {
            self.ask(at, |oracle, book| oracle.sweep(book, at));
        }
    }

    /// No hart has anything to wait for.
    pub(crate) fn rest(&mut self, at: At) {
        if self.failure.is_none() {
            self.ask(at, |oracle, book| oracle.rest(book, at));
        }
    }
}
