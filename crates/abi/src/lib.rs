//! What user programs and the kernel agree on. Nothing here computes: numbers, names and their conversions only.
//!
//! A system call is `ecall` with the number in `a7` and up to six arguments in `a0..a5`. It returns a status in `a0`
//! (0, or an [`Error`] code) and a value in `a1`. It preserves `ra`, `sp`, `gp`, `tp`, `s0..s11` and the floating-point
//! registers; `a2..a7` and `t0..t6` are 0 behind it.
#![no_std]
#![forbid(unsafe_code)]

mod error;
mod handle;
mod machine;
mod qos;
mod rights;
mod syscall;

pub use error::Error;
pub use handle::ThreadHandle;
pub use machine::MachineExit;
pub use qos::Qos;
pub use rights::Rights;
pub use syscall::{Probe, SpawnFlags, Syscall};

/// Bytes that one system call copies or zeroes at most; a longer request returns a partial count.
pub const CHUNK: usize = 64 * 1024;

/// Size of a page and the unit of `Map` and `Unmap`, in bytes.
pub const PAGE: usize = 4096;

/// Lowest user virtual address that may be mapped. Below it every access faults, so a null pointer with a small
/// offset is an error and not data.
pub const USER_BASE: usize = 0x1_0000;

/// First address past the user half of the Sv39 address space (privileged spec, "Sv39: Page-Based 39-bit").
pub const USER_END: usize = 1 << 38;

/// Where program memory asked for with `Map(0, ..)` is placed by the kernel: the region `[MAP_BASE, MAP_END)`.
pub const MAP_BASE: usize = 0x10_0000_0000;
/// End of the region described at [`MAP_BASE`].
pub const MAP_END: usize = 0x38_0000_0000;

/// Size in bytes of the stack that the kernel gives a program's first thread. It ends below [`STACK_TOP`]; the pages
/// under it are never mapped.
pub const STACK_SIZE: usize = 64 * 1024;
/// Initial stack pointer of a program's first thread (16-byte aligned).
pub const STACK_TOP: usize = 0x3f_ffff_0000;

/// Longest argument block of a program, in bytes: NUL-terminated strings, one after another.
pub const ARGS_MAX: usize = 16 * 1024;

/// Exit code the kernel gives a program that it ended because of a fault.
pub const EXIT_FAULT: i32 = 139;
