//! The usual end of a turn: a task that yields goes to the end of its class, and the next of that class runs. Nothing else
//! is looked at, because nothing else has changed since the CPU looked at everything.

use antler_facts::{Event, Leave, Place};
use antler_sync::atomic::Ordering;

use crate::cpu::Local;
use crate::ids::CpuId;
use crate::machine::Machine;
use crate::presence::State;
use crate::scheduler::Scheduler;

impl<const W: usize> Scheduler<W> {
    /// The task that runs now, in place of the one that yielded. `None`: everything is to be looked at, and the current task
    /// may have gone to its queue already.
    ///
    /// What stays as it is: a higher class was not there when this CPU last looked, and has not come since. This CPU goes on
    /// sharing that class, so its presence is right and its tick is set. What it announces is right too, without another
    /// look: the task goes in before the next one comes out, so a thief never finds the queue empty in between, and whoever
    /// sees the head behind the one sees the tail behind the other (Release in `Ring::pop`, Acquire in `Ring::len`).
    #[inline(always)]
    pub(crate) fn rotate<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local) -> Option<usize> {
        let shared = self.shared(me);
        let State::Sharing(class) = local.state else { return None };
        let slot = local.current.as_ref()?.slot();
        let stays = self.tasks.pinned(slot);
        let index = class.index();
        let (ring, end, pinned) = (&shared.rings[index], &mut local.ends[index], &mut local.pinned[index]);
        let (kept, free) = (pinned.front(), ring.front(end));
        // One queue of the two, and not both: no question which of them is first.
        if free.is_some() == stays || kept.is_some() != stays || shared.inbox.has_mail() {
            return None;
        }
        // Pinned tasks were let in when they were made; of the others the ceiling may have been lowered.
        if !stays && class > shared.ceiling() {
            return None;
        }
        let task = local.current.take()?;
        m.save(&task);
        m.fact(Event::Leave { task: self.tasks.fact(slot), why: Leave::Yield });
        let task = self.tasks.requeue(task);
        m.fact(Event::Enqueue { task: self.tasks.fact(slot), target: me.fact(), place: Place::Local });
        self.tasks.slot(slot as u32).order.store(local.order, Ordering::Relaxed);
        local.order += 1;
        let next = if stays {
            pinned.push(task);
            pinned.pop()
        } else {
            ring.push(end, task);
            ring.pop(end)
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
        // The tick that is set comes before that, and is set anew then.
        local.slice_end = m.now() + self.slice;
        Some(slot)
    }
}
