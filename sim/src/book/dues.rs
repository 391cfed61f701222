//! By when what was begun must be done.

use super::{At, Book, Place};

/// A task in an inbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mail {
    pub slot: usize,
    /// When it was put in.
    pub since: u64,
    /// By when it must be taken in.
    pub due: u64,
}

/// Who keeps a task's deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeper {
    pub cpu: usize,
    /// By then it has set its timer for it.
    armed_by: u64,
    /// How much later than that, or than the deadline, the wake may come.
    slack: u64,
    /// It has inherited it.
    inherited: bool,
}

impl Book {
    /// A task was put into an inbox: the tick of the slice there finds it, if no doorbell does.
    pub(super) fn mail(&mut self, at: At, target: usize, slot: usize) {
        let due = at.time + self.bounds.tick(target);
        self.cpus[target].inbox.push_back(Mail { slot, since: at.time, due });
    }

    /// By when a doorbell that is rung, or ridden on, now will have been seen.
    pub(crate) fn seen_by(&self, at: At, target: usize, rings: bool) -> u64 {
        let rung_at = if rings { at.time } else { self.cpus[target].rung_at };
        rung_at + self.bounds.chain(target)
    }

    /// A doorbell was rung, or ridden on: what is in the inbox is taken in because of it.
    pub(super) fn bell(&mut self, target: usize) {
        let due = self.cpus[target].rung_at + self.bounds.inbox(target);
        self.cpus[target].inbox.iter_mut().for_each(|mail| mail.due = mail.due.min(due));
    }

    /// The CPU has waited in the kernel: it looks at its inboxes by the end of this entry, and not before.
    pub(super) fn let_go(&mut self, at: At) {
        let (me, held_at) = (at.cpu, self.cpus[at.cpu].held_at);
        let due = at.time + self.bounds.entry(me);
        self.cpus[me].inbox.iter_mut().for_each(|mail| mail.due = mail.due.max(due));
        for task in &mut self.tasks {
            if let Some(keeper) = task.keeper.as_mut().filter(|k| k.cpu == me && k.inherited)
                && keeper.armed_by >= held_at
            {
                keeper.armed_by = keeper.armed_by.max(due);
            }
        }
        self.unlink(me);
    }

    /// The CPU looks at the deadlines that it was left.
    pub(super) fn unlink(&mut self, me: usize) {
        self.tasks.iter_mut().for_each(|task| {
            task.linked.take_if(|linked| *linked == me);
        });
    }

    /// The current task parks with a deadline: its CPU sets the timer by the end of the entry.
    pub(super) fn keep(&mut self, at: At, slot: usize) {
        let (cpu, slack) = (at.cpu, self.bounds.deadline(at.cpu));
        let armed_by = at.time + self.bounds.entry(cpu);
        self.tasks[slot].keeper = Some(Keeper { cpu, armed_by, slack, inherited: false });
    }

    /// A CPU has left, and rung its heir if there was anything to inherit.
    pub(super) fn bequeath(&mut self, me: usize) {
        let heir = self.heir(me);
        let armed_by = self.cpus[heir].rung_at + self.bounds.heir(heir);
        let slack = self.bounds.deadline(heir);
        let (bounds, cpus) = (&self.bounds, &self.cpus);
        for task in &mut self.tasks {
            let Some(keeper) = task.keeper.as_mut().filter(|keeper| keeper.cpu == me) else { continue };
            // Who was left an earlier deadline of this task reads this one, if it has not looked yet.
            let earlier = task.linked.map_or((0, 0), |linked| {
                (cpus[linked].rung_at + bounds.heir(linked), bounds.deadline(linked))
            });
            *keeper = Keeper {
                cpu: heir,
                armed_by: armed_by.max(earlier.0),
                slack: slack.max(earlier.1),
                inherited: true,
            };
            task.linked = task.linked.or(Some(heir));
        }
    }

    /// The deadline with which a task is parked.
    pub(crate) fn deadline(&self, slot: usize) -> Option<u64> {
        self.tasks[slot]
            .wait
            .filter(|_| self.tasks[slot].place == Place::Parked)
            .and_then(|wait| wait.deadline)
    }

    /// Who must wake a task because of its deadline, and by when: not as long as an heir waits in the kernel and has not
    /// looked at what it inherited.
    pub(crate) fn wake_due(&self, slot: usize) -> Option<(usize, u64)> {
        let (deadline, keeper) = (self.deadline(slot)?, self.tasks[slot].keeper?);
        let cpu = keeper.cpu;
        if keeper.inherited && self.held.has(cpu) && keeper.armed_by >= self.cpus[cpu].held_at {
            return None;
        }
        Some((cpu, deadline.max(keeper.armed_by).saturating_add(keeper.slack)))
    }
}
