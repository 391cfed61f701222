//! Where a runnable task goes: the choice, and the way there.

use antler_abi::Qos;
use antler_facts::{Event, Place, Request};
use antler_sync::HartToken;
use antler_sync::atomic::{Ordering, fence};

use crate::cpu::Local;
use crate::fault::Fault;
use crate::ids::CpuId;
use crate::machine::Machine;
use crate::scheduler::{Placement, Scheduler};
use crate::task::{PoolFull, Runnable};

impl<const W: usize> Scheduler<W> {
    /// Makes a task of program `owner` and places it. `prepare` writes what the task starts with, before any CPU can
    /// find it; it may keep the task's handle.
    ///
    /// # Errors
    /// [`PoolFull`]: no room for another task; nothing was made.
    pub fn spawn<M: Machine>(
        &self,
        m: &M,
        here: &mut HartToken,
        owner: u32,
        qos: Qos,
        placement: Placement,
        prepare: impl FnOnce(&Runnable),
    ) -> Result<(), PoolFull> {
        let me = CpuId::here(here);
        let (home, pinned) = match placement {
            Placement::Pinned(cpu) => (cpu, true),
            Placement::Here | Placement::Anywhere => (me, false),
        };
        let task = self.tasks.spawn(owner, qos, home, pinned)?;
        let local = self.locals.mine(here);
        let parent = local.current.as_ref().map_or(antler_facts::Task(0), |t| self.tasks.fact(t.slot()));
        prepare(&task);
        m.fact(Event::Spawned { task: self.tasks.fact(task.slot()), parent, class: qos });
        if m.commits(Fault::TaskTwice) {
            self.enqueue_own(me, local, Runnable::from_slot(task.slot() as u32));
        }
        if placement == Placement::Here && qos <= self.shared(me).ceiling() {
            self.send(m, me, local, task, me);
        } else {
            self.place(m, me, local, task);
        }
        Ok(())
    }

    /// Chooses a CPU for the task and brings it there.
    pub(crate) fn place<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local, task: Runnable) {
        let target = self.choose(task.slot());
        self.send(m, me, local, task, target);
    }

    /// An idle CPU that may run the task, its home first and then in ring order; else its home; else the next CPU that
    /// may. cpu0 always may.
    pub(crate) fn choose(&self, slot: usize) -> CpuId {
        let (home, qos) = (self.tasks.home(slot), self.tasks.qos(slot));
        if self.tasks.pinned(slot) {
            return home;
        }
        let may = |cpu: &CpuId| self.shared(*cpu).ceiling() >= qos;
        // Who takes the idle bit away has claimed that CPU: the next waker finds another one.
        let claimed =
            self.sets.idle.load().iter_from(home).filter(may).find(|&cpu| self.sets.idle.remove(cpu));
        claimed.unwrap_or_else(|| self.fallback(home, qos))
    }

    /// The home if it takes tasks of this class, else the next CPU in ring order that does.
    pub(crate) fn fallback(&self, home: CpuId, qos: Qos) -> CpuId {
        let takers = self.sets.placeable.load();
        takers.iter_from(home).find(|&cpu| self.shared(cpu).ceiling() >= qos).unwrap_or(CpuId::BOOT)
    }

    /// Brings the task to `target`: onto our own queue, or into the other's inbox, with a ring if it needs one. A CPU
    /// that left meanwhile gives it back, and then the next one is tried; cpu0 never leaves, so this ends.
    pub(crate) fn send<M: Machine>(
        &self,
        m: &M,
        me: CpuId,
        local: &mut Local,
        mut task: Runnable,
        mut target: CpuId,
    ) {
        let (slot, qos) = (task.slot(), self.tasks.qos(task.slot()));
        let name = self.tasks.fact(slot);
        while target != me {
            m.fact(Event::Enqueue { task: name, target: target.fact(), place: Place::Inbox });
            match self.shared(target).inbox.push(&self.tasks, task) {
                Ok(()) => {
                    self.shared(me).counters.wakes_sent.add(1);
                    // Mirror of the target's "publish, fence, look at the inbox": one of us sees the other. Weaker,
                    // and both could miss: the task would lie in the inbox of a sleeping CPU.
                    fence(Ordering::SeqCst);
                    if self.shared(target).presence.read().needs_ring(qos) && !m.commits(Fault::WakeUnrung) {
                        // Closed by now means that the leaving CPU found the task when it closed its inbox.
                        let _left = self.post(m, me, target, Request::Resched);
                    }
                    return;
                }
                Err(back) => {
                    task = back;
                    let next = self.fallback(CpuId::new((target.index() + 1) % self.cpus.len()), qos);
                    target = if next == target { CpuId::BOOT } else { next };
                    self.tasks.set_home(slot, target);
                }
            }
        }
        m.fact(Event::Enqueue { task: name, target: me.fact(), place: Place::Local });
        self.enqueue_own(me, local, task);
    }

    /// Puts a task on this CPU's own queue.
    #[inline(always)]
    pub(crate) fn enqueue_own(&self, me: CpuId, local: &mut Local, task: Runnable) {
        let slot = task.slot();
        let class = self.tasks.qos(slot).index();
        self.tasks.slot(slot as u32).order.store(local.order, Ordering::Relaxed);
        local.order += 1;
        if self.tasks.pinned(slot) {
            local.kept.insert(class);
            local.pinned[class].push(task);
        } else {
            local.queued.insert(class);
            self.shared(me).rings[class].push(&mut local.ends[class], task);
        }
        local.attention = true;
    }

    /// Takes what others sent. A task that this CPU may not run any more goes on.
    pub(crate) fn drain_inbox<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local) {
        let shared = self.shared(me);
        for task in shared.inbox.take(&self.tasks) {
            shared.counters.wakes_received.add(1);
            let slot = task.slot();
            if self.too_high(me, slot) {
                self.place(m, me, local, task);
            } else {
                self.enqueue_own(me, local, task);
            }
        }
        self.adopt_timers(me, local);
    }
}
