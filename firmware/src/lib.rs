//! A minimal M-mode firmware for QEMU `virt`, which can be told to misbehave.
//!
//! Told nothing, it is a small, sound SBI: BASE, TIME, IPI, HSM, SRST and DBCN, as the kernel needs them. [`orders`] are
//! read from a page of memory at the start, so one build serves every test. On other targets only the orders are here,
//! for those who write them.
//!
//! Read in this order: [`entry`](self) (every hart's way to S-mode) -> `trap` (calls and interrupts) -> `sbi` (which
//! call is which) -> `hsm`, `ipi`, `timer` (what they do, and what they do wrong when told to).
#![no_std]

pub mod orders;

#[cfg(target_os = "none")]
mod board;
#[cfg(target_os = "none")]
mod csr;
#[cfg(target_os = "none")]
mod entry;
#[cfg(target_os = "none")]
mod harts;
#[cfg(target_os = "none")]
mod hsm;
#[cfg(target_os = "none")]
mod ipi;
#[cfg(target_os = "none")]
mod sbi;
#[cfg(target_os = "none")]
mod timer;
#[cfg(target_os = "none")]
mod trap;
