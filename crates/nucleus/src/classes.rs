//! A set of classes, in one byte.

use antler_abi::Qos;

/// Classes, by index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Classes(u8);

impl Classes {
    pub(crate) const NONE: Classes = Classes(0);

    pub(crate) const fn insert(&mut self, class: usize) {
        self.0 |= 1 << class;
    }

    pub(crate) const fn remove(&mut self, class: usize) {
        self.0 &= !(1 << class);
    }

    pub(crate) const fn has(self, class: usize) -> bool {
        self.0 & 1 << class != 0
    }

    pub(crate) const fn or(self, other: Classes) -> Classes {
        Classes(self.0 | other.0)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members' indexes, highest class first.
    pub(crate) const fn descending(self) -> Descending {
        Descending(self)
    }
}

/// Index of the highest class of each set: by table, because not every hart can count leading zeros.
const HIGHEST: [u8; 1 << Qos::COUNT] = {
    let mut table = [0; 1 << Qos::COUNT];
    let mut set = 1;
    while set < table.len() {
        table[set] = set.ilog2() as u8;
        set += 1;
    }
    table
};

/// The members of a set, highest class first.
#[derive(Debug)]
pub(crate) struct Descending(Classes);

impl Iterator for Descending {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        let class = usize::from(HIGHEST[usize::from(self.0.0) % HIGHEST.len()]);
        self.0.remove(class);
        Some(class)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn members_come_highest_first() {
        let mut classes = Classes::NONE;
        assert!(classes.is_empty());
        for class in [1, 3, 0] {
            classes.insert(class);
        }
        assert_eq!(classes.descending().collect::<Vec<_>>(), [3, 1, 0]);
        classes.remove(3);
        classes.remove(2);
        assert_eq!(classes.descending().collect::<Vec<_>>(), [1, 0]);
        assert!(classes.has(0) && !classes.has(3) && !classes.is_empty());
    }
}
