//! Floating point: off until a task uses it, saved before the task's token leaves, never left on a hart for later.
//!
//! `sstatus.FS` (privileged spec, "Extension Context Status") says what the hart holds: Off, for a task that does not
//! use floating point; Clean, the same as in memory; Dirty, newer than in memory. The kernel itself is compiled without
//! floating point and cannot change the registers.

use core::arch::naked_asm;
use core::mem::offset_of;

use crate::faults::{Fault, commits};
use crate::thread::FpState;

const FS_MASK: usize = 3 << 13;
const FS_CLEAN: usize = 2 << 13;
const FS_DIRTY: usize = 3 << 13;

fn set_fs(fs: usize) {
    // SAFETY: FS decides only whether floating-point instructions trap and what is remembered of them.
    unsafe {
        core::arch::asm!("csrc sstatus, {}", "csrs sstatus, {}", in(reg) FS_MASK, in(reg) fs, options(nomem, nostack));
    }
}

fn fs() -> usize {
    let sstatus: usize;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("csrr {}, sstatus", out(reg) sstatus, options(nomem, nostack)) };
    sstatus & FS_MASK
}

/// Whether this hart's floating point is off.
pub(crate) fn is_off() -> bool {
    fs() == 0
}

/// Brings registers that are newer than memory to memory.
pub(crate) fn save(state: &mut FpState) {
    if fs() == FS_DIRTY {
        // SAFETY: FS is not off, and the state has room for all registers.
        unsafe { save_registers(state) };
        set_fs(FS_CLEAN);
    }
}

/// Gives the hart the registers of the task that it is about to run, or turns floating point off.
pub(crate) fn load(state: &FpState) {
    if state.used {
        set_fs(FS_CLEAN);
        // SAFETY: FS is not off.
        unsafe { load_registers(state) };
        set_fs(FS_CLEAN);
    } else if commits(Fault::FpLeaked) {
        set_fs(FS_CLEAN);
    } else {
        set_fs(0);
    }
}

/// Saves or restores f0 to f31 of the state whose address is in a0.
macro_rules! fp_registers {
    ($op:literal) => {
        concat!(
            $op,
            " f0, 0(a0)\n",
            $op,
            " f1, 8(a0)\n",
            $op,
            " f2, 16(a0)\n",
            $op,
            " f3, 24(a0)\n",
            $op,
            " f4, 32(a0)\n",
            $op,
            " f5, 40(a0)\n",
            $op,
            " f6, 48(a0)\n",
            $op,
            " f7, 56(a0)\n",
            $op,
            " f8, 64(a0)\n",
            $op,
            " f9, 72(a0)\n",
            $op,
            " f10, 80(a0)\n",
            $op,
            " f11, 88(a0)\n",
            $op,
            " f12, 96(a0)\n",
            $op,
            " f13, 104(a0)\n",
            $op,
            " f14, 112(a0)\n",
            $op,
            " f15, 120(a0)\n",
            $op,
            " f16, 128(a0)\n",
            $op,
            " f17, 136(a0)\n",
            $op,
            " f18, 144(a0)\n",
            $op,
            " f19, 152(a0)\n",
            $op,
            " f20, 160(a0)\n",
            $op,
            " f21, 168(a0)\n",
            $op,
            " f22, 176(a0)\n",
            $op,
            " f23, 184(a0)\n",
            $op,
            " f24, 192(a0)\n",
            $op,
            " f25, 200(a0)\n",
            $op,
            " f26, 208(a0)\n",
            $op,
            " f27, 216(a0)\n",
            $op,
            " f28, 224(a0)\n",
            $op,
            " f29, 232(a0)\n",
            $op,
            " f30, 240(a0)\n",
            $op,
            " f31, 248(a0)\n",
        )
    };
}

/// Saves f0..f31 and fcsr. in: a0 = state; out: nothing changed but t0.
#[unsafe(naked)]
unsafe extern "C" fn save_registers(state: &mut FpState) {
    naked_asm!(
        ".option push",
        ".option arch, +d",
        fp_registers!("fsd"),
        "frcsr t0",
        "sd   t0, {fcsr}(a0)",
        ".option pop",
        "ret",
        fcsr = const offset_of!(FpState, fcsr),
    )
}

/// Loads f0..f31 and fcsr. in: a0 = state; out: nothing else changed but t0.
#[unsafe(naked)]
unsafe extern "C" fn load_registers(state: &FpState) {
    naked_asm!(
        ".option push",
        ".option arch, +d",
        fp_registers!("fld"),
        "ld   t0, {fcsr}(a0)",
        "fscsr t0",
        ".option pop",
        "ret",
        fcsr = const offset_of!(FpState, fcsr),
    )
}
