//! The facade: everything else in the tree names its atomics through here, so that a model checker can put its own in
//! their place without a `cfg` in the code under check.

pub use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
