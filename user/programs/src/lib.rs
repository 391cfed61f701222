//! The parts of Antler's programs that need no kernel, so that they are tested on the host.
#![cfg_attr(target_os = "none", no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod digest;
pub mod options;
pub mod pattern;
pub mod sieve;
