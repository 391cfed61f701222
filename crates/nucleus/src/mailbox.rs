//! Requests to another CPU. A request is posted first and the doorbell rung after, and only by whoever found the bell
//! silent; the target acknowledges every sender up to the request it saw.
//!
//! A request's id is (sender, target, n). Three steps make it, in this order: the sender's own cell in the target's
//! array (`n`), the sender's bit, the kind. The target undoes them in the opposite order, so that a kind it takes
//! always finds its sender's bit, and a bit its `n`. A bit taken early only acknowledges early what was already
//! posted; its kind then comes with a doorbell of its own.

use alloc::boxed::Box;
use antler_facts::Request;
use antler_sync::Line;
use antler_sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::cpuset::{AtomicCpuSet, CpuSet};
use crate::ids::CpuId;

const RUNG: u32 = 1 << 8;
const CLOSED: u32 = 1 << 9;

const fn kind_bit(kind: Request) -> u32 {
    match kind {
        Request::Resched => 1,
        Request::Call => 2,
        Request::Reply => 4,
        Request::Stop => 8,
    }
}

/// The kinds of request found in a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "each kind wants its answer"]
pub struct Kinds(u32);

impl Kinds {
    /// Whether a request of this kind was among them.
    pub const fn has(self, kind: Request) -> bool {
        self.0 & kind_bit(kind) != 0
    }
}

/// What a poster must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a request whose doorbell nobody rings is lost"]
pub enum Post {
    /// Ring the doorbell.
    Ring,
    /// This request is met without a ring of its own: another poster rings, or the CPU is leaving and has not met all its
    /// senders yet.
    Rides,
    /// The CPU has left. Nobody will read the request.
    Closed,
}

/// One CPU's mailbox.
#[derive(Debug)]
pub struct Mailbox<const W: usize> {
    word: Line<AtomicU32>,
    senders: Line<AtomicCpuSet<W>>,
    /// Last request of each sender to this CPU; written by the sender.
    posted: Box<[AtomicU64]>,
    /// Last request of each sender that this CPU met; written by this CPU.
    acked: Box<[AtomicU64]>,
}

impl<const W: usize> Mailbox<W> {
    /// A closed mailbox for requests from `cpus` CPUs.
    pub fn closed(cpus: usize) -> Self {
        let cells = || (0..cpus).map(|_| AtomicU64::new(0)).collect();
        Mailbox {
            word: Line(AtomicU32::new(CLOSED)),
            senders: Line::default(),
            posted: cells(),
            acked: cells(),
        }
    }

    /// Opens a closed mailbox; by its CPU, with its doorbell cleared.
    pub fn open(&self) {
        self.word.store(0, Ordering::Release);
    }

    /// Closes the mailbox; by its CPU. Returns the kinds that were in it; its senders are then still to be met.
    pub fn close(&self) -> Kinds {
        Kinds(self.word.swap(CLOSED, Ordering::AcqRel) & 0xff)
    }

    /// Number that the sender's next request will have. Only the sender changes it.
    pub fn next_number(&self, sender: CpuId) -> u64 {
        self.posted[sender.index()].load(Ordering::Relaxed) + 1
    }

    /// Posts request number [`Mailbox::next_number`] of `sender`, who must be the CPU we are on.
    pub fn post(&self, sender: CpuId, kind: Request) -> Post {
        self.post_with(sender, kind, || ())
    }

    /// Posts, and runs `attach` at the moment from which the target may meet the request: what it publishes is never
    /// found without the request's number.
    pub fn post_with(&self, sender: CpuId, kind: Request, attach: impl FnOnce()) -> Post {
        let cell = &self.posted[sender.index()];
        // Release: `attach` publishes with its own Release, but nothing may let it overtake the number.
        cell.store(cell.load(Ordering::Relaxed) + 1, Ordering::Release);
        attach();
        // Release: the bit publishes the cell.
        let fresh = self.senders.insert(sender);
        // Release publishes bit and cell with the kind; Acquire orders us after a drain whose RUNG we find cleared.
        let before = self.word.fetch_or(kind_bit(kind) | RUNG, Ordering::AcqRel);
        if before & CLOSED != 0 {
            // Refused only if the mark just set could be taken back: then nobody meets the request, in this life or the
            // next. A mark that was there before is that of an earlier request, which the leaving CPU still meets, and
            // with one that is gone it has met us already: either way our request is acknowledged too.
            if fresh && self.senders.remove(sender) { Post::Closed } else { Post::Rides }
        } else if before & RUNG != 0 {
            Post::Rides
        } else {
            Post::Ring
        }
    }

    /// The ring failed: takes back RUNG, and RUNG only, so that nothing latches and nobody's request is lost; then takes
    /// it again for another try. False when there is nothing to try: another poster rings now, or the CPU has left.
    pub fn ring_failed(&self) -> bool {
        if self.word.fetch_and(!RUNG, Ordering::AcqRel) & CLOSED != 0 {
            return false;
        }
        self.word.fetch_or(RUNG, Ordering::AcqRel) & (RUNG | CLOSED) == 0
    }

    /// Takes all kinds, and RUNG with them; by the owner, after it cleared its doorbell. A post after this swap finds
    /// RUNG clear and rings anew.
    pub fn take(&self) -> Kinds {
        Kinds(self.word.swap(0, Ordering::AcqRel) & 0xff)
    }

    /// Takes the senders to be acknowledged; by the owner, after [`Mailbox::take`].
    pub fn take_senders(&self) -> CpuSet<W> {
        self.senders.take()
    }

    /// Whether a doorbell was rung, or is about to be, that the owner has not seen yet.
    pub fn is_rung(&self) -> bool {
        self.word.load(Ordering::Acquire) & RUNG != 0
    }

    /// The sender's last request, as far as visible here.
    pub fn posted(&self, sender: CpuId) -> u64 {
        self.posted[sender.index()].load(Ordering::Acquire)
    }

    /// Acknowledges a sender up to `n`; by the owner. It says that the owner has looked since the sender numbered `n`, not
    /// that request `n` was met: that may come a little later, with the doorbell of its own.
    pub fn ack(&self, sender: CpuId, n: u64) {
        // Release: a sender that sees the ack sees what was done for the requests that were met.
        self.acked[sender.index()].store(n, Ordering::Release);
    }

    /// Last request of `sender` that the owner acknowledged.
    pub fn acked(&self, sender: CpuId) -> u64 {
        self.acked[sender.index()].load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    const A: CpuId = CpuId::new(1);
    const B: CpuId = CpuId::new(2);

    fn open() -> Mailbox<1> {
        let mailbox = Mailbox::closed(4);
        mailbox.open();
        mailbox
    }

    #[test]
    fn one_ring_carries_all_requests_up_to_the_drain() {
        let mailbox = open();
        assert_eq!(mailbox.post(A, Request::Resched), Post::Ring);
        assert_eq!(mailbox.post(B, Request::Call), Post::Rides);
        assert_eq!(mailbox.post(A, Request::Resched), Post::Rides);
        let kinds = mailbox.take();
        assert!(kinds.has(Request::Resched) && kinds.has(Request::Call) && !kinds.has(Request::Stop));
        for sender in mailbox.take_senders().iter() {
            mailbox.ack(sender, mailbox.posted(sender));
        }
        assert_eq!((mailbox.acked(A), mailbox.acked(B)), (2, 1));
        assert_eq!(mailbox.post(B, Request::Resched), Post::Ring, "the drain took RUNG");
    }

    #[test]
    fn a_failed_ring_loses_no_request_and_does_not_latch() {
        let mailbox = open();
        assert_eq!(mailbox.post(A, Request::Call), Post::Ring);
        assert!(mailbox.ring_failed(), "A tries again");
        assert_eq!(mailbox.post(B, Request::Resched), Post::Rides, "A has it");
        let kinds = mailbox.take();
        assert!(kinds.has(Request::Call) && kinds.has(Request::Resched));
        assert_eq!(mailbox.take_senders().len(), 2);
    }

    #[test]
    fn every_poster_after_the_close_finds_out() {
        let mailbox = open();
        assert_eq!(mailbox.post(A, Request::Call), Post::Ring);
        assert!(mailbox.close().has(Request::Call));
        assert!(!mailbox.ring_failed(), "nobody is there to be rung");
        assert_eq!(mailbox.post(B, Request::Resched), Post::Closed);
        assert_eq!(mailbox.post(A, Request::Call), Post::Rides, "A is still to be met");
        assert_eq!(mailbox.take_senders().iter().collect::<std::vec::Vec<_>>(), [A]);
        assert_eq!(mailbox.post(A, Request::Call), Post::Closed);
        mailbox.open();
        assert_eq!(mailbox.post(A, Request::Resched), Post::Ring);
    }
}
