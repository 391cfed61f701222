use alloc::boxed::Box;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::lock::Held;
use crate::pad::Line;
use crate::raw::UnsafeCell;

/// Which set of harts a token and a cell belong to: a cell opens to tokens of its own brand only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brand(u32);

impl Brand {
    /// The real harts of the machine that this code runs on.
    pub const MACHINE: Brand = Brand(0);

    /// A new set of `count` virtual harts: all there will ever be of its brand.
    pub fn virtual_harts(count: usize) -> (Brand, Vec<VirtualHart>) {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        // Used up means used up: a number that wrapped would make a second token for the same cell.
        let next = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| next.checked_add(1));
        let brand = Brand(next.expect("brands are used up"));
        (brand, (0..count).map(|index| VirtualHart { index, brand }).collect())
    }
}

/// A virtual hart that runs nowhere: it may go to another thread, which enters it.
#[derive(Debug)]
pub struct VirtualHart {
    index: usize,
    brand: Brand,
}

impl VirtualHart {
    /// This thread is the hart from now on.
    pub fn enter(self) -> HartToken {
        HartToken { index: self.index, brand: self.brand, _here: PhantomData }
    }
}

/// Proof of "I run on CPU number `index`, and nothing will interrupt me". There is at most one per CPU, it cannot be
/// copied or sent, and mutable access to a CPU's own state takes it.
#[derive(Debug)]
pub struct HartToken {
    index: usize,
    brand: Brand,
    // A raw pointer is neither Send nor Sync, and so is this.
    _here: PhantomData<*mut ()>,
}

impl HartToken {
    /// Makes the token of the machine's CPU `index`.
    ///
    /// # Safety
    /// The caller runs on that CPU, cannot be interrupted or migrated while the token lives, and no other token of
    /// the same index exists.
    pub const unsafe fn claim(index: usize) -> HartToken {
        HartToken { index, brand: Brand::MACHINE, _here: PhantomData }
    }

    /// The dense number of this CPU.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// This thread is the virtual hart no more.
    pub fn leave(self) -> VirtualHart {
        assert!(self.brand != Brand::MACHINE, "a real hart's token stays on its hart");
        VirtualHart { index: self.index, brand: self.brand }
    }

    /// The right to take locks, holding none yet.
    pub fn unlocked(&mut self) -> Held<'_, 0> {
        Held::new()
    }
}

/// One `T` per CPU, each open to its own CPU only.
#[derive(Debug)]
pub struct PerHart<T> {
    brand: Brand,
    cells: Box<[Line<UnsafeCell<T>>]>,
}

// SAFETY: a cell is reached only through the token of its index and brand, and of each there is one, on one thread at a
// time (contract of `HartToken::claim`; `Brand::virtual_harts` makes each once, and a virtual hart goes to another thread
// by value, which orders what was done before). So no two threads reach the same `T` at once, and `T: Send` is enough.
unsafe impl<T: Send> Sync for PerHart<T> {}

impl<T> PerHart<T> {
    /// `count` cells for the harts of `brand`, made by `make(index)`.
    pub fn new(brand: Brand, count: usize, make: impl FnMut(usize) -> T) -> PerHart<T> {
        PerHart { brand, cells: (0..count).map(make).map(|value| Line(UnsafeCell::new(value))).collect() }
    }

    /// This CPU's own `T`. The token stays borrowed, so the same cell cannot be opened twice.
    pub fn mine<'a>(&'a self, token: &'a mut HartToken) -> &'a mut T {
        assert!(token.brand == self.brand, "a token of other harts");
        // SAFETY: the token is unique for its index and brand, and mutably borrowed for as long as the reference lives.
        self.cells[token.index].with_mut(|value| unsafe { &mut *value })
    }

    /// This CPU's own `T`, together with the right to take locks.
    pub fn mine_and_locks<'a>(&'a self, token: &'a mut HartToken) -> (&'a mut T, Held<'a, 0>) {
        (self.mine(token), Held::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_opens_its_own_cell() {
        let (brand, harts) = Brand::virtual_harts(3);
        let mut tokens: Vec<HartToken> = harts.into_iter().map(VirtualHart::enter).collect();
        let cells = PerHart::new(brand, 3, |i| i * 10);
        *cells.mine(&mut tokens[1]) += 1;
        assert_eq!((*cells.mine(&mut tokens[1]), *cells.mine(&mut tokens[2])), (11, 20));
    }

    #[test]
    #[should_panic(expected = "other harts")]
    fn a_token_of_other_harts_is_refused() {
        let (brand, _) = Brand::virtual_harts(1);
        let (_, mut others) = Brand::virtual_harts(1);
        PerHart::new(brand, 1, |i| i).mine(&mut others.remove(0).enter());
    }
}
