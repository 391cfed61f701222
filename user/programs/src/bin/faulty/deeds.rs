//! The misdeeds. Most are assembly, so that the compiler has no say in whether they happen.

#[cfg(target_os = "none")]
use core::arch::asm;

/// An address inside the kernel, mapped for it alone.
const KERNEL: usize = 0xffff_ffc0_8020_0000;

macro_rules! deeds {
    ($($(#[$doc:meta])* $name:ident => $asm:literal $(, $operand:expr)?;)*) => {
        $($(#[$doc])*
        pub fn $name() {
            #[cfg(target_os = "none")]
            // SAFETY: the instruction is meant to be stopped by the hardware. Where it is not, it has read into a
            // register that is declared, or `run` says at once that the machine is broken.
            unsafe {
                asm!($asm, inout("t0") deeds!(@operand $($operand)?) => _, out("t1") _, options(nostack));
            }
            #[cfg(not(target_os = "none"))]
            refuse($asm, deeds!(@operand $($operand)?));
        })*
    };
    (@operand) => { 0usize };
    (@operand $operand:expr) => { $operand };
}

/// A host never gets here: its `main` refuses to run the program.
#[cfg(not(target_os = "none"))]
fn refuse(asm: &str, operand: usize) {
    unreachable!("`{asm}` of {operand:#x} is for Antler")
}

deeds! {
    /// Loads from the kernel's half of the address space.
    read_kernel => "ld t1, 0(t0)", KERNEL;
    /// Loads from address 0.
    read_null => "ld t1, 0(t0)", 0;
    /// Stores into the page of this very function.
    write_text => "sw zero, 0(t0)", write_text as fn() as usize & !3;
    /// Jumps to 0x10, which is never mapped.
    jump_void => "jalr t1, 0(t0)", 0x10;
    /// Jumps to a variable that holds a return instruction.
    jump_data => "jalr t1, 0(t0)", &raw const RETURN as usize;
    /// An instruction that does not exist.
    illegal => "unimp";
    /// Reads `sstatus`.
    privileged => "csrr t1, sstatus";
}

/// `jr t1`, in memory that is writable and so not executable.
static RETURN: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0x0003_0067);

/// Recurses, with a frame that the compiler cannot do without, until the hole below the stack is hit.
pub fn stack_overflow() {
    #[expect(unconditional_recursion, reason = "it is the point")]
    fn deeper(above: &[u8; 256]) -> u8 {
        let mut frame = *above;
        frame[0] = frame[0].wrapping_add(1);
        let frame = core::hint::black_box(frame);
        // Reading the frame after the call keeps it from becoming a loop.
        deeper(&frame) ^ frame[1]
    }
    core::hint::black_box(deeper(&[0; 256]));
}
