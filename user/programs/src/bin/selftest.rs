//! Directs the kernel's self-tests, under the boot argument `selftest` and with every right: makes things happen,
//! checks what a program can see of them, and states a marker for each test that passed. What really happened is for
//! the judge on the host to find in the kernel's facts.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

extern crate alloc;

#[path = "../selftest/mod.rs"]
mod selftest;

antler_rt::main!(selftest::run);
