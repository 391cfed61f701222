//! Requests to other CPUs: data first, doorbell second, and an answer that names who asked.

use antler_facts::{Event, Request, Seen};
use antler_sync::HartToken;
use antler_sync::atomic::{Ordering, fence};

use crate::calls::Call;
use crate::cpuset::CpuSet;
use crate::fault::Fault;
use crate::ids::{CpuId, OnlineCpu, TargetError};
use crate::machine::{Machine, RingError};
use crate::mailbox::{Kinds, Post};
use crate::scheduler::Scheduler;

/// How often a doorbell that firmware refuses is tried.
const RING_TRIES: usize = 4;

impl<const W: usize> Scheduler<W> {
    /// Asks an online CPU to look at its queues.
    ///
    /// # Errors
    /// `Offline`: the CPU left meanwhile.
    pub fn resched<M: Machine>(&self, m: &M, here: &HartToken, target: OnlineCpu) -> Result<(), TargetError> {
        self.post(m, CpuId::here(here), target.cpu(), Request::Resched)
    }

    /// Tells an online CPU to stop for good, or that a Call of its was answered.
    ///
    /// # Errors
    /// `Offline`: the CPU left meanwhile.
    pub fn request<M: Machine>(
        &self,
        m: &M,
        here: &HartToken,
        target: OnlineCpu,
        what: Request,
    ) -> Result<(), TargetError> {
        self.post(m, CpuId::here(here), target.cpu(), what)
    }

    /// Posts a request and sees to its doorbell. `me` comes from the caller's token, never from user space.
    pub(crate) fn post<M: Machine>(
        &self,
        m: &M,
        me: CpuId,
        target: CpuId,
        what: Request,
    ) -> Result<(), TargetError> {
        self.post_with(m, me, target, what, || ())
    }

    fn post_with<M: Machine>(
        &self,
        m: &M,
        me: CpuId,
        target: CpuId,
        what: Request,
        attach: impl FnOnce(),
    ) -> Result<(), TargetError> {
        if m.commits(Fault::DoorbellFirst) {
            return self.ring_then_post(m, me, target, what, attach);
        }
        let me = if m.commits(Fault::WrongSender) { self.somebody_else(me) } else { me };
        let mailbox = &self.shared(target).mailbox;
        let n = mailbox.next_number(me);
        // Stated before it is done: the target may answer at once.
        m.fact(Event::Request { target: target.fact(), n, what });
        match mailbox.post_with(me, what, attach) {
            Post::Ring => self.ring(m, me, target, n),
            // The ring it would ride on may never come: its CPU may be the one that is asked to stop, or that panicked.
            Post::Rides if what == Request::Stop => self.ring(m, me, target, n),
            Post::Rides => {
                self.shared(me).counters.ipis_coalesced.add(1);
                m.fact(Event::Rode { target: target.fact(), n });
            }
            Post::Closed => {
                let error = TargetError::Offline;
                m.fact(Event::TargetRefused { target: target.index() as u64, error: error.to_abi() });
                return Err(error);
            }
        }
        Ok(())
    }

    pub(crate) fn ring<M: Machine>(&self, m: &M, me: CpuId, target: CpuId, n: u64) {
        m.fact(Event::Ring { target: target.fact(), n });
        self.shared(me).counters.ipis_sent.add(1);
        let mut error = RingError(0);
        if m.commits(Fault::RingLatched) {
            return;
        }
        for _ in 0..RING_TRIES {
            match m.ring(target) {
                Ok(()) => return,
                Err(e) => error = e,
            }
            if !self.shared(target).mailbox.ring_failed() {
                // Another poster took RUNG, and with it the duty; or the target has left, and met its senders then.
                return;
            }
        }
        m.unreachable(target, error)
    }

    /// Posts a request and withholds the doorbell: the first half of [`Scheduler::resched`], for the self-test that
    /// shows what a request without a doorbell does not do. Returns the request's number.
    ///
    /// # Errors
    /// `Offline`: the CPU left meanwhile.
    pub fn post_silently<M: Machine>(
        &self,
        m: &M,
        here: &HartToken,
        target: OnlineCpu,
    ) -> Result<u64, TargetError> {
        let (me, target) = (CpuId::here(here), target.cpu());
        let mailbox = &self.shared(target).mailbox;
        let n = mailbox.next_number(me);
        m.fact(Event::Request { target: target.fact(), n, what: Request::Resched });
        match mailbox.post(me, Request::Resched) {
            Post::Closed => Err(TargetError::Offline),
            Post::Rides | Post::Ring => {
                m.fact(Event::Withheld { target: target.fact(), n });
                Ok(n)
            }
        }
    }

    /// Rings the doorbell of a request that was posted silently: the second half.
    pub fn ring_now<M: Machine>(&self, m: &M, here: &HartToken, target: OnlineCpu) {
        let me = CpuId::here(here);
        self.ring(m, me, target.cpu(), self.posted(here, target.cpu()));
    }

    /// Whether a CPU has a doorbell under way that it has not seen yet.
    pub fn is_rung(&self, cpu: CpuId) -> bool {
        self.shared(cpu).mailbox.is_rung()
    }

    /// Number of the last request from this CPU to `target`.
    pub fn posted(&self, here: &HartToken, target: CpuId) -> u64 {
        self.shared(target).mailbox.posted(CpuId::here(here))
    }

    /// Number of the last request from this CPU that `target` acknowledged.
    pub fn acked(&self, here: &HartToken, target: CpuId) -> u64 {
        self.shared(target).mailbox.acked(CpuId::here(here))
    }

    /// Begins a Call to `targets` and posts it; returns those that could be reached. Each of these answers, one that
    /// leaves meanwhile on its way out. The caller waits, answering Calls itself, until [`Scheduler::call_done`].
    pub fn call<M: Machine>(&self, m: &M, here: &HartToken, call: Call, targets: &CpuSet<W>) -> CpuSet<W> {
        let me = CpuId::here(here);
        let block = &self.calls[me.index()];
        block.begin(call);
        let mut reached = *targets;
        for target in targets.iter() {
            if self.post_with(m, me, target, Request::Call, || block.ask(target)).is_err() {
                block.done(target);
                reached.remove(target);
            }
        }
        reached
    }

    /// Whether every target of this CPU's Call has answered.
    pub fn call_done(&self, here: &HartToken) -> bool {
        self.calls[here.index()].is_done()
    }

    /// Who has still to answer this CPU's Call.
    pub fn call_waits_for(&self, here: &HartToken) -> CpuSet<W> {
        self.calls[here.index()].waiting_for()
    }

    /// The one place where a mailbox is read. The caller saw this hart's doorbell, cleared it and fenced. `answer` does
    /// what a Call asks, with the caller's CPU; every sender is acknowledged after that, up to its last request.
    pub fn doorbell<M: Machine>(
        &self,
        m: &M,
        here: &mut HartToken,
        at: Seen,
        answer: impl FnMut(&mut HartToken, CpuId, Call),
    ) -> Kinds {
        m.fact(Event::Seen { at });
        let me = CpuId::here(here);
        self.shared(me).counters.ipis_taken.add(1);
        let kinds = self.shared(me).mailbox.take();
        self.locals.mine(here).attention = true;
        self.meet_senders(m, here, answer);
        kinds
    }

    /// Answers and acknowledges every sender whose bit is set.
    pub(crate) fn meet_senders<M: Machine>(
        &self,
        m: &M,
        here: &mut HartToken,
        mut answer: impl FnMut(&mut HartToken, CpuId, Call),
    ) {
        let me = CpuId::here(here);
        let mailbox = &self.shared(me).mailbox;
        for sender in mailbox.take_senders().iter() {
            let block = &self.calls[sender.index()];
            // Looked at before the number is read: a Call that is found has a number that the ack below covers.
            let call = block.pending(me);
            let n = mailbox.posted(sender);
            if let Some(call) = call {
                answer(here, sender, call);
            }
            mailbox.ack(sender, n);
            m.fact(Event::Ack { sender: sender.fact(), n });
            if call.is_some() {
                block.done(me);
                // The caller may sleep; a caller that left meanwhile needs no reply.
                let _gone = self.post(m, me, sender, Request::Reply);
            }
        }
        // Orders the answers before whatever this CPU looks at next (its inbox, its queues).
        fence(Ordering::SeqCst);
    }
}
