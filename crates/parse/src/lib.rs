//! Readers of everything that reaches the kernel from outside: the device tree, programs (ELF), the initrd (tar), its
//! manifest, and the boot arguments.
//!
//! Each takes borrowed bytes and returns a checked value or an error whose text says what was wrong and where. None of
//! them panics or recurses without bound, whatever the bytes; counts and text sizes that end up on the heap are capped,
//! since the kernel reads its board with an early heap of 1 MiB.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod board;
pub mod bootargs;
pub mod elf;
pub mod initrd;
pub mod manifest;

/// What an error shows of a word it did not expect: its first 80 characters, since a damaged file may hold anything.
fn excerpt(word: &str) -> alloc::string::String {
    word.chars().take(80).collect()
}
