//! Whose turn it is: what must hold of every decision of `next`, and of how long it stands.

use antler_abi::Qos;
use antler_nucleus::Next;

use super::ledger::{Ledger, Place};
use super::plan::{SLICE, STRIDE};

/// The tasks that a CPU has for certain when it enters `next`: slots and versions.
pub(crate) type Had = Vec<(usize, u64)>;

impl Ledger {
    /// What CPU `me` has: mail whose sender has not returned yet is not counted.
    pub fn before_next(&mut self, me: usize) -> Had {
        let ceiling = self.ceilings[me][2];
        self.ceilings[me] = [ceiling; 3];
        let has = |place| place == Place::Queue(me) || place == Place::Mail(me);
        let recs = self.recs.iter().enumerate();
        recs.filter(|(_, rec)| has(rec.place)).map(|(slot, rec)| (slot, rec.version)).collect()
    }

    /// Judges what `next` decided. `current`: slot of the CPU's current task, as the scheduler has it.
    pub fn after_next(&mut self, me: usize, had: &Had, next: Next, current: Option<usize>) {
        let [highest, lowest, _] = self.ceilings[me];
        let runs = match next {
            Next::Run(slot) => {
                self.dispatched(me, slot, highest);
                Some(slot)
            }
            Next::Same => current,
            Next::Idle => None,
        };
        if current != runs || runs.is_some_and(|slot| self.recs[slot].place != Place::Running(me)) {
            self.red(format!("cpu{me}: {next:?} with {current:?} as its current task"));
        }
        let class = runs.map(|slot| self.recs[slot].qos);
        for &(slot, version) in had {
            let rec = &mut self.recs[slot];
            if rec.version != version {
                continue;
            }
            if rec.place == Place::Mail(me) {
                if next == Next::Same {
                    // Nothing asked it to look; its doorbell will.
                    continue;
                }
                rec.place = Place::Queue(me);
            }
            let may = rec.pin.is_some() || rec.qos <= lowest;
            let above = class.is_none_or(|class| rec.qos > class);
            if may && above {
                let (qos, pinned) = (rec.qos, rec.pin.is_some());
                let what = match class {
                    Some(class) => {
                        format!("cpu{me} runs {class} with slot {slot} of class {qos} on its queue")
                    }
                    None => format!("cpu{me} falls idle with slot {slot} on its queue"),
                };
                if pinned {
                    self.red(what);
                } else {
                    rec.suspect.get_or_insert(what);
                }
            }
        }
    }

    fn dispatched(&mut self, me: usize, slot: usize, ceiling: Qos) {
        let rec = &self.recs[slot];
        let (place, qos, dirty, pin) = (rec.place, rec.qos, rec.dirty, rec.pin);
        let mine = [Place::Queue(me), Place::Mail(me)].contains(&place)
            || matches!(place, Place::Flying(_, to) if to == me);
        if !mine {
            self.red(format!("cpu{me} runs slot {slot}, which it does not have: {place:?}"));
        }
        if dirty {
            self.red(format!("cpu{me} runs slot {slot} before its frame was saved"));
        }
        match pin {
            None if qos > ceiling => {
                self.red(format!("cpu{me} runs slot {slot} of class {qos} above its ceiling {ceiling}"));
            }
            Some((cpu, lives)) if cpu != me => {
                if self.lives[cpu] == lives {
                    self.red(format!("cpu{me} runs slot {slot}, pinned to cpu{cpu}, which never left"));
                }
                self.recs[slot].pin = Some((me, self.lives[me]));
            }
            _ => {}
        }
        // Everybody's patience begins anew: there was a turn.
        let waiting = self
            .recs
            .iter_mut()
            .filter(|rec| matches!(rec.place, Place::Queue(at) | Place::Mail(at) if at == me));
        waiting.for_each(|rec| rec.beside = 0);
        self.put(slot, Place::Running(me));
        self.recs[slot].dirty = true;
    }

    /// The task in the slot is about to run its own code on CPU `me`.
    pub fn runs(&mut self, me: usize, slot: usize) {
        let rec = &mut self.recs[slot];
        rec.dirty = true;
        if rec.place != Place::Running(me) {
            let place = rec.place;
            self.red(format!(
                "slot {slot} runs on cpu{me}, but the task is in two places or lost: {place:?}"
            ));
        }
    }

    /// The task in `slot` computed for `ns` on CPU `me`.
    pub fn computed(&mut self, me: usize, slot: usize, ns: u64) {
        let class = self.recs[slot].qos;
        for (other, rec) in self.recs.iter_mut().enumerate() {
            let here = rec.place == Place::Queue(me) || rec.place == Place::Mail(me);
            if here && rec.qos == class {
                rec.beside += ns;
                if rec.beside > SLICE + 3 * STRIDE {
                    rec.suspect.get_or_insert(format!(
                        "slot {other} starves beside slot {slot} of its class on cpu{me}"
                    ));
                }
            }
        }
    }

    /// The running task's class changes.
    pub fn set_qos(&mut self, me: usize, slot: usize, qos: Qos) {
        self.recs[slot].qos = qos;
        for rec in &mut self.recs {
            if rec.place == Place::Queue(me) || rec.place == Place::Mail(me) {
                rec.beside = 0;
            }
        }
    }

    /// A CPU's ceiling was set.
    pub fn set_ceiling(&mut self, cpu: usize, class: Qos) {
        let [highest, lowest, _] = self.ceilings[cpu];
        self.ceilings[cpu] = [highest.max(class), lowest.min(class), class];
    }

    /// A call of CPU `me` into the scheduler has returned: what it sent has arrived.
    pub fn settle(&mut self, me: usize) {
        for rec in &mut self.recs {
            match rec.place {
                Place::Flying(from, to) if from == me => rec.place = Place::Mail(to),
                _ => {}
            }
        }
    }
}
