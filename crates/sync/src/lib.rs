//! What harts share, and what they do not: the one facade over atomics (so that models can swap them), a ranked spin
//! lock, and cells that only their own hart may open. All `unsafe` of the portable code is in this crate.
#![no_std]

extern crate alloc;

pub mod atomic;
mod cell;
#[cfg(counted)]
mod counted;
mod lock;
mod pad;
mod raw;
#[cfg(loom)]
mod watched;

pub use cell::{Brand, HartToken, PerHart, VirtualHart};
pub use lock::{Guard, Held, Lock, Relax};
pub use pad::Line;
