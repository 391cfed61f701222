//! What a scheduler can be told to do wrong, so that its proofs are seen to fail.

use antler_abi::Qos;
use antler_facts::{Event, Request};

use crate::STEAL_BOUND;
use crate::cpu::Local;
use crate::ids::{CpuId, TargetError};
use crate::machine::Machine;
use crate::mailbox::Post;
use crate::ring::Take;
use crate::scheduler::Scheduler;
use crate::steal::Steal;
use crate::task::Runnable;
use crate::timers::NEVER;

/// An error that a [`Machine`](crate::Machine) may have the scheduler commit. Each stands at the one place in the
/// production path that it breaks, as a question to the machine; where the answer is a constant `false`, which is
/// everywhere but in a kernel built for it, nothing of the question is left in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The doorbell is rung, and the request posted when the target has answered the ring.
    DoorbellFirst,
    /// A request is posted in the name of the next CPU.
    WrongSender,
    /// A ring fails, and the mark that says "rung" stays.
    RingLatched,
    /// A CPU that needs a doorbell to find its new task gets none.
    WakeUnrung,
    /// A steal takes up to twice the bound, and more than the bound may be asked for.
    StealUnbounded,
    /// An idle CPU takes up to twice the bound; more than the bound may not be asked for.
    StealDeep,
    /// An idle CPU does not steal.
    StealNever,
    /// A steal does not name the first of the tasks that it took.
    StealUnsaid,
    /// The last of several stolen tasks is on nobody's queue.
    TaskLost,
    /// A new task is queued twice: where it belongs, and here.
    TaskTwice,
    /// A task that is preempted is sent to the next CPU, pinned or not.
    TaskStrays,
    /// The lowest class runs first.
    LowestFirst,
    /// Sleepers are woken before their time.
    TimerEarly,
    /// The timer is set to the latest deadline instead of the earliest.
    TimerClobbered,
}

/// Turns that a faulty CPU waits for another to answer a ring at most.
const TURNS: u64 = 1 << 26;

impl<const W: usize> Scheduler<W> {
    /// [`Fault::DoorbellFirst`]: rings, waits until the target has found its mailbox empty, and then posts.
    #[cold]
    pub(crate) fn ring_then_post<M: Machine>(
        &self,
        m: &M,
        me: CpuId,
        target: CpuId,
        what: Request,
        attach: impl FnOnce(),
    ) -> Result<(), TargetError> {
        let shared = self.shared(target);
        let (n, taken) = (shared.mailbox.next_number(me), shared.counters.ipis_taken.get());
        self.ring(m, me, target, n);
        for turn in 0..TURNS {
            if shared.counters.ipis_taken.get() != taken {
                break;
            }
            m.relax(turn);
        }
        m.fact(Event::Request { target: target.fact(), n, what });
        match shared.mailbox.post_with(me, what, attach) {
            Post::Closed => Err(TargetError::Offline),
            Post::Ring | Post::Rides => Ok(()),
        }
    }

    /// [`Fault::WrongSender`]: the CPU after this one.
    #[cold]
    pub(crate) fn somebody_else(&self, me: CpuId) -> CpuId {
        CpuId::new((me.index() + 1) % self.cpus.len())
    }

    /// [`Fault::StealUnbounded`]: takes twice what is allowed, if there is so much.
    #[cold]
    pub(crate) fn steal_too_many<M: Machine>(
        &self,
        m: &M,
        me: CpuId,
        local: &mut Local,
        victim: CpuId,
        class: usize,
    ) -> Steal {
        let mut taken = [0; 2 * STEAL_BOUND];
        match self.shared(victim).rings[class].take(&mut taken) {
            Take::Took(n) => {
                self.keep(m, me, local, victim, Qos::ALL[class], &taken[..n]);
                Steal::Took(n)
            }
            Take::Empty => Steal::Nothing,
            Take::Lost => Steal::Lost,
        }
    }

    /// [`Fault::TaskLost`]: of several.
    #[cold]
    pub(crate) fn all_but_the_last<'a>(&self, slots: &'a [u32]) -> &'a [u32] {
        match slots {
            [several @ .., _] if !several.is_empty() => several,
            one => one,
        }
    }

    /// [`Fault::TimerEarly`]: the deadlines of the next slice are due.
    #[cold]
    pub(crate) fn too_early(&self, now: u64) -> u64 {
        now + self.slice
    }

    /// [`Fault::TimerClobbered`]: sets the timer to the latest deadline.
    #[cold]
    pub(crate) fn arm_latest<M: Machine>(&self, m: &M, local: &mut Local) {
        let latest = local.timers.latest();
        m.arm(latest);
        local.armed = latest.unwrap_or(NEVER);
    }

    /// [`Fault::LowestFirst`]: the oldest task of the lowest class.
    #[cold]
    pub(crate) fn pick_lowest(&self, me: CpuId, local: &mut Local) -> Option<Runnable> {
        (0..Qos::COUNT).find_map(|class| {
            let pinned = &mut local.pinned[class];
            pinned.pop().or_else(|| self.shared(me).rings[class].pop(&mut local.ends[class]))
        })
    }
}
