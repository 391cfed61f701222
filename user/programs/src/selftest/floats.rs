//! Every floating-point register filled, while a function of [`super::registers`] does the rest; and what a thread finds
//! in them that has never touched one.

/// `f0..f31` by number, as bit patterns.
pub type Floats = [u64; 32];

#[cfg(target_os = "none")]
pub use riscv::{call_with_floats, fresh, spin_with_floats};

#[cfg(target_os = "none")]
mod riscv {
    use core::arch::naked_asm;

    use antler_rt::abi::Syscall;
    use antler_rt::{Error, Qos, sys};

    use super::Floats;
    use crate::selftest::registers::{Registers, call, spin};

    macro_rules! with_floats {
        ($(#[$doc:meta])* $name:ident, $inner:ident) => {
            $(#[$doc])*
            #[unsafe(naked)]
            pub extern "C" fn $name(registers: &mut Registers, floats: &mut Floats) {
                naked_asm!(
                    "addi sp, sp, -112",
                    "sd ra, 0(sp)",
                    "sd a1, 8(sp)",
                    // fs0 to fs11 are the caller's.
                    "fsd f8, 16(sp)",
                    "fsd f9, 24(sp)",
                    r".irp n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27",
                    r"fsd f\n, 32 + 8*(\n - 18)(sp)",
                    ".endr",
                    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
                    r"fld f\n, 8*\n(a1)",
                    ".endr",
                    "call {inner}",
                    "ld a1, 8(sp)",
                    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
                    r"fsd f\n, 8*\n(a1)",
                    ".endr",
                    "fld f8, 16(sp)",
                    "fld f9, 24(sp)",
                    r".irp n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27",
                    r"fld f\n, 32 + 8*(\n - 18)(sp)",
                    ".endr",
                    "ld ra, 0(sp)",
                    "addi sp, sp, 112",
                    "ret",
                    inner = sym $inner,
                )
            }
        };
    }

    with_floats! {
        /// As [`call`].
        call_with_floats, call
    }

    with_floats! {
        /// As [`spin`].
        spin_with_floats, spin
    }

    /// What the registers of a new thread on the caller's CPU `cpu` hold before its first instruction. Errors: those of
    /// `Spawn` and `Join`.
    pub fn fresh(cpu: usize) -> Result<Floats, Error> {
        let mut found = [1; 32];
        let spawn = sys::Spawn {
            entry: store_and_exit as extern "C" fn() as usize,
            arg: (&raw mut found).expose_provenance(),
            // It uses no stack; 0 faults if it did.
            stack_top: 0,
            qos: Qos::Normal,
            cpu: Some(cpu),
            local: false,
        };
        // SAFETY: the thread writes `found`, which is not touched until it was joined, and needs no stack.
        let handle = unsafe { sys::spawn(spawn) }?;
        sys::join(handle)?;
        Ok(found)
    }

    /// First and only instructions of a fresh thread: stores what its registers hold at `a0`, and ends it.
    #[unsafe(naked)]
    extern "C" fn store_and_exit() {
        naked_asm!(
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
            r"fsd f\n, 8*\n(a0)",
            ".endr",
            "li a0, 0",
            "li a7, {exit}",
            "ecall",
            "unimp",
            exit = const Syscall::ThreadExit.number(),
        )
    }
}

#[cfg(not(target_os = "none"))]
pub use host::{call_with_floats, fresh, spin_with_floats};

/// A host never gets here: its `main` refuses to run the program.
#[cfg(not(target_os = "none"))]
mod host {
    use antler_rt::Error;

    use super::Floats;
    use crate::selftest::registers::{Registers, call, spin};

    pub extern "C" fn call_with_floats(registers: &mut Registers, _: &mut Floats) {
        call(registers)
    }

    pub extern "C" fn spin_with_floats(registers: &mut Registers, _: &mut Floats) {
        spin(registers)
    }

    pub fn fresh(cpu: usize) -> Result<Floats, Error> {
        unreachable!("a thread on cpu{cpu} is for Antler")
    }
}
