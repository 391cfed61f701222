//! Loom's atomics, with loads that take turns. Loom 0.7 remembers one access of each atomic only: a thread that loads and
//! then stores hides an earlier load of another thread from its own store, and the order "store, then that load" is never
//! tried. So each load first stores to a companion that nobody reads: which load comes first is then tried both ways, and
//! nothing is ordered by it.

use loom::sync::atomic::Ordering;

macro_rules! watched {
    ($($name:ident: $value:ty),*) => {$(
        /// One of loom's atomics.
        #[derive(Debug)]
        pub struct $name {
            value: loom::sync::atomic::$name,
            turn: loom::sync::atomic::AtomicU32,
        }

        impl $name {
            /// An atomic that holds `value`.
            #[track_caller]
            pub fn new(value: $value) -> Self {
                let turn = loom::sync::atomic::AtomicU32::new(0);
                $name { value: loom::sync::atomic::$name::new(value), turn }
            }

            /// Loads.
            #[track_caller]
            pub fn load(&self, order: Ordering) -> $value {
                self.turn.store(0, Ordering::Relaxed);
                self.value.load(order)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                $name::new(0)
            }
        }

        // Everything else is loom's own: stores and read-modify-writes see the last access of any thread.
        impl core::ops::Deref for $name {
            type Target = loom::sync::atomic::$name;
            fn deref(&self) -> &Self::Target {
                &self.value
            }
        }
    )*};
}

watched!(AtomicU32: u32, AtomicU64: u64);
