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

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members' indexes, highest class first.
    pub(crate) fn descending(self) -> impl Iterator<Item = usize> {
        (0..Qos::COUNT).rev().filter(move |&class| self.has(class))
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
