//! Fuzz targets for every reader of bytes from outside: device tree, ELF, tar, manifest, boot arguments, facts, console.
//!
//! A target is a plain function of bytes that panics when the reader breaks one of its promises, not only when the reader
//! itself panics. The same functions run on the checked-in corpus, on seeded mutations of it ([`campaign`]), and under
//! libFuzzer (`fuzz/guided`).
#![forbid(unsafe_code)]

mod campaign;
mod corpus;
mod mutate;
pub mod targets;

pub use campaign::{Campaign, Failure, Length, Tally, campaign, replay};
pub use corpus::{Sample, corpus, folder};
pub use mutate::{MAX_INPUT, Shape, mutant};
pub use targets::{TARGETS, Target, target};
