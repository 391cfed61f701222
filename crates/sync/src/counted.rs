//! Atomics that count how often this thread used them: what an operation of the scheduler costs in shared memory, in
//! numbers that are the same on every machine. In builds with `--cfg counted` only.

extern crate std;

use core::sync::atomic;
pub use core::sync::atomic::Ordering;
use std::cell::Cell;

/// Accesses to shared memory that a thread has made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Loads.
    pub loads: u64,
    /// Stores.
    pub stores: u64,
    /// Read-modify-writes, failed ones included.
    pub updates: u64,
    /// Full fences.
    pub fences: u64,
}

std::thread_local! {
    static DONE: Cell<Work> = const { Cell::new(Work { loads: 0, stores: 0, updates: 0, fences: 0 }) };
}

fn count(one: impl FnOnce(&mut Work)) {
    DONE.with(|done| {
        let mut work = done.get();
        one(&mut work);
        done.set(work);
    });
}

/// What this thread did in `body`.
pub fn work(body: impl FnOnce()) -> Work {
    let before = DONE.replace(Work::default());
    body();
    DONE.replace(before)
}

/// A counted fence.
pub fn fence(order: Ordering) {
    count(|work| work.fences += 1);
    atomic::fence(order);
}

macro_rules! counted {
    ($name:ident, $plain:ty, $value:ty) => {
        /// As in `core`, and counted.
        #[derive(Debug, Default)]
        pub struct $name($plain);

        #[expect(missing_docs, reason = "the methods are those of `core`")]
        impl $name {
            pub const fn new(value: $value) -> Self {
                $name(<$plain>::new(value))
            }
            pub fn load(&self, order: Ordering) -> $value {
                count(|work| work.loads += 1);
                self.0.load(order)
            }
            pub fn store(&self, value: $value, order: Ordering) {
                count(|work| work.stores += 1);
                self.0.store(value, order);
            }
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                count(|work| work.updates += 1);
                self.0.swap(value, order)
            }
            pub fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                count(|work| work.updates += 1);
                self.0.fetch_or(value, order)
            }
            pub fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                count(|work| work.updates += 1);
                self.0.fetch_and(value, order)
            }
            pub fn compare_exchange(
                &self,
                old: $value,
                new: $value,
                done: Ordering,
                failed: Ordering,
            ) -> Result<$value, $value> {
                count(|work| work.updates += 1);
                self.0.compare_exchange(old, new, done, failed)
            }
            pub fn compare_exchange_weak(
                &self,
                old: $value,
                new: $value,
                done: Ordering,
                failed: Ordering,
            ) -> Result<$value, $value> {
                // Never fails for no reason: the count is then the same on every machine.
                self.compare_exchange(old, new, done, failed)
            }
        }
    };
}

counted!(AtomicU32, atomic::AtomicU32, u32);
counted!(AtomicU64, atomic::AtomicU64, u64);
