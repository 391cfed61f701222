//! The life of a task slot, as one word.

/// Where a slot is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Phase {
    /// Holds no task.
    Free = 0,
    /// In exactly one queue, inbox or hand.
    Runnable = 1,
    /// On a CPU.
    Running = 2,
    /// Owned by its slot, waiting.
    Parked = 3,
    /// Ended, its value not fetched yet.
    Zombie = 4,
}

const PHASE_BITS: u32 = 3;

/// The state word of a slot: epoch above, phase in the low bits.
pub(crate) const fn pack(phase: Phase, epoch: u64) -> u64 {
    epoch << PHASE_BITS | phase as u64
}

/// Phase and epoch of a state word.
pub(crate) const fn unpack(word: u64) -> (Phase, u64) {
    let phase = match word & ((1 << PHASE_BITS) - 1) {
        1 => Phase::Runnable,
        2 => Phase::Running,
        3 => Phase::Parked,
        4 => Phase::Zombie,
        _ => Phase::Free,
    };
    (phase, word >> PHASE_BITS)
}
