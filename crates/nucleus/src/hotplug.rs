//! CPUs come and go. A CPU comes online by its own doing, and goes offline by its own doing: it moves what it has,
//! closes the ways in, and only then is it gone. One at a time, and never cpu0; the kernel sees to both.

use antler_facts::{Event, IdleEnd, Leave, Request};
use antler_sync::HartToken;
use antler_sync::atomic::Ordering;

use crate::calls::Call;
use crate::classes::Classes;
use crate::cpu::Local;
use crate::ids::CpuId;
use crate::machine::Machine;
use crate::presence::State;
use crate::scheduler::Scheduler;
use crate::task::NONE;
use crate::timers::NEVER;

impl<const W: usize> Scheduler<W> {
    /// This CPU joins in. Its hart is set up and its doorbell cleared.
    pub fn come_online<M: Machine>(&self, m: &M, here: &mut HartToken) {
        let me = CpuId::here(here);
        let (local, shared) = (self.locals.mine(here), self.shared(me));
        local.attention = true;
        local.armed = NEVER;
        local.state = State::Alone(antler_abi::Qos::PerfBurst);
        shared.presence.publish(local.state);
        shared.counters.online_since.set(m.now());
        shared.mailbox.open();
        shared.inbox.open();
        self.sets.online.insert(me);
        self.sets.placeable.insert(me);
    }

    /// This CPU leaves: nothing is its any more when this returns, and nothing more will be. `answer` is as for
    /// [`Scheduler::doorbell`]: Calls that came in until the mailbox closed are still answered.
    pub fn leave<M: Machine>(
        &self,
        m: &M,
        here: &mut HartToken,
        answer: impl FnMut(&mut HartToken, CpuId, Call),
    ) {
        let me = CpuId::here(here);
        let (local, shared) = (self.locals.mine(here), self.shared(me));
        self.sets.placeable.remove(me);
        self.leave_idle(m, me, local, IdleEnd::Offline);
        self.sets.idle.remove(me);
        if let Some(task) = local.current.take() {
            m.save(&task);
            m.fact(Event::Leave { task: self.tasks.fact(task.slot()), why: Leave::Offline });
            let task = self.tasks.requeue(task);
            self.enqueue_own(me, local, task);
        }
        self.rehome_all(m, me);
        self.bequeath_timers(m, me, local);
        // Closed before the queues are emptied: what comes later goes elsewhere.
        for task in shared.inbox.close(&self.tasks) {
            shared.counters.wakes_received.add(1);
            self.enqueue_own(me, local, task);
        }
        local.announced = Classes::NONE;
        for class in 0..shared.rings.len() {
            self.sets.surplus[class].remove(me);
            while let Some(task) =
                shared.rings[class].pop(&mut local.ends[class]).or_else(|| local.pinned[class].pop())
            {
                let slot = task.slot();
                let to = self.fallback(me, self.tasks.qos(slot));
                self.tasks.set_home(slot, to);
                m.fact(Event::Evicted { task: self.tasks.fact(slot), to: to.fact() });
                self.place(m, me, local, task);
            }
        }
        m.arm(None);
        shared.counters.online_ns.add(m.now() - shared.counters.online_since.get());
        shared.counters.online_since.set(0);
        local.armed = NEVER;
        local.state = State::Offline;
        shared.presence.publish(State::Offline);
        // Not a target any more, then not reachable any more, then nobody unanswered.
        self.sets.online.remove(me);
        let _ = shared.mailbox.close();
        self.meet_senders(m, here, answer);
        // Somebody may have claimed this CPU for work that lies elsewhere: pass the claim on.
        self.wake_a_thief(m, me, true);
    }

    /// Gives every task whose home we are another one, so that wakers do not look for it here.
    fn rehome_all<M: Machine>(&self, m: &M, me: CpuId) {
        for slot in 0..self.tasks.capacity() {
            if self.tasks.home(slot) == me {
                let to = self.fallback(me, self.tasks.qos(slot));
                // Unless the slot has changed hands, and homes, meanwhile.
                if self.tasks.move_home(slot, me, to) && self.tasks.parked(slot as u32).is_some() {
                    m.fact(Event::Rehome { task: self.tasks.fact(slot), to: to.fact() });
                }
            }
        }
    }

    /// Leaves our deadlines to another CPU: each is in its task's slot, the slots go on the heir's timer list.
    fn bequeath_timers<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local) {
        self.adopt_timers(me, local);
        let heir = self.fallback(me, antler_abi::Qos::PerfBurst);
        let list = &self.shared(heir).timer_inbox;
        let mut any = false;
        while let Some((_, ticket)) = local.timers.pop() {
            let slot = self.tasks.slot(ticket.slot);
            if self.tasks.parked(ticket.slot) != Some(ticket)
                || slot.timer_linked.swap(1, Ordering::AcqRel) != 0
            {
                // Woken already; or on some CPU's list already, which will read the deadline that holds by then.
                continue;
            }
            let mut head = list.load(Ordering::Relaxed);
            // One CPU leaves at a time, so only the heir's own taking of the list can make this fail.
            loop {
                slot.timer_next.store(head, Ordering::Relaxed);
                match list.compare_exchange(head, ticket.slot, Ordering::Release, Ordering::Relaxed) {
                    Ok(_) => break,
                    Err(seen) => head = seen,
                }
            }
            any = true;
        }
        if any {
            // The heir is cpu0 or another that does not leave while we do.
            let _left = self.post(m, me, heir, Request::Resched);
        }
    }

    #[inline(always)]
    pub(crate) fn has_timer_mail(&self, me: CpuId) -> bool {
        self.shared(me).timer_inbox.load(Ordering::Relaxed) != NONE
    }

    /// Takes over deadlines that a leaving CPU left to us.
    #[inline(always)]
    pub(crate) fn adopt_timers(&self, me: CpuId, local: &mut Local) {
        if !self.has_timer_mail(me) {
            return;
        }
        let mut at = self.shared(me).timer_inbox.swap(NONE, Ordering::Acquire);
        while at != NONE {
            let slot = self.tasks.slot(at);
            let next = slot.timer_next.load(Ordering::Relaxed);
            // A CPU that left after this swap links the slot anew; one that left before it, and found it linked, is seen
            // by it, and so is the park that it had the deadline of.
            slot.timer_linked.swap(0, Ordering::AcqRel);
            // The ticket first: a deadline of a later park then goes with a ticket that is worthless.
            if let Some(ticket) = self.tasks.parked(at) {
                let deadline = slot.deadline.load(Ordering::Relaxed);
                if deadline != u64::MAX {
                    local.timers.insert(ticket, deadline);
                }
            }
            at = next;
        }
    }
}
