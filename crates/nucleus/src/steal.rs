//! Work stealing: bounded, in a fixed order, and never above one's own ceiling.

use antler_abi::{Error, Qos};
use antler_facts::Event;
use antler_sync::HartToken;
use antler_sync::atomic::{Ordering, fence};

use crate::STEAL_BOUND;
use crate::cpu::Local;
use crate::fault::Fault;
use crate::ids::{CpuId, OnlineCpu};
use crate::machine::Machine;
use crate::ring::Take;
use crate::scheduler::Scheduler;
use crate::task::Runnable;

/// How a steal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Steal {
    /// So many tasks are on the thief's own queue now.
    Took(usize),
    /// The victim had none to spare of a class that the thief may run.
    Nothing,
    /// Somebody else was faster; the attempt is over.
    Lost,
}

/// Why a steal was not even tried. Nothing moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StealRefused {
    /// More than [`STEAL_BOUND`] tasks were asked for.
    AboveBound,
    /// A CPU does not steal from itself.
    Own,
}

impl StealRefused {
    /// The error that user space sees.
    pub const fn to_abi(self) -> Error {
        match self {
            StealRefused::AboveBound => Error::AboveBound,
            StealRefused::Own => Error::BadArgument,
        }
    }
}

impl<const W: usize> Scheduler<W> {
    /// Takes up to `count` tasks of one class from `victim`: the highest class of which the victim has some to spare
    /// and that this CPU may run. This is the steal that an idle CPU makes, with `count` = [`STEAL_BOUND`].
    ///
    /// # Errors
    /// [`StealRefused`]; queues are unchanged.
    pub fn steal<M: Machine>(
        &self,
        m: &M,
        here: &mut HartToken,
        victim: OnlineCpu,
        count: usize,
    ) -> Result<Steal, StealRefused> {
        let me = CpuId::here(here);
        let local = self.locals.mine(here);
        self.steal_from(m, me, local, victim.cpu(), count).inspect_err(|refused| {
            let (asked, error) = (count as u64, refused.to_abi());
            m.fact(Event::StealRefused { victim: victim.cpu().fact(), asked, error });
        })
    }

    fn steal_from<M: Machine>(
        &self,
        m: &M,
        me: CpuId,
        local: &mut Local,
        victim: CpuId,
        count: usize,
    ) -> Result<Steal, StealRefused> {
        let bounded = !m.commits(Fault::StealUnbounded);
        if count > STEAL_BOUND && bounded {
            return Err(StealRefused::AboveBound);
        }
        if victim == me {
            return Err(StealRefused::Own);
        }
        let mine = self.shared(me);
        mine.counters.steals_tried.add(1);
        for class in (0..=mine.ceiling().index()).rev() {
            if !self.sets.surplus[class].contains(victim) {
                continue;
            }
            if !bounded || m.commits(Fault::StealDeep) {
                return Ok(self.steal_too_many(m, me, local, victim, class));
            }
            let mut taken = [0; STEAL_BOUND];
            return Ok(match self.shared(victim).rings[class].take(&mut taken[..count]) {
                Take::Took(n) => {
                    self.keep(m, me, local, victim, Qos::ALL[class], &taken[..n]);
                    Steal::Took(n)
                }
                Take::Empty => {
                    self.retract_surplus(victim, class);
                    Steal::Nothing
                }
                Take::Lost => Steal::Lost,
            });
        }
        Ok(Steal::Nothing)
    }

    /// The exchange of the victim's head made these tasks ours; they go onto our own queue, one queue at a time.
    pub(crate) fn keep<M: Machine>(
        &self,
        m: &M,
        me: CpuId,
        local: &mut Local,
        victim: CpuId,
        class: Qos,
        slots: &[u32],
    ) {
        local.found_work = true;
        let counters = &self.shared(me).counters;
        counters.steals_won.add(1);
        counters.tasks_stolen.add(slots.len() as u64);
        m.fact(Event::Steal { victim: victim.fact(), count: slots.len() as u64, class });
        let said = if m.commits(Fault::StealUnsaid) { &slots[1..] } else { slots };
        for &slot in said {
            m.fact(Event::Stolen { task: self.tasks.fact(slot as usize), victim: victim.fact() });
        }
        let kept = if m.commits(Fault::TaskLost) { self.all_but_the_last(slots) } else { slots };
        for &slot in kept {
            self.enqueue_own(me, local, Runnable::from_slot(slot));
        }
    }

    /// One attempt of a CPU without work: the first victim in ring order from its own number, highest class first.
    #[inline(never)]
    pub(crate) fn steal_any<M: Machine>(&self, m: &M, me: CpuId, local: &mut Local) {
        if m.commits(Fault::StealNever) {
            return;
        }
        let next = CpuId::new((me.index() + 1) % self.cpus.len());
        for class in (0..=self.shared(me).ceiling().index()).rev() {
            if let Some(victim) = self.sets.surplus[class].load().iter_from(next).find(|&victim| victim != me)
            {
                // Empty-handed or not, the attempt is over; the idle path looks for surplus again before it sleeps.
                let (Ok(_) | Err(_)) = self.steal_from(m, me, local, victim, STEAL_BOUND);
                return;
            }
        }
    }

    /// Whether any CPU may have something that this one may take. Asked after a full fence, before sleep.
    pub(crate) fn eligible_surplus(&self, me: CpuId) -> bool {
        (0..=self.shared(me).ceiling().index())
            .any(|class| self.sets.surplus[class].load().iter().any(|victim| victim != me))
    }

    /// The thief found nothing: takes the victim's bit away, and gives it back if the victim pushed meanwhile. The
    /// owner pushes, fences and looks at the bit; we clear the bit, fence and look at the ring: one of us sees the
    /// other, so a queued task is never left unannounced.
    fn retract_surplus(&self, victim: CpuId, class: usize) {
        self.sets.surplus[class].remove(victim);
        fence(Ordering::SeqCst);
        if !self.shared(victim).rings[class].is_empty() {
            self.sets.surplus[class].insert(victim);
        }
    }
}
