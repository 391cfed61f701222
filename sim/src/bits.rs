/// A set of up to 512 CPUs; the oracles' own, so that they do not lean on the one they check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits([u64; 8]);

impl Bits {
    pub(crate) fn set(&mut self, cpu: usize, to: bool) {
        let bit = 1 << (cpu % 64);
        if to {
            self.0[cpu / 64] |= bit;
        } else {
            self.0[cpu / 64] &= !bit;
        }
    }

    pub(crate) fn has(&self, cpu: usize) -> bool {
        self.0[cpu / 64] >> (cpu % 64) & 1 == 1
    }

    pub(crate) fn and(&self, other: &Bits) -> Bits {
        Bits(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    pub(crate) fn or(&self, other: &Bits) -> Bits {
        Bits(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    pub(crate) fn without(&self, other: &Bits) -> Bits {
        Bits(std::array::from_fn(|i| self.0[i] & !other.0[i]))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// Members in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + use<> {
        let words = self.0;
        (0..8).filter(move |&i| words[i] != 0).flat_map(move |i| {
            (0..64).filter(move |bit| words[i] >> bit & 1 == 1).map(move |bit| i * 64 + bit)
        })
    }

    /// The lowest member.
    pub(crate) fn first(&self) -> Option<usize> {
        self.iter().next()
    }
}
