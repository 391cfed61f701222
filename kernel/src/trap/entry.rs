//! Trap entry and return.

use core::arch::naked_asm;

use super::{trap_from_kernel, trap_from_user};
use crate::hart::offsets;

/// Saves or restores x1, x3 and x7 to x31 of a frame whose address is in t0 (x5); x2, x4, x5 and x6 have their own
/// lines, because entry and exit need them.
macro_rules! common_registers {
    ($op:literal) => {
        concat!(
            $op,
            " x1, 8(t0)\n",
            $op,
            " x3, 24(t0)\n",
            $op,
            " x7, 56(t0)\n",
            $op,
            " x8, 64(t0)\n",
            $op,
            " x9, 72(t0)\n",
            $op,
            " x10, 80(t0)\n",
            $op,
            " x11, 88(t0)\n",
            $op,
            " x12, 96(t0)\n",
            $op,
            " x13, 104(t0)\n",
            $op,
            " x14, 112(t0)\n",
            $op,
            " x15, 120(t0)\n",
            $op,
            " x16, 128(t0)\n",
            $op,
            " x17, 136(t0)\n",
            $op,
            " x18, 144(t0)\n",
            $op,
            " x19, 152(t0)\n",
            $op,
            " x20, 160(t0)\n",
            $op,
            " x21, 168(t0)\n",
            $op,
            " x22, 176(t0)\n",
            $op,
            " x23, 184(t0)\n",
            $op,
            " x24, 192(t0)\n",
            $op,
            " x25, 200(t0)\n",
            $op,
            " x26, 208(t0)\n",
            $op,
            " x27, 216(t0)\n",
            $op,
            " x28, 224(t0)\n",
            $op,
            " x29, 232(t0)\n",
            $op,
            " x30, 240(t0)\n",
            $op,
            " x31, 248(t0)\n",
        )
    };
}

/// Where `stvec` points: every trap of this hart.
///
/// ```text
/// in, always:  sscratch = this hart's block, interrupts off (the trap turned them off)
/// from U-mode: every register is the task's, tp included
/// from S-mode: a bug in the kernel, and sp may be anything
///
/// from U, out: trap_from_user() -> frame, on the trap stack's top; tp = sscratch = block;
///              the task's x1..x31 and pc are in the frame that the block names; then user_return(frame)
/// from S, out: trap_from_kernel() on the emergency stack; x1..x31 as they were, and pc, are in block.dump
/// ```
///
/// Until `sscratch` holds the block again, only the block is touched: it is mapped in every address space, so nothing
/// here can fault while entry is half done. Where the trap came from (SPP) decides before anything is written
/// through `sp` or into a frame.
#[unsafe(naked)]
#[unsafe(link_section = ".text.trap.hart")] // a section of its own, so that the alignment is the symbol's
pub(crate) unsafe extern "C" fn trap_entry() -> ! {
    naked_asm!(
        ".balign 4",                     // stvec's low bits are its mode
        "csrrw tp, sscratch, tp",        // tp = block, sscratch = interrupted tp
        "sd   t0, {t0_slot}(tp)",
        "sd   t1, {t1_slot}(tp)",
        "csrrw t1, sscratch, tp",        // t1 = interrupted tp; from here on a nested trap finds its block again
        "csrr t0, sstatus",
        "andi t0, t0, 0x100",            // SPP: 0 from U-mode
        "bnez t0, 2f",

        "ld   t0, {frame}(tp)",
        "sd   t1, 32(t0)",               // x4, tp
        "sd   x2, 16(t0)",
        common_registers!("sd"),
        "ld   t1, {t0_slot}(tp)",
        "ld   t2, {t1_slot}(tp)",
        "sd   t1, 40(t0)",               // x5
        "sd   t2, 48(t0)",               // x6
        "csrr t1, sepc",
        "sd   t1, 0(t0)",
        "ld   sp, {stack_top}(tp)",      // the stack is empty between traps: always from its top
        "mv   s0, zero",                 // ends a backtrace
        "mv   ra, zero",
        "call {from_user}",
        "j    {user_return}",

        "2:   ld t0, {nested}(tp)",
        "bnez t0, 4f",
        "li   t0, 1",
        "sd   t0, {nested}(tp)",
        "addi t0, tp, {dump}",
        "sd   t1, 32(t0)",
        "sd   x2, 16(t0)",
        common_registers!("sd"),
        "ld   t1, {t0_slot}(tp)",
        "ld   t2, {t1_slot}(tp)",
        "sd   t1, 40(t0)",
        "sd   t2, 48(t0)",
        "csrr t1, sepc",
        "sd   t1, 0(t0)",
        "ld   sp, {emergency}(tp)",
        "call {from_kernel}",            // does not return
        "4:   ld t0, {test_device}(tp)", // a trap while reporting a trap: only the exit code is left
        "beqz t0, 5f",
        "li   t1, {panic} << 16 | 0x3333",
        "sw   t1, (t0)",
        "5:   wfi",
        "j    5b",
        t0_slot = const offsets::T0,
        t1_slot = const offsets::T1,
        frame = const offsets::FRAME,
        stack_top = const offsets::STACK_TOP,
        emergency = const offsets::EMERGENCY_TOP,
        nested = const offsets::NESTED,
        dump = const offsets::DUMP,
        test_device = const offsets::TEST_DEVICE,
        panic = const antler_abi::MachineExit::Panic.code(),
        from_user = sym trap_from_user,
        from_kernel = sym trap_from_kernel,
        user_return = sym user_return,
    )
}

/// Back to U-mode.
///
/// ```text
/// in:  a0 = frame of the task to run; tp = sscratch = block; satp, sstatus.FS and floating-point registers are the
///      task's already; sstatus.SPP = 0
/// out: the task, at its pc, with its registers; the block names its frame
/// ```
///
/// The store-conditional aims at a word of the block that nobody reserved, so it fails, and takes any reservation of
/// the task that ran before with it (unprivileged spec, "LR/SC": an SC to another address invalidates the reservation).
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn user_return() -> ! {
    naked_asm!(
        "sd   a0, {frame}(tp)",
        "addi t1, tp, {reservation}",
        ".option push",
        ".option arch, +a",
        "sc.d zero, zero, (t1)",
        ".option pop",
        "mv   t0, a0",
        "ld   t1, 0(t0)",
        "csrw sepc, t1",
        "ld   x2, 16(t0)",
        common_registers!("ld"),
        "ld   x4, 32(t0)",
        "ld   x6, 48(t0)",
        "ld   x5, 40(t0)",               // t0 itself, last
        "sret",
        frame = const offsets::FRAME,
        reservation = const offsets::RESERVATION,
    )
}
