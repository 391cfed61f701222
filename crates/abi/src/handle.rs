/// Names one thread for as long as the machine runs: a pool slot and the generation that the slot had when the thread
/// was made. A stale handle never names a newer thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadHandle {
    /// Index in the task pool.
    pub slot: u32,
    /// How many threads the slot held before, plus one; never 0.
    pub generation: u32,
}

impl ThreadHandle {
    /// The register form: generation in the upper half, slot in the lower.
    pub const fn to_raw(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// Reads the register form. Whether such a thread exists is for the kernel to check.
    pub const fn from_raw(raw: u64) -> ThreadHandle {
        ThreadHandle { slot: raw as u32, generation: (raw >> 32) as u32 }
    }
}
