//! What a CPU does next: its own queue, else a bounded steal, else idle.

use antler_abi::Qos;
use antler_facts::{Event, IdleEnd, Leave, Request};
use antler_sync::HartToken;
use antler_sync::atomic::{Ordering, fence};

use crate::classes::Classes;
use crate::cpu::Local;
use crate::fault::Fault;
use crate::ids::CpuId;
use crate::machine::Machine;
use crate::presence::State;
use crate::scheduler::Scheduler;
use crate::task::Runnable;
use crate::timers::NEVER;

/// What the CPU must do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Next {
    /// Go on with the task that runs.
    Same,
    /// Run the task in this slot, which is the current one now.
    Run(usize),
    /// Nothing to run: wait for an interrupt, handle it, and ask again.
    Idle,
}

impl<const W: usize> Scheduler<W> {
    /// Decides what this CPU does next, at the end of every kernel entry. Without anything to look at it costs one
    /// test. Every further turn of the loop follows a task that came in or was taken by somebody meanwhile.
    #[inline(always)]
    pub fn next<M: Machine>(&self, m: &M, here: &mut HartToken) -> Next {
        let me = CpuId::here(here);
        let local = self.locals.mine(here);
        if !local.attention {
            if !local.yielded {
                return Next::Same;
            }
            if let Some(slot) = self.rotate(m, me, local) {
                self.count_dispatch(me, local, slot as u32);
                return Next::Run(slot);
            }
        }
        self.next_of_all(m, me, local)
    }

    /// Does what [`Scheduler::next`] does when the current task goes on, if it does; false, with nothing done, if it may have
    /// to give way: then its registers must be in memory before that is asked.
    #[inline(always)]
    pub fn stays<M: Machine>(&self, m: &M, here: &mut HartToken) -> bool {
        let me = CpuId::here(here);
        let local = self.locals.mine(here);
        if local.turn || local.yielded {
            return false;
        }
        !local.attention || self.settles(m, me, local)
    }

    #[inline(never)]
    fn settles<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local) -> bool {
        let Some(slot) = local.current.as_ref().map(|task| task.slot()) else { return false };
        let class = self.tasks.qos(slot);
        let stays = !self.shared(me).inbox.has_mail()
            && !self.has_timer_mail(me)
            && !self.too_high(me, slot)
            && self.best(me, local).is_none_or(|best| best <= class)
            && self.settle(m, me, local, false);
        local.attention = !stays;
        stays
    }

    /// [`Scheduler::next`], when there is something to look at.
    #[inline(never)]
    fn next_of_all<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local) -> Next {
        let mut switched = false;
        let mut turns = 0;
        loop {
            if turns > 0 {
                m.relax(turns);
            }
            turns += 1;
            self.drain_inbox(m, me, local);
            switched |= self.give_way(m, me, local, switched);
            if local.current.is_none() {
                switched = true;
                if self.best(me, local).is_none() {
                    self.steal_any(m, me, local);
                }
                let lowest = m.commits(Fault::LowestFirst);
                match if lowest { self.pick_lowest(me, local) } else { self.pick(me, local) } {
                    // The ceiling was lowered after the task came here.
                    Some(task) if self.too_high(me, task.slot()) => {
                        self.place(m, me, local, task);
                        continue;
                    }
                    Some(task) => self.take(m, me, local, task),
                    None if self.fall_idle(m, me, local) => return Next::Idle,
                    None => continue,
                }
            }
            if self.settle(m, me, local, switched) {
                break;
            }
        }
        local.attention = false;
        match local.current.as_ref().map(|task| task.slot()) {
            Some(slot) if switched => {
                self.count_dispatch(me, local, slot as u32);
                Next::Run(slot)
            }
            _ => Next::Same,
        }
    }

    #[inline(always)]
    fn count_dispatch(&self, me: CpuId, local: &mut Local, slot: u32) {
        let counters = &self.shared(me).counters;
        counters.dispatches.add(1);
        if local.last != slot {
            local.last = slot;
            counters.switches.add(1);
        }
    }

    /// Takes the CPU from the current task if something else is to run first. A task that was only `chosen`, and has not
    /// run since, goes back without a word, at the end of its class: nothing of it is in the hart, and as far as facts go it
    /// never left the queue.
    fn give_way<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local, chosen: bool) -> bool {
        let turn = core::mem::take(&mut local.turn);
        let yielded = core::mem::take(&mut local.yielded);
        let Some(slot) = local.current.as_ref().map(|task| task.slot()) else { return false };
        let class = self.tasks.qos(slot);
        let too_high = self.too_high(me, slot);
        let better = self.best(me, local).is_some_and(|best| best > class || (turn && best == class));
        if !too_high && !better {
            return false;
        }
        let Some(task) = local.current.take() else { return false };
        if chosen {
            let task = self.tasks.requeue(task);
            if too_high {
                self.place(m, me, local, task);
            } else {
                self.enqueue_own(me, local, task);
            }
            return true;
        }
        m.save(&task);
        let why = if yielded { Leave::Yield } else { Leave::Preempt };
        m.fact(Event::Leave { task: self.tasks.fact(slot), why });
        let task = self.tasks.requeue(task);
        if too_high {
            self.place(m, me, local, task);
        } else {
            let home = if m.commits(Fault::TaskStrays) { self.somebody_else(me) } else { me };
            self.send(m, me, local, task, home);
        }
        true
    }

    /// Whether a task is above what this CPU may run. A pinned task was let in when it was made.
    pub(crate) fn too_high(&self, me: CpuId, slot: usize) -> bool {
        self.tasks.qos(slot) > self.shared(me).ceiling() && !self.tasks.pinned(slot)
    }

    /// Highest class of which this CPU has a task queued.
    #[inline(always)]
    fn best(&self, me: CpuId, local: &mut Local) -> Option<Qos> {
        let rings = &self.shared(me).rings;
        for class in local.queued.or(local.kept).descending() {
            if local.pinned[class].len() > 0 || rings[class].front(&local.ends[class]).is_some() {
                return Some(Qos::ALL[class]);
            }
            local.queued.remove(class);
            local.kept.remove(class);
        }
        None
    }

    /// Takes the next task off this CPU's own queue: highest class first; within it, first come first served across
    /// pinned and stealable tasks.
    #[inline(always)]
    fn pick(&self, me: CpuId, local: &mut Local) -> Option<Runnable> {
        let order = |slot: u32| self.tasks.slot(slot).order.load(Ordering::Relaxed);
        let rings = &self.shared(me).rings;
        for class in local.queued.or(local.kept).descending() {
            let (ring, end) = (&rings[class], &mut local.ends[class]);
            let pinned = &mut local.pinned[class];
            let task = match (pinned.front(), ring.front(end)) {
                (Some(kept), Some(free)) if order(free) < order(kept) => {
                    ring.pop(end).or_else(|| pinned.pop())
                }
                (Some(_), _) => pinned.pop(),
                (None, Some(_)) => ring.pop(end),
                (None, None) => None,
            };
            if task.is_some() {
                return task;
            }
        }
        None
    }

    /// Makes a task the current one.
    #[inline(always)]
    fn take<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local, task: Runnable) {
        let slot = task.slot();
        self.leave_idle(m, me, local, IdleEnd::Work);
        self.tasks.set_home(slot, me);
        local.current = Some(self.tasks.start(task));
    }

    #[inline(always)]
    pub(crate) fn leave_idle<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local, why: IdleEnd) {
        if core::mem::take(&mut local.idle) {
            self.left_idle(m, me, local, why);
        }
    }

    #[inline(never)]
    fn left_idle<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local, why: IdleEnd) {
        // The bit may be gone: a waker claimed us.
        self.sets.idle.remove(me);
        let counters = &self.shared(me).counters;
        counters.idle_ns.add(m.now() - counters.idle_since.get());
        counters.idle_since.set(0);
        m.fact(Event::IdleEnd { why });
        local.found_work = why == IdleEnd::Work;
        local.claimed = false;
    }

    /// Publishes idleness, then looks once more; false if something came. A posted mailbox needs no look: its doorbell
    /// is pending and will end the wait at once.
    #[inline(never)]
    fn fall_idle<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local) -> bool {
        let slept = core::mem::replace(&mut local.idle, true);
        if !slept {
            self.shared(me).counters.idle_since.set(m.now());
            m.fact(Event::IdleBegin {});
        }
        let shared = self.shared(me);
        // Who slept and finds the bit gone was claimed.
        local.claimed |= self.sets.idle.insert(me) && slept;
        shared.presence.publish(State::Idle);
        local.state = State::Idle;
        // Mirror of `send` (push, fence, read presence) and of `offer` (announce surplus, fence, read idle set).
        fence(Ordering::SeqCst);
        if shared.inbox.has_mail() || self.has_timer_mail(me) || self.eligible_surplus(me) {
            return false;
        }
        if core::mem::take(&mut local.claimed) {
            // For work that this CPU may not do, or that is gone: somebody else may be able to do what is left. That is
            // above our ceiling, or a stale mark of our own, which the next one takes away: so passing on ends.
            self.wake_a_thief(m, me, false);
        }
        self.arm(m, local, NEVER);
        true
    }

    /// Publishes what this CPU runs, offers what it has to spare, and sets its timer; false if mail came in meanwhile.
    fn settle<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local, switched: bool) -> bool {
        let Some(slot) = local.current.as_ref().map(|task| task.slot()) else { return true };
        let (class, shared) = (self.tasks.qos(slot), self.shared(me));
        let (own, ring) = (local.pinned[class.index()].len(), shared.rings[class.index()].len());
        let state = if own + ring > 0 { State::Sharing(class) } else { State::Alone(class) };
        let fresh = state != local.state;
        if fresh {
            shared.presence.publish(state);
            local.state = state;
            // Mirror of `send`. A state that stays the same needs no fence: a waker acts on it as before.
            fence(Ordering::SeqCst);
            if shared.inbox.has_mail() {
                return false;
            }
        }
        self.offer(m, me, local);
        let mut tick = NEVER;
        if matches!(state, State::Sharing(_)) {
            // A slice that ended during this entry stays ended: its tick is due at once, and takes the turn.
            if switched || fresh {
                local.slice_end = m.now() + self.slice;
            }
            tick = local.slice_end;
        }
        self.arm(m, local, tick);
        true
    }

    /// Tells thieves what is queued here and stealable, and wakes one idle CPU if there is something for it: from here, or,
    /// when this CPU has just found work itself, from anybody. So each thief that is woken wakes the next one.
    #[inline(always)]
    fn offer<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local) {
        let found_work = core::mem::take(&mut local.found_work);
        if found_work || !local.queued.is_empty() || !local.announced.is_empty() {
            self.announce(m, me, local, found_work);
        }
    }

    #[inline(never)]
    fn announce<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local, found_work: bool) {
        let rings = &self.shared(me).rings;
        let mut spare = Classes::NONE;
        for class in local.queued.descending() {
            if rings[class].front(&local.ends[class]).is_some() {
                spare.insert(class);
            } else {
                local.queued.remove(class);
            }
        }
        let mut fresh = false;
        if !spare.is_empty() {
            // Mirror of `retract_surplus` (clear bit, fence, read tail).
            fence(Ordering::SeqCst);
            for class in spare.descending() {
                let announced = self.sets.surplus[class].contains(me);
                fresh |= !announced && self.sets.surplus[class].insert(me);
            }
        }
        // Only this CPU adds to the ring: what it knows to be empty stays so until it says otherwise. A thief that puts the
        // bit back late is the next one's to put right.
        for class in local.announced.descending().filter(|&class| !spare.has(class)) {
            self.sets.surplus[class].remove(me);
        }
        local.announced = spare;
        if !spare.is_empty() || found_work {
            self.wake_a_thief(m, me, fresh);
        }
    }

    /// Claims and rings one idle CPU that may take some of what is announced anywhere. `fresh`: this CPU has just announced
    /// something, which must be ordered before the look at the idle set.
    #[inline(never)]
    pub(crate) fn wake_a_thief<M: Machine>(&self, m: &M, me: CpuId, fresh: bool) {
        if fresh {
            // Mirror of `fall_idle` (set idle bit, fence, read surplus).
            fence(Ordering::SeqCst);
        }
        let idle = self.sets.idle.load();
        if idle.is_empty() {
            return;
        }
        let next = CpuId::new((me.index() + 1) % self.cpus.len());
        let spare = |class: &usize| !self.sets.surplus[*class].load().is_empty();
        let Some(lowest) = (0..Qos::COUNT).find(spare) else { return };
        // A CPU that may not take the lowest class announced may take none of them.
        let may = |cpu: &CpuId| *cpu != me && self.shared(*cpu).ceiling().index() >= lowest;
        for cpu in idle.iter_from(next).filter(may) {
            // A CPU that has left meanwhile is passed over.
            if self.sets.idle.remove(cpu) && self.post(m, me, cpu, Request::Resched).is_ok() {
                return;
            }
        }
    }

    /// Sets the timer to the earlier of the next deadline and the tick. A timer that would fire too early is left
    /// alone, unless nothing at all is due: then it is switched off, so that an undisturbed task stays undisturbed.
    #[inline(always)]
    pub(crate) fn arm<M: Machine>(&self, m: &M, local: &mut Local, tick: u64) {
        if m.commits(Fault::TimerClobbered) {
            return self.arm_latest(m, local);
        }
        let due = local.timers.next().unwrap_or(NEVER).min(tick);
        if local.armed == due || (local.armed < due && due != NEVER) {
            return;
        }
        m.arm((due != NEVER).then_some(due));
        local.armed = due;
    }

    /// Makes the timer fire by `deadline` (ns) at the latest, for a CPU that waits in the kernel.
    pub fn wake_me_by<M: Machine>(&self, m: &M, here: &mut HartToken, deadline: u64) {
        let local = self.locals.mine(here);
        if local.armed > deadline {
            m.arm(Some(deadline));
            local.armed = deadline;
        }
    }

    /// Has [`Scheduler::next`] look at everything again, though nothing of this CPU's own changed.
    pub fn look_again(&self, here: &mut HartToken) {
        self.locals.mine(here).attention = true;
    }
}
