//! The Antler kernel for QEMU `virt`, 64-bit RISC-V, S-mode. On any other target this crate is empty.
//!
//! Read in the order of a task's way: [`entry`] -> [`boot`] (the boot story, a page) -> [`bringup`] (harts online) ->
//! [`program`] and [`syscall`] (spawn) -> `nucleus` (enqueue, mailbox, doorbell) -> [`trap`] (into the task's own
//! frame) -> [`cpu`] (what runs next) -> back to U-mode.
#![cfg(target_os = "none")]
#![no_std]

extern crate alloc;

#[macro_use]
mod console;

mod boot;
mod bringup;
mod calls;
mod counters;
mod cpu;
mod csr;
mod demands;
mod doorbell;
mod end;
mod entry;
mod evidence;
mod faults;
mod fp;
mod hart;
mod hotplug;
mod interrupts;
mod machine;
mod memory;
mod post_mortem;
mod probe;
mod program;
mod sbi;
mod state;
mod stats;
mod syscall;
mod thread;
mod time;
mod timer;
mod trap;
