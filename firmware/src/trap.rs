//! Traps to M-mode: calls from S-mode, and M-mode's own two interrupts. Everything else is delegated, so anything else is
//! a bug here.

use core::arch::naked_asm;
use core::mem::offset_of;

use crate::{board, csr, ipi, sbi, timer};

/// What a call from Rust may change, saved on this hart's stack.
#[repr(C, align(16))]
struct Frame {
    sp: usize,
    ra: usize,
    t: [usize; 7],
    a: [usize; 8],
}

const SIZE: usize = size_of::<Frame>();
const SP: usize = offset_of!(Frame, sp);
const RA: usize = offset_of!(Frame, ra);
const T: usize = offset_of!(Frame, t);
const A: usize = offset_of!(Frame, a);

const INTERRUPT: usize = 1 << 63;
const SOFTWARE: usize = INTERRUPT | 3;
const TIMER: usize = INTERRUPT | 7;
const SUPERVISOR_CALL: usize = 9;

/// Where every hart traps to.
///
/// ```text
/// in:  mscratch = top of this hart's stack (from S and U), 0 (from M: a bug)
/// out: trap(frame), then back with the frame's registers; mscratch as before
/// ```
#[unsafe(naked)]
#[unsafe(link_section = ".text.trap")] // a section of its own, so that the alignment is the symbol's
pub(crate) unsafe extern "C" fn trap_entry() {
    naked_asm!(
        ".balign 4",
        "csrrw sp, mscratch, sp",
        "beqz sp, 1f",
        "addi sp, sp, -{size}",
        "sd   ra, {ra}(sp)",
        "sd   t0, {t}(sp)",
        "sd   t1, {t}+8(sp)",
        "sd   t2, {t}+16(sp)",
        "sd   t3, {t}+24(sp)",
        "sd   t4, {t}+32(sp)",
        "sd   t5, {t}+40(sp)",
        "sd   t6, {t}+48(sp)",
        "sd   a0, {a}(sp)",
        "sd   a1, {a}+8(sp)",
        "sd   a2, {a}+16(sp)",
        "sd   a3, {a}+24(sp)",
        "sd   a4, {a}+32(sp)",
        "sd   a5, {a}+40(sp)",
        "sd   a6, {a}+48(sp)",
        "sd   a7, {a}+56(sp)",
        // The interrupted stack pointer; 0 in mscratch says that we are in M-mode.
        "csrrw t0, mscratch, zero",
        "sd   t0, {sp}(sp)",
        "mv   a0, sp",
        "call {trap}",
        "addi t0, sp, {size}",
        "csrw mscratch, t0",
        "ld   ra, {ra}(sp)",
        "ld   t0, {t}(sp)",
        "ld   t1, {t}+8(sp)",
        "ld   t2, {t}+16(sp)",
        "ld   t3, {t}+24(sp)",
        "ld   t4, {t}+32(sp)",
        "ld   t5, {t}+40(sp)",
        "ld   t6, {t}+48(sp)",
        "ld   a0, {a}(sp)",
        "ld   a1, {a}+8(sp)",
        "ld   a2, {a}+16(sp)",
        "ld   a3, {a}+24(sp)",
        "ld   a4, {a}+32(sp)",
        "ld   a5, {a}+40(sp)",
        "ld   a6, {a}+48(sp)",
        "ld   a7, {a}+56(sp)",
        "ld   sp, {sp}(sp)",
        "mret",
        // From M-mode: the stack that was in use is as good as any for the last words.
        "1:   csrrw sp, mscratch, zero",
        "j    {bug}",
        size = const SIZE,
        sp = const SP,
        ra = const RA,
        t = const T,
        a = const A,
        trap = sym trap,
        bug = sym bug,
    )
}

extern "C" fn trap(frame: &mut Frame) {
    match csr::cause() {
        SUPERVISOR_CALL => {
            // Behind the call; the instruction has no short form.
            csr::set_pc(csr::pc() + 4);
            let [a0, a1, a2, .., fid, eid] = frame.a;
            let (error, value) = match sbi::call(eid, fid, [a0, a1, a2]) {
                Ok(value) => (0, value),
                Err(error) => (error, 0),
            };
            (frame.a[0], frame.a[1]) = (error as usize, value);
        }
        SOFTWARE => ipi::arrived(),
        TIMER => timer::fired(),
        _ => bug(),
    }
}

/// A trap that cannot be, or one from M-mode.
extern "C" fn bug() -> ! {
    board::give_up(format_args!(
        "trap on hart {}: mcause {:#x}, mepc {:#x}, mtval {:#x}",
        csr::hart_id(),
        csr::cause(),
        csr::pc(),
        csr::value()
    ))
}
