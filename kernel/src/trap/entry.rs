//! Trap entry and return.

use core::arch::naked_asm;

use super::{trap_from_kernel, trap_from_user};
use crate::hart::offsets;
use crate::syscall::{direct, light};
use antler_abi::Syscall;

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

/// Saves gp and s0 to s11 into the frame whose address is in t0: with ra, sp and tp what survives a call.
macro_rules! kept_registers {
    ($op:literal) => {
        concat!(
            $op,
            " gp, 24(t0)\n",
            $op,
            " s0, 64(t0)\n",
            $op,
            " s1, 72(t0)\n",
            $op,
            " s2, 144(t0)\n",
            $op,
            " s3, 152(t0)\n",
            $op,
            " s4, 160(t0)\n",
            $op,
            " s5, 168(t0)\n",
            $op,
            " s6, 176(t0)\n",
            $op,
            " s7, 184(t0)\n",
            $op,
            " s8, 192(t0)\n",
            $op,
            " s9, 200(t0)\n",
            $op,
            " s10, 208(t0)\n",
            $op,
            " s11, 216(t0)\n",
        )
    };
}

/// Clears what does not survive a call, so that nothing of the kernel's is in it.
macro_rules! clear_registers {
    () => {
        concat!(
            "li t0, 0\nli t1, 0\nli t2, 0\nli t3, 0\nli t4, 0\nli t5, 0\nli t6, 0\n",
            "li a2, 0\nli a3, 0\nli a4, 0\nli a5, 0\nli a6, 0\nli a7, 0\n",
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
        "csrr t0, scause",
        "addi t0, t0, -8",
        "bnez t0, 1f",

        // A system call, so from U-mode.
        "csrrw t0, sscratch, tp",        // t0 = the caller's tp; from here on a nested trap finds its block again
        "sd   t0, {caller_tp}(tp)",
        "sd   sp, {caller_sp}(tp)",
        "sd   ra, {caller_ra}(tp)",
        "ld   sp, {stack_top}(tp)",
        "bnez a7, 5f",
        "call {null}",
        "4:   bltz a0, 3f",
        "csrr t0, sepc",
        "addi t0, t0, 4",
        "csrw sepc, t0",
        "ld   ra, {caller_ra}(tp)",
        "ld   sp, {caller_sp}(tp)",
        clear_registers!(),
        "ld   tp, {caller_tp}(tp)",
        "sret",

        "5:   li t0, {wake_number}",
        "bne  a7, t0, 6f",
        "call {wake}",
        "j    4b",
        "6:   li t0, {wait_number}",
        "bne  a7, t0, 7f",
        "call {wait}",
        "j    4b",
        "7:   li t0, {yield_number}",
        "bne  a7, t0, 8f",
        "lla  a1, {turn}",
        "j    3f",
        "8:   call {other}",
        "j    4b",

        "3:   ld t0, {frame}(tp)",       // not answered at once: the task may have to leave; a1 is who goes on
        "csrr t1, sepc",
        "addi t1, t1, 4",
        "sd   t1, 0(t0)",
        "ld   t1, {caller_ra}(tp)",
        "ld   t2, {caller_sp}(tp)",
        "ld   t3, {caller_tp}(tp)",
        "sd   t1, 8(t0)",
        "sd   t2, 16(t0)",
        "sd   t3, 32(t0)",
        "sd   zero, 256(t0)",
        kept_registers!("sd"),
        "mv   s0, zero",
        "mv   ra, zero",
        "jalr a1",
        "j    {user_return}",

        "1:   sd t1, {t1_slot}(tp)",
        "csrrw t1, sscratch, tp",        // t1 = interrupted tp; from here on a nested trap finds its block again
        "csrr t0, sstatus",
        "andi t0, t0, 0x100",            // SPP: 0 from U-mode
        "bnez t0, 2f",

        "ld   t0, {frame}(tp)",
        "sd   t1, 32(t0)",               // x4, tp
        "sd   x2, 16(t0)",
        common_registers!("sd"),
        "sd   tp, 256(t0)",              // not 0: all of them
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
        "bnez t0, 8f",
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
        "8:   ld t0, {test_device}(tp)", // a trap while reporting a trap: only the exit code is left
        "beqz t0, 9f",
        "li   t1, {panic} << 16 | 0x3333",
        "sw   t1, (t0)",
        "9:   wfi",
        "j    9b",
        t0_slot = const offsets::T0,
        t1_slot = const offsets::T1,
        frame = const offsets::FRAME,
        stack_top = const offsets::STACK_TOP,
        emergency = const offsets::EMERGENCY_TOP,
        nested = const offsets::NESTED,
        dump = const offsets::DUMP,
        test_device = const offsets::TEST_DEVICE,
        panic = const antler_abi::MachineExit::Panic.code(),
        caller_ra = const offsets::CALLER_RA,
        caller_sp = const offsets::CALLER_SP,
        caller_tp = const offsets::CALLER_TP,
        null = sym light::null,
        wake = sym light::wake,
        wait = sym light::wait,
        other = sym light::other,
        turn = sym direct::turn,
        wake_number = const Syscall::Wake as usize,
        wait_number = const Syscall::Wait as usize,
        yield_number = const Syscall::Yield as usize,
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
        "ld   t1, 256(t0)",
        "beqz t1, 2f",
        "ld   x2, 16(t0)",
        common_registers!("ld"),
        "ld   x4, 32(t0)",
        "ld   x6, 48(t0)",
        "ld   x5, 40(t0)",               // t0 itself, last
        "sret",
        "2:   ld ra, 8(t0)",             // it made a call
        "ld   sp, 16(t0)",
        "ld   tp, 32(t0)",
        "ld   a0, 80(t0)",
        "ld   a1, 88(t0)",
        kept_registers!("ld"),
        clear_registers!(),
        "sret",
        frame = const offsets::FRAME,
        reservation = const offsets::RESERVATION,
    )
}
