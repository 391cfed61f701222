//! How a task stops running of its own will, and how it comes back: yield, sleep, wait, wake, join, end.

use antler_abi::{Qos, ThreadHandle};
use antler_facts::{Event, Leave, Request, WakeCause};
use antler_sync::atomic::Ordering;
use antler_sync::{HartToken, Held};

use crate::cpu::Local;
use crate::fault::Fault;
use crate::ids::CpuId;
use crate::machine::Machine;
use crate::phase::Phase;
use crate::scheduler::Scheduler;
use crate::task::Runnable;
use crate::timers::NEVER;
use crate::waits::{BUCKET_RANK, Key};

/// Deadlines handled in one timer interrupt; what is left is due at once and fires again.
const TIMER_BATCH: usize = 64;

/// Waiters claimed under one hold of a bucket's lock; they are placed, and doorbells rung, after it is released.
const WAKE_BATCH: usize = 16;

impl<const W: usize> Scheduler<W> {
    /// The current task lets others of its class run; takes effect in [`Scheduler::next`].
    pub fn yield_now(&self, here: &mut HartToken) {
        let local = self.locals.mine(here);
        (local.turn, local.yielded) = (true, true);
    }

    /// Changes the current task's class.
    pub fn set_qos(&self, here: &mut HartToken, qos: Qos) {
        let local = self.locals.mine(here);
        if let Some(task) = &local.current {
            self.tasks.set_qos(task, qos);
        }
        local.attention = true;
    }

    /// Parks the current task until `deadline` (ns since boot).
    pub fn sleep<M: Machine>(&self, m: &M, here: &mut HartToken, deadline: u64) {
        let local = self.locals.mine(here);
        let Some(task) = local.current.take() else { return };
        local.attention = true;
        m.save(&task);
        let slot = task.slot();
        m.fact(Event::Deadline { task: self.tasks.fact(slot), at: deadline });
        m.fact(Event::Leave { task: self.tasks.fact(slot), why: Leave::Block });
        self.tasks.slot(slot as u32).deadline.store(deadline, Ordering::Relaxed);
        local.timers.insert(self.tasks.next_ticket(&task), deadline);
        self.tasks.park(task);
    }

    /// Parks the current task on `key` until a wake or the deadline, if `check` finds, under the lock that wakers take
    /// too, that there is still a reason to wait.
    ///
    /// # Errors
    /// What `check` returned; the task runs on.
    pub fn wait<M: Machine, E>(
        &self,
        m: &M,
        here: &mut HartToken,
        key: Key,
        deadline: Option<u64>,
        check: impl FnOnce(&mut Held<'_, BUCKET_RANK>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (local, mut held) = self.locals.mine_and_locks(here);
        let Some(task) = local.current.take() else { return Ok(()) };
        m.save(&task);
        let (slot, ticket) = (task.slot(), self.tasks.next_ticket(&task));
        let timers = &mut local.timers;
        let parked = self.waits.park(&self.tasks, task, key, &mut held, m, |held| {
            check(held)?;
            self.tasks.slot(slot as u32).deadline.store(deadline.unwrap_or(u64::MAX), Ordering::Relaxed);
            if let Some(deadline) = deadline {
                timers.insert(ticket, deadline);
                m.fact(Event::Deadline { task: self.tasks.fact(slot), at: deadline });
            }
            m.fact(Event::Leave { task: self.tasks.fact(slot), why: Leave::Block });
            Ok(())
        });
        match parked {
            Ok(()) => {
                local.attention = true;
                Ok(())
            }
            Err((task, reason)) => {
                local.current = Some(task);
                Err(reason)
            }
        }
    }

    /// Wakes up to `count` tasks that wait on `key`, longest waiting first; returns how many.
    pub fn wake<M: Machine>(
        &self,
        m: &M,
        here: &mut HartToken,
        key: Key,
        count: usize,
        cause: WakeCause,
    ) -> usize {
        let me = CpuId::here(here);
        let (local, mut held) = self.locals.mine_and_locks(here);
        if count == 1 {
            let mut one = None;
            let got = self.waits.wake(&self.tasks, key, 1, &mut held, m, |task| one = Some(task));
            if let Some(task) = one {
                self.place_woken(m, me, local, task, cause);
            }
            return got;
        }
        let mut woken = 0;
        // Tasks that wait again at once are not woken again: at most as many as there are.
        let count = count.min(self.tasks.capacity());
        while woken < count {
            let mut batch: [Option<Runnable>; WAKE_BATCH] = [const { None }; WAKE_BATCH];
            let mut place = batch.iter_mut();
            let want = (count - woken).min(WAKE_BATCH);
            let got = self.waits.wake(&self.tasks, key, want, &mut held, m, |task| {
                if let Some(place) = place.next() {
                    *place = Some(task);
                }
            });
            // In place: the batch is not moved for the sake of the few tasks that are in it.
            for task in batch.iter_mut().map_while(Option::take) {
                self.place_woken(m, me, local, task, cause);
            }
            woken += got;
            if got < want {
                break;
            }
        }
        woken
    }

    /// Whether nobody waits on `key`: then a wake would find nobody, and needs no lock to know it. False if somebody may.
    pub fn nobody_waits(&self, key: Key) -> bool {
        self.waits.is_quiet(key)
    }

    fn place_woken<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local, task: Runnable, cause: WakeCause) {
        let target = self.choose(task.slot());
        m.fact(Event::Wake { task: self.tasks.fact(task.slot()), cause, target: target.fact() });
        self.send(m, me, local, task, target);
    }

    /// This hart's timer fired: wakes what is due and ends the time slice if it is over.
    pub fn timer<M: Machine>(&self, m: &M, here: &mut HartToken) {
        let me = CpuId::here(here);
        let (local, mut held) = self.locals.mine_and_locks(here);
        let now = m.now();
        local.attention = true;
        let deadline = core::mem::replace(&mut local.armed, NEVER);
        if deadline != NEVER {
            m.fact(Event::Timer { deadline });
        }
        for _ in 0..TIMER_BATCH {
            let due = if m.commits(Fault::TimerEarly) { self.too_early(now) } else { now };
            let Some((_, ticket)) = local.timers.pop_due(due) else { break };
            // Losing the claim means that something else woke the task first.
            if let Some(task) = self.tasks.claim(ticket) {
                if self.waits.forget(&self.tasks, &task, &mut held, m) {
                    m.timed_out(&task);
                }
                self.place_woken(m, me, local, task, WakeCause::Deadline);
            }
        }
        if local.slice_end <= now {
            local.turn = true;
        }
        // The hardware timer stays pending until it is set again.
        self.arm_anew(m, local);
    }

    fn arm_anew<M: Machine>(&self, m: &M, local: &mut Local) {
        let due = local.timers.next();
        m.arm(due);
        local.armed = due.unwrap_or(NEVER);
    }

    /// Whether a thread has ended; its joiner fetches the value with [`crate::TaskPool::reap`].
    pub fn has_ended(&self, handle: ThreadHandle) -> bool {
        self.tasks.phase(handle.slot) == Phase::Zombie
    }

    /// Ends the current task with `value` and wakes whoever joins it.
    pub fn exit<M: Machine>(&self, m: &M, here: &mut HartToken, value: u64) {
        let local = self.locals.mine(here);
        let Some(task) = local.current.take() else { return };
        local.attention = true;
        let handle = self.tasks.handle(task.slot());
        let name = self.tasks.fact(task.slot());
        m.fact(Event::Leave { task: name, why: Leave::Exit });
        m.fact(Event::Exit { task: name, value });
        // Ended first, woken second: a joiner that checks in between finds the end and does not wait.
        self.tasks.finish(task, value);
        let key = Key::End(handle.to_raw());
        if !self.nobody_waits(key) {
            self.wake(m, here, key, usize::MAX, WakeCause::Join);
        }
    }

    /// Makes every parked task of a program runnable, so that each can find out that its program is over, and has
    /// every other CPU look at what it runs.
    pub fn rouse<M: Machine>(&self, m: &M, here: &mut HartToken, owner: u32) {
        let me = CpuId::here(here);
        let (local, mut held) = self.locals.mine_and_locks(here);
        for slot in 0..self.tasks.capacity() as u32 {
            // The ticket first: if the slot changes hands after it, the claim fails.
            let ticket = self.tasks.parked(slot).filter(|_| self.tasks.owner(slot as usize) == owner);
            if let Some(task) = ticket.and_then(|ticket| self.tasks.claim(ticket)) {
                self.waits.forget(&self.tasks, &task, &mut held, m);
                self.place_woken(m, me, local, task, WakeCause::Kill);
            }
        }
        for cpu in self.sets.online.load().iter().filter(|&cpu| cpu != me) {
            // A CPU that left meanwhile runs nothing.
            let _left = self.post(m, me, cpu, Request::Resched);
        }
    }
}
