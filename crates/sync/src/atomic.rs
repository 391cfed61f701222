//! The facade: everything else in the tree names its atomics through here, so that a model checker can put its own in
//! their place without a `cfg` in the code under check. This crate is the only one that knows of the checkers.
//! `--cfg counted` counts instead of checking.

#[cfg(counted)]
pub use crate::counted::{AtomicU32, AtomicU64, Ordering, Work, fence, work};
#[cfg(loom)]
pub use crate::watched::{AtomicU32, AtomicU64};
#[cfg(not(any(loom, shuttle, counted)))]
pub use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(loom)]
pub use loom::sync::atomic::{Ordering, fence};
#[cfg(shuttle)]
pub use shuttle::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
