//! The usual end of a turn: a task that yields goes to the end of its class, and the next of that class runs. Nothing else
//! is looked at, because nothing else has changed since the CPU looked at everything.

use antler_facts::{Event, Leave, Place};
use antler_sync::atomic::{Ordering, fence};

use crate::cpu::Local;
use crate::ids::CpuId;
use crate::machine::Machine;
use crate::presence::State;
use crate::scheduler::Scheduler;
use crate::timers::NEVER;

impl<const W: usize> Scheduler<W> {
    /// The task that runs now, in place of the one that yielded. `None`: everything is to be looked at, and the current task
    /// may have gone to its queue already.
    ///
    /// What stays as it is: a higher class was not there when this CPU last looked, and has not come (it would be in the
    /// inbox); the CPU goes on sharing that class, so its presence is right; its ring has tasks before and after, or neither,
    /// so what it announces is right, but for a thief that found the ring empty in between (looked for below).
    #[inline(always)]
    pub(crate) fn rotate<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local) -> Option<usize> {
        let shared = self.shared(me);
        let State::Sharing(class) = local.state else { return None };
        let slot = local.current.as_ref()?.slot();
        let stays = self.tasks.pinned(slot);
        let index = class.index();
        let (ring, end, pinned) = (&shared.rings[index], &mut local.ends[index], &mut local.pinned[index]);
        let (kept, free) = (pinned.front(), ring.front(end));
        if free.is_some() == stays || (kept.is_none() && free.is_none()) || shared.inbox.has_mail() {
            return None;
        }
        let task = local.current.take()?;
        m.save(&task);
        let name = self.tasks.fact(slot);
        m.fact(Event::Leave { task: name, why: Leave::Yield });
        let task = self.tasks.requeue(task);
        m.fact(Event::Enqueue { task: name, target: me.fact(), place: Place::Local });
        let order = |slot: u32| self.tasks.slot(slot).order.load(Ordering::Relaxed);
        self.tasks.slot(slot as u32).order.store(local.order, Ordering::Relaxed);
        local.order += 1;
        let next = if stays {
            pinned.push(task);
            pinned.pop()
        } else {
            ring.push(end, task);
            let next = match (kept, ring.front(end)) {
                (Some(kept), Some(free)) if order(kept) < order(free) => pinned.pop(),
                _ => ring.pop(end),
            };
            // Mirror of `retract_surplus` (clear bit, fence, read tail).
            fence(Ordering::SeqCst);
            if !self.sets.surplus[index].contains(me) {
                local.attention = true;
            }
            next
        };
        let Some(next) = next else {
            // Thieves took all of them, the one that yielded among them.
            local.attention = true;
            return None;
        };
        (local.turn, local.yielded) = (false, false);
        let slot = next.slot();
        self.tasks.set_home(slot, me);
        local.current = Some(self.tasks.start(next));
        local.slice_end = m.now() + self.slice;
        if local.armed == NEVER {
            self.arm(m, local, local.slice_end);
        }
        Some(slot)
    }
}
