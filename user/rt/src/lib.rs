//! The runtime of Antler's user programs: system calls, console, heap, threads, locks, time, arguments and files.
//!
//! A program is an ordinary `no_std` binary:
//!
//! ```ignore
//! #![cfg_attr(target_os = "none", no_std)]
//! #![cfg_attr(target_os = "none", no_main)]
//!
//! fn run() -> i32 {
//!     antler_rt::println!("hello");
//!     0
//! }
//!
//! antler_rt::main!(run);
//! ```
//!
//! On a host the crate compiles too, so that programs can be linted and their logic tested there; system calls then
//! answer [`Error::NoSuchCall`].
#![cfg_attr(target_os = "none", no_std)]

extern crate alloc;

pub mod args;
pub mod file;
pub mod heap;
pub mod io;
mod stack;
mod start;
pub mod sync;
pub mod sys;
pub mod thread;
pub mod time;

pub use antler_abi as abi;
pub use antler_abi::{Error, Qos};
#[cfg(not(target_os = "none"))]
pub use start::refuse_host;
pub use start::start;
