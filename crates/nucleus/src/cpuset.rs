use antler_sync::atomic::{AtomicU64, Ordering};

use crate::ids::CpuId;

/// A set of CPUs, by value: `W` words of 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuSet<const W: usize>([u64; W]);

const fn split(cpu: CpuId) -> (usize, u64) {
    (cpu.index() / 64, 1 << (cpu.index() % 64))
}

impl<const W: usize> Default for CpuSet<W> {
    fn default() -> Self {
        CpuSet([0; W])
    }
}

impl<const W: usize> CpuSet<W> {
    /// How many CPUs the set can name.
    pub const CAPACITY: usize = 64 * W;

    /// Adds a CPU.
    pub const fn insert(&mut self, cpu: CpuId) {
        let (word, bit) = split(cpu);
        self.0[word] |= bit;
    }

    /// Removes a CPU.
    pub const fn remove(&mut self, cpu: CpuId) {
        let (word, bit) = split(cpu);
        self.0[word] &= !bit;
    }

    /// Whether it is in.
    pub const fn contains(&self, cpu: CpuId) -> bool {
        let (word, bit) = split(cpu);
        self.0[word] & bit != 0
    }

    /// How many are in.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether none is in.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// Those that are in both.
    pub fn and(&self, other: &Self) -> Self {
        CpuSet(core::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = CpuId> + use<W> {
        self.iter_from(CpuId::BOOT)
    }

    /// The members in ring order: from `start` upwards, then from 0 to below `start`.
    pub fn iter_from(&self, start: CpuId) -> impl Iterator<Item = CpuId> + use<W> {
        let (word, bit) = split(start);
        let low = bit - 1;
        let words = self.0;
        // Word by word, the first one twice: its upper part now, its lower part last.
        (0..=W).flat_map(move |step| {
            let at = (word + step) % W;
            let mut bits = match step {
                0 => words[at] & !low,
                _ if step == W => words[at] & low,
                _ => words[at],
            };
            core::iter::from_fn(move || {
                (bits != 0).then(|| {
                    let index = bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    CpuId::new(at * 64 + index)
                })
            })
        })
    }
}

impl<const W: usize> FromIterator<CpuId> for CpuSet<W> {
    fn from_iter<I: IntoIterator<Item = CpuId>>(cpus: I) -> Self {
        let mut set = CpuSet::default();
        cpus.into_iter().for_each(|cpu| set.insert(cpu));
        set
    }
}

/// A set that every CPU may change. Each operation is atomic for one CPU's bit; [`AtomicCpuSet::load`] of more than
/// one word is not one moment.
#[derive(Debug)]
pub struct AtomicCpuSet<const W: usize>([AtomicU64; W]);

impl<const W: usize> Default for AtomicCpuSet<W> {
    fn default() -> Self {
        AtomicCpuSet(core::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl<const W: usize> AtomicCpuSet<W> {
    /// Adds a CPU; true if it was not in. What the caller did before is visible to whoever sees the bit.
    pub fn insert(&self, cpu: CpuId) -> bool {
        let (word, bit) = split(cpu);
        // AcqRel: the bit publishes what came before it, and a later `remove` by another is ordered with it.
        self.0[word].fetch_or(bit, Ordering::AcqRel) & bit == 0
    }

    /// Removes a CPU; true for the one caller that took the bit away.
    pub fn remove(&self, cpu: CpuId) -> bool {
        let (word, bit) = split(cpu);
        self.0[word].fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }

    /// Whether it is in, now.
    pub fn contains(&self, cpu: CpuId) -> bool {
        let (word, bit) = split(cpu);
        self.0[word].load(Ordering::Acquire) & bit != 0
    }

    /// A copy, word by word.
    pub fn load(&self) -> CpuSet<W> {
        CpuSet(core::array::from_fn(|i| self.0[i].load(Ordering::Acquire)))
    }

    /// Takes every member out and returns them; words that are empty are only read.
    pub fn take(&self) -> CpuSet<W> {
        CpuSet(core::array::from_fn(|i| {
            if self.0[i].load(Ordering::Acquire) == 0 { 0 } else { self.0[i].swap(0, Ordering::AcqRel) }
        }))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn ring_order_visits_every_member_once_from_any_start() {
        let members: Vec<usize> = std::vec![0, 1, 63, 64, 65, 127, 128, 190];
        let set: CpuSet<3> = members.iter().map(|&i| CpuId::new(i)).collect();
        assert_eq!(set.len(), members.len());
        for start in 0..192 {
            let seen: Vec<usize> = set.iter_from(CpuId::new(start)).map(CpuId::index).collect();
            let mut expect: Vec<usize> = members.iter().copied().filter(|&i| i >= start).collect();
            expect.extend(members.iter().copied().filter(|&i| i < start));
            assert_eq!(seen, expect, "from {start}");
        }
    }

    #[test]
    fn one_word_ring_wraps() {
        let set: CpuSet<1> = [2, 5].into_iter().map(CpuId::new).collect();
        let seen: Vec<usize> = set.iter_from(CpuId::new(3)).map(CpuId::index).collect();
        assert_eq!(seen, [5, 2]);
    }

    #[test]
    fn a_bit_is_taken_by_one() {
        let set = AtomicCpuSet::<2>::default();
        let cpu = CpuId::new(77);
        assert!(set.insert(cpu) && !set.insert(cpu) && set.contains(cpu));
        assert!(set.remove(cpu) && !set.remove(cpu) && set.load().is_empty());
        set.insert(cpu);
        assert_eq!(set.take().iter().map(CpuId::index).collect::<Vec<_>>(), [77]);
        assert!(set.load().is_empty());
    }
}
