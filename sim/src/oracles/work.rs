//! Work conservation: at the end of every kernel entry, no CPU sleeps while another holds a stealable task that it may
//! run, unless a doorbell is under way to it, or to another sleeper. Then it may be passed over, for a stated time: whoever
//! was rung and finds work rings the next sleeper in ring order, so each other sleeper comes before it once at most. Tasks
//! on a CPU that waits in the kernel do not count until it looks at its queue again.

use crate::bits::Bits;
use crate::book::{At, Book, CLASSES, Found, Wrong, class_name};
use crate::oracles::Oracle;

/// A CPU that sleeps unrung beside work.
#[derive(Clone, Copy, Debug)]
struct Beside {
    since: u64,
    /// Others that were rung meanwhile.
    passed: Bits,
    /// It must be rung, or the work gone, by then.
    due: u64,
}

#[derive(Debug)]
pub(crate) struct Work {
    /// By CPU.
    beside: Vec<Option<Beside>>,
}

/// CPUs that sleep unrung although they may run a queued task that its CPU has looked at.
fn beside_work(book: &Book) -> Bits {
    let idle = book.asleep.without(&book.rung);
    let mut beside = Bits::default();
    for class in (0..CLASSES).filter(|&class| book.spare[class] > 0) {
        let unseen: u64 = book.held.iter().map(|cpu| book.cpus[cpu].free[class]).sum();
        if book.spare[class] > unseen {
            beside = beside.or(&idle.and(&book.may[class]));
        }
    }
    beside
}

/// What the CPU sleeps beside, in words.
fn what(book: &Book, sleeper: usize) -> String {
    let classes = (0..=book.ceiling[sleeper]).rev();
    let free = |class: usize, cpu: usize| book.cpus[cpu].free[class] > 0 && !book.held.has(cpu);
    let held = |class: usize| (0..book.cpus.len()).find(|&cpu| free(class, cpu)).map(|cpu| (cpu, class));
    let (holder, class) = classes.into_iter().find_map(held).unwrap_or_default();
    let (count, class) = (book.cpus[holder].free[class], class_name(class));
    format!("while cpu{holder} has {count} stealable {class} tasks waiting")
}

impl Work {
    pub(crate) fn new(cpus: usize) -> Work {
        Work { beside: vec![None; cpus] }
    }
}

impl Oracle for Work {
    fn name(&self) -> &'static str {
        "work"
    }

    fn entry(&mut self, book: &Book, at: At) -> Found {
        let beside = beside_work(book);
        let rung = book.asleep.and(&book.rung);
        for (cpu, state) in self.beside.iter_mut().enumerate() {
            if !beside.has(cpu) {
                *state = None;
                continue;
            }
            if rung.is_empty() {
                let words =
                    format!("cpu{cpu} sleeps and nobody has rung it, nor any other, {}", what(book, cpu));
                return Err(Wrong { cpu, words });
            }
            let state = state.get_or_insert(Beside { since: at.time, passed: Bits::default(), due: at.time });
            for other in rung.without(&state.passed).iter() {
                state.passed.set(other, true);
                // A slow CPU rings at the end of an entry that others overtake.
                state.due = state.due.max(book.cpus[other].rung_at) + book.bounds.hop(other);
            }
            if state.due < at.began {
                let (since, what) = (state.since, what(book, cpu));
                let words = format!(
                    "cpu{cpu} sleeps since {since} ns and nobody has rung it, {what}; it was passed over for longer than \
                     {} others take",
                    state.passed.iter().count()
                );
                return Err(Wrong { cpu, words });
            }
        }
        Ok(())
    }

    fn rest(&mut self, book: &Book, _at: At) -> Found {
        match beside_work(book).first() {
            Some(cpu) => {
                let words = format!("every hart sleeps, cpu{cpu} too, {}", what(book, cpu));
                Err(Wrong { cpu, words })
            }
            None => Ok(()),
        }
    }
}
