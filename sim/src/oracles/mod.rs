//! What must hold. Each oracle is a file; each looks at the book before a fact is followed, and at the end of entries.

mod calls;
mod ceilings;
mod chain;
mod choice;
mod counts;
mod deadlines;
mod idle;
mod kills;
mod order;
mod pins;
mod places;
mod steals;
mod turns;
mod waiters;
mod wakes;
mod work;

pub(crate) use counts::{Sums, check as check_counts};

use antler_facts::Event;

use crate::book::{At, Book, Found, Mail};
use crate::note::Note;

/// One thing that must hold. Every method may find that it does not, and then says what is wrong.
pub(crate) trait Oracle: std::fmt::Debug {
    /// Its name, for people and for plans.
    fn name(&self) -> &'static str;

    /// A fact, before the book follows it.
    fn fact(&mut self, _book: &Book, _at: At, _event: &Event) -> Found {
        Ok(())
    }

    /// What the simulator did, before the book heeds it.
    fn note(&mut self, _book: &Book, _at: At, _note: &Note) -> Found {
        Ok(())
    }

    /// A task came from this CPU's inbox.
    fn came(&mut self, _book: &Book, _at: At, _mail: &Mail) -> Found {
        Ok(())
    }

    /// A kernel entry of `at.cpu` is over.
    fn entry(&mut self, _book: &Book, _at: At) -> Found {
        Ok(())
    }

    /// Asked now and then, with the beginning of the entry under way as the time: whatever should have happened by then.
    fn sweep(&mut self, _book: &Book, _at: At) -> Found {
        Ok(())
    }

    /// No hart has anything to wait for.
    fn rest(&mut self, _book: &Book, _at: At) -> Found {
        Ok(())
    }
}

/// All of them, causes before what follows from them.
pub(crate) fn all(book: &Book) -> Vec<Box<dyn Oracle>> {
    let cpus = book.cpus.len();
    vec![
        Box::new(chain::Chain::new(cpus)),
        Box::new(places::Places),
        Box::new(idle::Idle::new(cpus)),
        Box::new(order::Order),
        Box::new(pins::Pins),
        Box::new(ceilings::Ceilings::default()),
        Box::new(choice::Choice::default()),
        Box::new(steals::Steals::default()),
        Box::new(waiters::Waiters::default()),
        Box::new(deadlines::Deadlines),
        Box::new(kills::Kills::default()),
        Box::new(calls::Calls::new(cpus)),
        Box::new(wakes::Wakes),
        Box::new(turns::Turns::new(cpus)),
        Box::new(work::Work::new(cpus)),
    ]
}
