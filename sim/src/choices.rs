use fastrand::Rng;

/// Choices from a seed. Only ranges of `u64` are drawn, so a seed means the same on every machine.
#[derive(Debug)]
pub(crate) struct Choices(Rng);

impl Choices {
    /// The choices of one `stream` of a seed: streams do not disturb each other.
    pub(crate) fn new(seed: u64, stream: u64) -> Choices {
        Choices(Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ stream.rotate_left(32)))
    }

    /// A number below `n`, which is not 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0.u64(0..n)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        self.0.u64(low..=high)
    }

    /// True once in `n` times.
    pub(crate) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// An index below `n`.
    pub(crate) fn index(&mut self, n: usize) -> usize {
        self.below(n as u64) as usize
    }
}
