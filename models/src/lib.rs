//! What the models share: how far they explore, and how they say so.
//!
//! The models are the tests in `loom/` and `shuttle/`, and what growth costs is in `counted/`. They call the nucleus
//! that the kernel boots; only its atomics are the checker's, or a counter's, by `--cfg loom`, `--cfg shuttle` or
//! `--cfg counted` in the one facade (`crates/sync`). `twins/` lists sabotages of that same source, each with the
//! check that must turn red.

mod account;
#[cfg(loom)]
mod bell;
#[cfg(loom)]
mod exhaustive;
#[cfg(loom)]
mod frames;
#[cfg(loom)]
mod harts;
#[cfg(shuttle)]
mod random;
#[cfg(loom)]
mod turn;
#[cfg(loom)]
pub mod world;

pub use account::account;
#[cfg(loom)]
pub use bell::Bell;
#[cfg(loom)]
pub use exhaustive::explore;
#[cfg(loom)]
pub use frames::Frames;
#[cfg(loom)]
pub use harts::Harts;
#[cfg(loom)]
pub use turn::Turn;

#[cfg(shuttle)]
pub use random::{Deed, Mix, Plan, explore_programs};

/// Whether to explore as far as an hour allows (`ANTLER_DEEP=1`), or only as far as every test run can afford.
pub fn deep() -> bool {
    std::env::var_os("ANTLER_DEEP").is_some_and(|value| value == "1")
}
