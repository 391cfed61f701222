//! A Call asks other CPUs to do something now and say when it is done. What is to be done stands in the caller's call
//! block; who still has to do it, in a set beside it. A caller has one Call under way at a time.

use antler_sync::atomic::{AtomicU64, Ordering};

use crate::cpuset::{AtomicCpuSet, CpuSet};
use crate::ids::CpuId;

/// What a Call is for, as two words whose meaning is the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Operation.
    pub op: u64,
    /// Its argument.
    pub argument: u64,
}

/// One CPU's call block: written by the caller before it posts, read by the targets.
#[derive(Debug, Default)]
pub struct CallBlock<const W: usize> {
    op: AtomicU64,
    argument: AtomicU64,
    pending: AtomicCpuSet<W>,
}

impl<const W: usize> CallBlock<W> {
    /// Whether no target has still to answer.
    pub fn is_done(&self) -> bool {
        self.pending.load().is_empty()
    }

    /// Who has still to answer.
    pub fn waiting_for(&self) -> CpuSet<W> {
        self.pending.load()
    }

    /// Writes what the coming Call is for; by the caller, with none under way.
    pub fn begin(&self, call: Call) {
        debug_assert!(self.is_done(), "one Call at a time");
        self.op.store(call.op, Ordering::Relaxed);
        self.argument.store(call.argument, Ordering::Relaxed);
    }

    /// Makes it `target`'s to answer. Releases what was written to the target that finds its bit.
    pub fn ask(&self, target: CpuId) {
        self.pending.insert(target);
    }

    /// What `target` has to do, if anything.
    pub fn pending(&self, target: CpuId) -> Option<Call> {
        self.pending.contains(target).then(|| Call {
            op: self.op.load(Ordering::Relaxed),
            argument: self.argument.load(Ordering::Relaxed),
        })
    }

    /// The target did it, or will never be there to do it. Release: the caller sees what was done.
    pub fn done(&self, target: CpuId) {
        self.pending.remove(target);
    }
}
