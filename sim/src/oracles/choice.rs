//! Where a task goes, exactly: the CPU that offers itself for work and may run the task, its home first and then in ring
//! order; without any, its home, or the next CPU in ring order that takes tasks of its class. What is pinned goes to its
//! CPU, what gives way stays, what was made to stay stays, and what a leaving CPU has goes to the next that takes it.

use antler_facts::{Event, Leave};
use antler_nucleus::Placement;

use crate::book::{At, Book, Found, slot_of};
use crate::note::Note;
use crate::oracles::Oracle;

/// What holds for the way that a task goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By choice.
    Chosen,
    /// To this CPU.
    To(usize),
}

#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// The task that is under way, and how it must go on.
    next: Option<(usize, Way)>,
    /// How the task that is made next is to be placed.
    placement: Option<Placement>,
}

impl Choice {
    fn check(book: &Book, at: At, slot: usize, way: Way, target: usize) -> Found {
        let right = match (way, book.tasks[slot].pin) {
            (Way::To(cpu), _) => cpu,
            (Way::Chosen, Some(_)) => book.tasks[slot].home,
            (Way::Chosen, None) => match book.may_go(slot, target) {
                Ok(()) => return Ok(()),
                Err(right) => right,
            },
        };
        if right == target {
            return Ok(());
        }
        let (task, home) = (book.called(slot), book.tasks[slot].home);
        let is = |cpu: usize| if book.offers.has(cpu) { "idle" } else { "busy" };
        Err(at.wrong(format!(
            "{task}, whose home is cpu{home}, goes to cpu{target}, which is {}; it must go to cpu{right}, which is {}",
            is(target),
            is(right)
        )))
    }

    /// A task inherited from a leaving CPU, or at home there.
    fn inherited(book: &Book, at: At, slot: usize, to: usize) -> Found {
        let right = book.taker(at.cpu, book.tasks[slot].class);
        if right == to {
            return Ok(());
        }
        let (task, me) = (book.called(slot), at.cpu);
        Err(at.wrong(format!("cpu{me} leaves {task} to cpu{to}, and cpu{right} is the next that takes it")))
    }
}

impl Oracle for Choice {
    fn name(&self) -> &'static str {
        "choice"
    }

    fn fact(&mut self, book: &Book, at: At, event: &Event) -> Found {
        let me = at.cpu;
        match *event {
            Event::Spawned { task, class, .. } => {
                let way = match self.placement.take() {
                    Some(Placement::Here) if class.index() <= book.ceiling[me] => Way::To(me),
                    Some(Placement::Pinned(cpu)) => Way::To(cpu.index()),
                    _ => Way::Chosen,
                };
                self.next = Some((slot_of(task), way));
            }
            Event::Wake { task, target, .. } => {
                let (slot, target) = (slot_of(task), usize::from(target.0));
                Choice::check(book, at, slot, Way::Chosen, target)?;
                self.next = Some((slot, Way::To(target)));
            }
            Event::Leave { task, why: Leave::Yield | Leave::Preempt } => {
                let slot = slot_of(task);
                let way = if book.too_high(me, slot) { Way::Chosen } else { Way::To(me) };
                self.next = Some((slot, way));
            }
            Event::Evicted { task, to } => {
                let slot = slot_of(task);
                Choice::inherited(book, at, slot, usize::from(to.0))?;
                self.next = Some((slot, Way::Chosen));
            }
            Event::Rehome { task, to } => Choice::inherited(book, at, slot_of(task), usize::from(to.0))?,
            Event::Enqueue { task, target, .. } => {
                let (slot, target) = (slot_of(task), usize::from(target.0));
                // Without a word before it, a task goes on from the queue of a CPU that may not run it any more.
                let way = self.next.take().filter(|next| next.0 == slot).map_or(Way::Chosen, |next| next.1);
                Choice::check(book, at, slot, way, target)?;
                if target != me && !book.online.has(target) {
                    let after = (target + 1) % book.cpus.len();
                    self.next = Some((slot, Way::To(book.taker(after, book.tasks[slot].class))));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note(&mut self, _book: &Book, _at: At, note: &Note) -> Found {
        if let Note::Spawn { placement, .. } = *note {
            self.placement = Some(placement);
        }
        Ok(())
    }
}
