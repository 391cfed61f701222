//! The assembly: what is between filling the registers and looking at them is one system call and nothing of the
//! compiler's.

use antler_programs::pattern::Registers;
use antler_rt::Error;
use antler_rt::abi::Syscall;

/// How a thread lets others run.
#[derive(Clone, Copy)]
pub enum Pause {
    /// Gives way to others of its class.
    Yield,
    /// Sleeps until this time, in nanoseconds since boot.
    SleepUntil(u64),
}

impl Pause {
    /// The system call and its argument.
    fn call(self) -> (usize, usize) {
        match self {
            Pause::Yield => (Syscall::Yield.number(), 0),
            Pause::SleepUntil(deadline) => (Syscall::Sleep.number(), deadline as usize),
        }
    }
}

#[cfg(target_os = "none")]
mod riscv {
    use core::arch::{asm, naked_asm};
    use core::mem::offset_of;

    use antler_rt::{Qos, sys};

    use super::*;

    /// One instruction for each register `f0..f31`, at its place in [`Registers`] from the base in `$base`.
    macro_rules! each_register {
        ($instruction:literal, $base:literal) => {
            each_register!(@ $instruction, $base,
                0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31)
        };
        (@ $instruction:literal, $base:literal, $($n:literal)*) => {
            concat!($($instruction, " f", $n, ", 8*", $n, "(", $base, ")\n"),*)
        };
    }

    // `each_register` counts from the base.
    const _: () = assert!(offset_of!(Registers, f) == 0);

    /// Fills the registers with `pattern`, pauses, and answers what they hold then. Errors: the pause's.
    pub fn hold(pattern: &Registers, pause: Pause) -> Result<Registers, Error> {
        let mut found = Registers::ZERO;
        let (number, argument) = pause.call();
        let status: usize;
        // SAFETY: reads and writes the two structures within their layout; the pauses touch no memory; every FP
        // register is declared clobbered, and `fcsr` is what the language needs (0) before and after.
        unsafe {
            asm!(
                each_register!("fld", "s2"),
                "ld t0, {fcsr}(s2)",
                "fscsr t0",
                "ecall",
                each_register!("fsd", "s3"),
                "frcsr t0",
                "sd t0, {fcsr}(s3)",
                "fscsr zero",
                fcsr = const offset_of!(Registers, fcsr),
                inlateout("a7") number => _,
                inlateout("a0") argument => status,
                lateout("a1") _,
                in("s2") pattern,
                in("s3") &raw mut found,
                out("a2") _, out("a3") _, out("a4") _, out("a5") _, out("a6") _,
                out("t0") _, out("t1") _, out("t2") _, out("t3") _, out("t4") _, out("t5") _, out("t6") _,
                out("ft0") _, out("ft1") _, out("ft2") _, out("ft3") _, out("ft4") _, out("ft5") _,
                out("ft6") _, out("ft7") _, out("ft8") _, out("ft9") _, out("ft10") _, out("ft11") _,
                out("fs0") _, out("fs1") _, out("fs2") _, out("fs3") _, out("fs4") _, out("fs5") _,
                out("fs6") _, out("fs7") _, out("fs8") _, out("fs9") _, out("fs10") _, out("fs11") _,
                out("fa0") _, out("fa1") _, out("fa2") _, out("fa3") _, out("fa4") _, out("fa5") _,
                out("fa6") _, out("fa7") _,
                options(nostack),
            );
        }
        match Error::from_code(status) {
            None => Ok(found),
            Some(error) => Err(error),
        }
    }

    /// What the registers of a thread hold before its first instruction. Errors: those of `Spawn` and `Join`.
    pub fn fresh() -> Result<Registers, Error> {
        let mut found = Registers::ZERO;
        let spawn = sys::Spawn {
            entry: store_and_exit as extern "C" fn() as usize,
            arg: (&raw mut found).expose_provenance(),
            // It uses no stack; 0 faults if it did.
            stack_top: 0,
            qos: Qos::Normal,
            cpu: None,
            local: false,
        };
        // SAFETY: the thread writes `found`, which is not touched until it was joined, and needs no stack.
        let handle = unsafe { sys::spawn(spawn) }?;
        sys::join(handle)?;
        Ok(found)
    }

    /// First and only instructions of a fresh thread: stores what its registers hold at `a0` and ends it.
    #[unsafe(naked)]
    extern "C" fn store_and_exit() {
        naked_asm!(
            each_register!("fsd", "a0"),
            "frcsr t0",
            "sd t0, {fcsr}(a0)",
            "li a0, 0",
            "li a7, {exit}",
            "ecall",
            "unimp",
            fcsr = const offset_of!(Registers, fcsr),
            exit = const Syscall::ThreadExit.number(),
        )
    }
}

#[cfg(target_os = "none")]
pub use riscv::{fresh, hold};

#[cfg(not(target_os = "none"))]
pub use host::{fresh, hold};

/// A host never gets here: its `main` refuses to run the program.
#[cfg(not(target_os = "none"))]
mod host {
    use super::*;

    pub fn hold(pattern: &Registers, pause: Pause) -> Result<Registers, Error> {
        unreachable!("system call {} holding f0 = {:#x} is for Antler", pause.call().0, pattern.f[0])
    }

    pub fn fresh() -> Result<Registers, Error> {
        unreachable!("RISC-V registers are for Antler")
    }
}
