use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::atomic::{AtomicU32, Ordering};
use crate::raw::UnsafeCell;

/// What a hart does while it waits for a lock: give way, look whether the machine stops, and give up loudly in the
/// end. `spins` counts the turns of this wait.
pub trait Relax {
    /// One turn of waiting.
    fn relax(&self, spins: u64);
}

/// "I hold no lock of rank above `RANK`." Locks of higher rank may be taken while it lives, so locks are always taken
/// in ascending rank and no two harts can wait for each other.
#[derive(Debug)]
pub struct Held<'a, const RANK: u8> {
    _scope: PhantomData<&'a mut ()>,
}

impl<const RANK: u8> Held<'_, RANK> {
    pub(crate) const fn new() -> Self {
        Held { _scope: PhantomData }
    }
}

/// A spin lock of a fixed rank. It is held only for short, bounded sections in which no other hart must act; it is not
/// fair, which is why nothing long may ever stand under it.
#[derive(Debug)]
pub struct Lock<T, const RANK: u8> {
    taken: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only by whoever moved `taken` from 0 to 1 and has not moved it back, one thread at a
// time; handing it from thread to thread needs `T: Send`.
unsafe impl<T: Send, const RANK: u8> Sync for Lock<T, RANK> {}
// SAFETY: owning the lock is owning the value.
unsafe impl<T: Send, const RANK: u8> Send for Lock<T, RANK> {}

impl<T, const RANK: u8> Lock<T, RANK> {
    /// An open lock around `value`.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Self {
        Lock { taken: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    /// An open lock around `value`; loom's atomics are made at run time.
    #[cfg(loom)]
    pub fn new(value: T) -> Self {
        Lock { taken: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    /// Takes the lock. The second value returned is what further locks are taken with.
    pub fn lock<'a, const HELD: u8>(
        &'a self,
        held: &'a mut Held<'_, HELD>,
        relax: &impl Relax,
    ) -> (Guard<'a, T, RANK>, Held<'a, RANK>) {
        const { assert!(HELD < RANK, "locks are taken in ascending rank") };
        let _ = held;
        (self.acquire(relax), Held::new())
    }

    /// Takes the lock for the length of one call that takes no other lock: for leaf locks, whose rank is the highest.
    pub fn with<R>(&self, relax: &impl Relax, body: impl FnOnce(&mut T) -> R) -> R {
        const { assert!(RANK == u8::MAX, "only a leaf lock may be taken without saying what is held") };
        body(&mut self.acquire(relax))
    }

    /// Takes the lock if it is free, for the length of one call that takes no other lock; true if it was. Never waits,
    /// so it needs no right to.
    pub fn try_with(&self, body: impl FnOnce(&mut T)) -> bool {
        let free = self.taken.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if free {
            body(&mut Guard { lock: self });
        }
        free
    }

    fn acquire(&self, relax: &impl Relax) -> Guard<'_, T, RANK> {
        let mut spins = 0;
        // Acquire pairs with the Release in `Guard::drop`: weaker, and the section before ours might not be seen.
        while self.taken.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            // Once for each exchange that failed, too: who always comes second must give up in the end as well.
            loop {
                spins += 1;
                relax.relax(spins);
                if self.taken.load(Ordering::Relaxed) == 0 {
                    break;
                }
            }
        }
        Guard { lock: self }
    }
}

/// A taken lock; dropping it opens the lock.
#[derive(Debug)]
pub struct Guard<'a, T, const RANK: u8> {
    lock: &'a Lock<T, RANK>,
}

impl<T, const RANK: u8> Deref for Guard<'_, T, RANK> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: this guard is the only one (see `acquire`), so nobody writes the value meanwhile.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T, const RANK: u8> DerefMut for Guard<'_, T, RANK> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this guard is the only one and is mutably borrowed.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T, const RANK: u8> Drop for Guard<'_, T, RANK> {
    fn drop(&mut self) {
        self.lock.taken.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::Brand;

    struct Yield;
    impl Relax for Yield {
        fn relax(&self, _: u64) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn counts_of_two_threads_add_up() {
        let lock: Lock<u64, 1> = Lock::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let lock = &lock;
                scope.spawn(move || {
                    let mut token = Brand::virtual_harts(1).1.remove(0).enter();
                    for _ in 0..10_000 {
                        *lock.lock(&mut token.unlocked(), &Yield).0 += 1;
                    }
                });
            }
        });
        let leaf: Lock<u64, { u8::MAX }> = Lock::new(1);
        leaf.with(&Yield, |v| *v += 1);
        assert_eq!(leaf.with(&Yield, |v| *v), 2);
        let mut token = Brand::virtual_harts(1).1.remove(0).enter();
        assert_eq!(*lock.lock(&mut token.unlocked(), &Yield).0, 20_000);
    }
}
