//! Every integer register filled, something made to happen, and what the registers hold then. Assembly, so that
//! nothing of the compiler's is in between. `sp` is left out: the assembly finds its way back by it.

/// `x0..x31` by number; the places of `x0` and `sp` (x2) are not used.
pub type Registers = [u64; 32];

/// Registers that are filled and looked at.
pub const NUMBERS: [usize; 30] = [
    1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
    30, 31,
];

#[cfg(target_os = "none")]
pub use riscv::{call, spin};

#[cfg(target_os = "none")]
mod riscv {
    use core::arch::naked_asm;

    use super::Registers;

    // Every register but `x0`, `sp` and `a0`.
    macro_rules! but_a0 {
        () => {
            "1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31"
        };
    }

    // The frame: 32 places for what the registers are found to hold, then `a0` and what a function must keep.
    macro_rules! held {
        ($(#[$doc:meta])* $name:ident, $($middle:literal)*) => {
            $(#[$doc])*
            #[unsafe(naked)]
            pub extern "C" fn $name(registers: &mut Registers) {
                naked_asm!(
                    "addi sp, sp, -512",
                    r".irp n, 1, 3, 4, 8, 9, 10, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27",
                    r"sd x\n, 256 + 8*\n(sp)",
                    ".endr",
                    // The base of the loads comes last.
                    concat!(".irp n, ", but_a0!(), ", 10"),
                    r"ld x\n, 8*\n(a0)",
                    ".endr",
                    $($middle,)*
                    concat!(".irp n, 10, ", but_a0!()),
                    r"sd x\n, 8*\n(sp)",
                    ".endr",
                    "ld a0, 256 + 8*10(sp)",
                    concat!(".irp n, 10, ", but_a0!()),
                    r"ld t0, 8*\n(sp)",
                    r"sd t0, 8*\n(a0)",
                    ".endr",
                    r".irp n, 1, 3, 4, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27",
                    r"ld x\n, 256 + 8*\n(sp)",
                    ".endr",
                    "addi sp, sp, 512",
                    "ret",
                )
            }
        };
    }

    held! {
        /// Makes the system call whose number is in `x17`, which must be one that takes no pointer.
        call,
        "ecall"
    }

    held! {
        /// Spins, counting turns down in `x12` to 0 and up in the word that follows the one at `x10`, until that one
        /// is not 0. `x10` must be the address of two words that live meanwhile; `x11` is not kept.
        spin,
        "2:"
        "lw a1, 4(a0)"
        "addiw a1, a1, 1"
        "sw a1, 4(a0)"
        "lw a1, 0(a0)"
        "bnez a1, 3f"
        "addi a2, a2, -1"
        "bnez a2, 2b"
        "3:"
    }
}

#[cfg(not(target_os = "none"))]
pub use host::{call, spin};

/// A host never gets here: its `main` refuses to run the program.
#[cfg(not(target_os = "none"))]
mod host {
    use super::Registers;

    pub extern "C" fn call(registers: &mut Registers) {
        unreachable!("system call {} is for Antler", registers[17])
    }

    pub extern "C" fn spin(registers: &mut Registers) {
        unreachable!("{} turns are for Antler", registers[12])
    }
}
