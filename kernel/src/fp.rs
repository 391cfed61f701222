//! Floating point: off until a task uses it, saved before the task's token leaves, never left on a hart for later.
//!
//! `sstatus.FS` (privileged spec, "Extension Context Status") says what the hart holds: Off, for a task that does not
//! use floating point; Clean, the same as in memory; Dirty, newer than in memory. The kernel itself is compiled without
//! floating point and cannot change the registers.

use core::arch::naked_asm;
use core::mem::offset_of;

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
    } else {
        set_fs(0);
    }
}

/// Saves f0..f31 and fcsr. in: a0 = state; out: nothing changed but t0.
#[unsafe(naked)]
unsafe extern "C" fn save_registers(state: &mut FpState) {
    naked_asm!(
        ".option push",
        ".option arch, +d",
        "fsd f0, 0(a0)", "fsd f1, 8(a0)", "fsd f2, 16(a0)", "fsd f3, 24(a0)",
        "fsd f4, 32(a0)", "fsd f5, 40(a0)", "fsd f6, 48(a0)", "fsd f7, 56(a0)",
        "fsd f8, 64(a0)", "fsd f9, 72(a0)", "fsd f10, 80(a0)", "fsd f11, 88(a0)",
        "fsd f12, 96(a0)", "fsd f13, 104(a0)", "fsd f14, 112(a0)", "fsd f15, 120(a0)",
        "fsd f16, 128(a0)", "fsd f17, 136(a0)", "fsd f18, 144(a0)", "fsd f19, 152(a0)",
        "fsd f20, 160(a0)", "fsd f21, 168(a0)", "fsd f22, 176(a0)", "fsd f23, 184(a0)",
        "fsd f24, 192(a0)", "fsd f25, 200(a0)", "fsd f26, 208(a0)", "fsd f27, 216(a0)",
        "fsd f28, 224(a0)", "fsd f29, 232(a0)", "fsd f30, 240(a0)", "fsd f31, 248(a0)",
        "frcsr t0",
        "sd  t0, {fcsr}(a0)",
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
        "fld f0, 0(a0)", "fld f1, 8(a0)", "fld f2, 16(a0)", "fld f3, 24(a0)",
        "fld f4, 32(a0)", "fld f5, 40(a0)", "fld f6, 48(a0)", "fld f7, 56(a0)",
        "fld f8, 64(a0)", "fld f9, 72(a0)", "fld f10, 80(a0)", "fld f11, 88(a0)",
        "fld f12, 96(a0)", "fld f13, 104(a0)", "fld f14, 112(a0)", "fld f15, 120(a0)",
        "fld f16, 128(a0)", "fld f17, 136(a0)", "fld f18, 144(a0)", "fld f19, 152(a0)",
        "fld f20, 160(a0)", "fld f21, 168(a0)", "fld f22, 176(a0)", "fld f23, 184(a0)",
        "fld f24, 192(a0)", "fld f25, 200(a0)", "fld f26, 208(a0)", "fld f27, 216(a0)",
        "fld f28, 224(a0)", "fld f29, 232(a0)", "fld f30, 240(a0)", "fld f31, 248(a0)",
        "ld  t0, {fcsr}(a0)",
        "fscsr t0",
        ".option pop",
        "ret",
        fcsr = const offset_of!(FpState, fcsr),
    )
}
