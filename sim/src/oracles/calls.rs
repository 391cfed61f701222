//! A Call is answered once by each CPU that it reached, with the caller and the words that it was made with, before it
//! counts as done, and by when its doorbell must have been seen. Who waits in the kernel goes on when what it waits for
//! has happened.

use antler_facts::{Event, Request};

use crate::book::{At, Book, Found, Wrong};
use crate::note::Note;
use crate::oracles::Oracle;

#[derive(Clone, Debug)]
struct Asked {
    op: u64,
    argument: u64,
    left: usize,
    answered: Vec<usize>,
    /// Who was rung for it, and by when it must answer.
    rung: Vec<(usize, u64)>,
}

#[derive(Debug)]
pub(crate) struct Calls {
    /// By caller.
    asked: Vec<Option<Asked>>,
    /// By CPU that waits in the kernel: the CPU that it waits for, to come or to go.
    awaits: Vec<Option<usize>>,
    /// By CPU that waits in the kernel: what it waits for has happened, and it must have gone on by then.
    goes_on_by: Vec<Option<u64>>,
    /// The Call's target that is being rung.
    posting: Option<usize>,
}

impl Calls {
    pub(crate) fn new(cpus: usize) -> Calls {
        let (asked, awaits, goes_on_by) = (vec![None; cpus], vec![None; cpus], vec![None; cpus]);
        Calls { asked, awaits, goes_on_by, posting: None }
    }

    fn answered(&mut self, book: &Book, at: At, caller: usize, words: (u64, u64)) -> Found {
        let me = at.cpu;
        let Some(asked) = self.asked[caller].as_mut().filter(|asked| (asked.op, asked.argument) == words)
        else {
            return Err(at.wrong(format!("cpu{me} answers a Call that cpu{caller} did not make")));
        };
        if asked.left == 0 || asked.answered.contains(&me) {
            return Err(at.wrong(format!("cpu{me} answers cpu{caller}'s Call a second time")));
        }
        asked.left -= 1;
        asked.answered.push(me);
        asked.rung.retain(|&(cpu, _)| cpu != me);
        if asked.left == 0 {
            self.goes_on_by[caller] = Some(at.time + book.bounds.hold(caller));
        }
        Ok(())
    }

    /// A CPU came or went: who waits for that has nothing to wait for any more.
    fn happened(&mut self, book: &Book, at: At) {
        for (cpu, awaits) in self.awaits.iter_mut().enumerate() {
            if awaits.take_if(|target| *target == at.cpu).is_some() {
                self.goes_on_by[cpu] = Some(at.time + book.bounds.hold(cpu));
            }
        }
    }

    fn late(&self, at: At, cpu: usize) -> Found {
        if let Some(by) = self.goes_on_by[cpu].filter(|&by| by < at.time) {
            let words =
                format!("cpu{cpu} waits in the kernel although nothing is left to wait for since {by} ns");
            return Err(Wrong { cpu, words });
        }
        let asked = self.asked[cpu].iter().flat_map(|asked| &asked.rung);
        match asked.into_iter().find(|&&(_, by)| by < at.time) {
            Some(&(target, by)) => {
                let words =
                    format!("cpu{cpu} waits for cpu{target}, which has not answered its Call by {by} ns");
                Err(Wrong { cpu: target, words })
            }
            None => Ok(()),
        }
    }
}

impl Oracle for Calls {
    fn name(&self) -> &'static str {
        "calls"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        let (target, rings) = match *event {
            Event::Request { target, what: Request::Call, .. } => {
                self.posting = Some(usize::from(target.0));
                return Ok(());
            }
            Event::Ring { target, .. } => (usize::from(target.0), true),
            Event::Rode { target, .. } => (usize::from(target.0), false),
            _ => return Ok(()),
        };
        if self.posting.take() == Some(target)
            && let Some(asked) = &mut self.asked[at.cpu]
        {
            asked.rung.push((target, book.seen_by(at, target, rings)));
        }
        Ok(())
    }

    fn note(&mut self, book: &Book, at: At, note: &Note) -> Found {
        let me = at.cpu;
        match *note {
            Note::CallAsked { op, argument, reached } => {
                self.asked[me] =
                    Some(Asked { op, argument, left: reached, answered: Vec::new(), rung: Vec::new() });
            }
            Note::Answered { caller, op, argument } => self.answered(book, at, caller, (op, argument))?,
            Note::CallDone => {
                self.late(at, me)?;
                self.goes_on_by[me] = None;
                if let Some(asked) = self.asked[me].take().filter(|asked| asked.left > 0) {
                    let left = asked.left;
                    return Err(
                        at.wrong(format!("cpu{me}'s Call is done, but {left} CPUs have not answered"))
                    );
                }
            }
            Note::Awaits { target } => self.awaits[me] = Some(target),
            Note::Online | Note::Offline => self.happened(book, at),
            Note::Held(false) => {
                self.late(at, me)?;
                self.goes_on_by[me] = None;
            }
            _ => {}
        }
        Ok(())
    }

    fn sweep(&mut self, _book: &Book, at: At) -> Found {
        (0..self.asked.len()).try_for_each(|cpu| self.late(at, cpu))
    }

    fn rest(&mut self, book: &Book, _at: At) -> Found {
        match book.held.first() {
            Some(cpu) => {
                let words = format!("every hart sleeps, and cpu{cpu} waits in the kernel for ever");
                Err(Wrong { cpu, words })
            }
            None => Ok(()),
        }
    }
}
