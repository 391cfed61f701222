//! The judge. It reads what a run left behind (console bytes, facts, exit code) and says what that proves.
//!
//! It shares the kernel's vocabulary (`antler-facts`, `antler-abi`) and none of its predicates or constants: expected
//! strings, orders and bounds are written down here a second time, so that an error in the kernel's copy shows.
//!
//! ```text
//! console bytes -> console  (lines, denied words, marker order)  \
//! facts bytes   -> trace    (per-CPU order, tasks, requests)      > verdict
//!               -> claims   (one file each)                      /
//! ```
//!
//! # What the judge relies on
//! - `time` of all CPUs is one synchronous clock that never goes back; equal times on two CPUs say nothing of order.
//! - A fact that hands something on (`Enqueue`, `Leave`, `Wake`, `Stolen`, `Evicted`, `Request`) is stated before another
//!   CPU can act on it; `Seen`, `Ack`, `Dispatch` are stated by the CPU that acts, when it acts.
#![forbid(unsafe_code)]

mod case;
mod claims;
mod console;
mod junit;
mod life;
mod markers;
mod requests;
mod trace;
mod tree;
mod verdict;
mod words;

#[cfg(test)]
mod testing;

pub use case::{Case, Doorbells, GuestEnd};
pub use claims::{Claim, Evidence, State, names as claim_names};
pub use console::{Checklist, Line};
pub use markers::expected as expected_markers;
pub use trace::Trace;
pub use tree::{doorbells, enabled_harts};
pub use verdict::{MarkerResult, Verdict, judge};
