//! A Call is answered once by each CPU that it reached, with the caller and the words that it was made with, before it
//! counts as done.

use crate::book::{At, Book, Found};
use crate::note::Note;
use crate::oracles::Oracle;

#[derive(Clone, Debug)]
struct Asked {
    op: u64,
    argument: u64,
    left: usize,
    answered: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct Calls {
    /// By caller.
    asked: Vec<Option<Asked>>,
}

impl Calls {
    pub(crate) fn new(cpus: usize) -> Calls {
        Calls { asked: vec![None; cpus] }
    }
}

impl Oracle for Calls {
    fn name(&self) -> &'static str {
        "calls"
    }

    fn note(&mut self, _book: &Book, at: At, note: &Note) -> Found {
        let me = at.cpu;
        match *note {
            Note::CallAsked { op, argument, reached } => {
                self.asked[me] = Some(Asked { op, argument, left: reached, answered: Vec::new() });
                Ok(())
            }
            Note::Answered { caller, op, argument } => match &mut self.asked[caller] {
                Some(asked) if (asked.op, asked.argument) == (op, argument) => {
                    if asked.left == 0 || asked.answered.contains(&me) {
                        return Err(format!("cpu{me} answers cpu{caller}'s Call a second time"));
                    }
                    asked.left -= 1;
                    asked.answered.push(me);
                    Ok(())
                }
                _ => Err(format!("cpu{me} answers a Call that cpu{caller} did not make")),
            },
            Note::CallDone => match self.asked[me].take() {
                Some(asked) if asked.left > 0 => {
                    Err(format!("cpu{me}'s Call is done, but {} CPUs have not answered", asked.left))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
