//! The first instructions of every hart: from firmware's hand-over (S-mode, paging off, physical addresses) to Rust on
//! a stack of its own at virtual addresses.

use core::arch::naked_asm;

use crate::bringup::secondary_main;
use crate::hart::{HartBlock, offsets};
use crate::memory::layout::OFFSET;
use crate::trap::entry::trap_entry;

/// QEMU `virt`'s test device, for refusals before the device tree could be read.
pub(crate) const QEMU_TEST_DEVICE: u64 = 0x10_0000;

/// Bytes of the stack that the boot hart uses until its real one is there.
const BOOT_STACK: usize = 64 * 1024;

#[repr(C, align(4096))]
struct Page<const N: usize>(core::cell::UnsafeCell<[u8; N]>);

// SAFETY: both are handed to the boot hart's assembly, before any other hart runs kernel code, and to nobody else.
unsafe impl<const N: usize> Sync for Page<N> {}

#[unsafe(link_section = ".bss.boot")]
static BOOT_STACK_MEMORY: Page<BOOT_STACK> = Page(core::cell::UnsafeCell::new([0; BOOT_STACK]));
#[unsafe(link_section = ".bss.boot")]
static BOOT_ROOT: Page<4096> = Page(core::cell::UnsafeCell::new([0; 4096]));

/// Leaf entry of the boot page table: valid, readable, writable, executable, accessed, dirty (privileged spec, "Sv39").
const BOOT_LEAF: usize = 0xcf;

/// Where firmware enters on the boot hart, which is not always hart 0.
///
/// ```text
/// in:  a0 = hart id   a1 = device tree, physical   satp = 0   S-mode   sstatus.SIE = 0
/// out: boot_main(hart id, device tree, instret) on the boot stack, paging on; a0 and a1 untouched until then
/// ```
///
/// The boot page table maps the first 128 GiB of physical memory at OFFSET, in gigapages. It does not map the addresses
/// that we run at: when paging comes on, the next fetch faults and `stvec`, set to the virtual address of `2:`, takes
/// over. If paging does not come on, the fetch succeeds, and that tells us that we are not in S-mode, or that the hart
/// has no Sv39.
#[unsafe(naked)]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.entry")]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "csrw sie, zero",
        // How far the machine is: 0 where firmware does not let us see, and the reading traps.
        "la   t0, 6f",
        "csrw stvec, t0",
        "li   a2, 0",
        "csrr a2, instret",
        ".balign 4",
        // .bss: a loader need not have cleared it.
        "6:   la t0, __bss_start",
        "la   t1, __bss_end",
        "1:   bgeu t0, t1, 3f",
        "sd   zero, (t0)",
        "addi t0, t0, 8",
        "j    1b",
        // Gigapages at OFFSET.
        "3:   la t0, {root}",
        "li   t1, 256 * 8",
        "add  t1, t0, t1",
        "li   t2, {leaf}",
        "li   t3, 128",
        "li   t4, 1 << 28",
        "4:   sd t2, (t1)",
        "add  t2, t2, t4",
        "addi t1, t1, 8",
        "addi t3, t3, -1",
        "bnez t3, 4b",
        // Continue at 2: by the trap that paging causes.
        "li   t3, {offset}",
        "la   t1, 2f",
        "add  t1, t1, t3",
        "csrw stvec, t1",
        "la   sp, {stack}",
        "li   t2, {stack_size}",
        "add  sp, sp, t2",
        "add  sp, sp, t3",
        "srli t0, t0, 12",
        "li   t1, 8 << 60",
        "or   t0, t0, t1",
        "sfence.vma",
        "csrw satp, t0",
        "sfence.vma",
        "j    {no_paging}",
        ".balign 4",
        "2:   la t0, {trap}",
        "csrw stvec, t0",
        "mv   s0, zero",
        "mv   ra, zero",
        "j    {main}",
        root = sym BOOT_ROOT,
        leaf = const BOOT_LEAF,
        offset = const OFFSET,
        stack = sym BOOT_STACK_MEMORY,
        stack_size = const BOOT_STACK,
        no_paging = sym no_paging,
        trap = sym early_trap_entry,
        main = sym crate::boot::boot_main,
    )
}

/// Where `stvec` points while the boot hart has no block yet: any trap is a bug, or a device tree that lied.
///
/// ```text
/// in:  anything   out: early_trap(), on the boot stack from its top
/// ```
#[unsafe(naked)]
#[unsafe(link_section = ".text.trap.early")] // a section of its own, so that the alignment is the symbol's
unsafe extern "C" fn early_trap_entry() -> ! {
    naked_asm!(
        ".balign 4",
        "la   sp, {stack}",
        "li   t2, {stack_size}",
        "add  sp, sp, t2",
        "j    {report}",
        stack = sym BOOT_STACK_MEMORY,
        stack_size = const BOOT_STACK,
        report = sym crate::trap::early_trap,
    )
}

/// Where firmware enters on every other hart, after `hart_start`.
///
/// ```text
/// in:  a0 = hart id   a1 = this hart's block, physical   satp = 0   S-mode   sstatus.SIE = 0
/// out: secondary_main(hart id, block) on the hart's own stack; tp = sscratch = block, stvec = trap_entry
/// ```
///
/// A hart that comes with another's block leaves its id there and keeps off the stack, which the other may be using.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn secondary_start() -> ! {
    naked_asm!(
        "csrw sie, zero",
        "li   t3, {offset}",
        "la   t1, 2f",
        "add  t1, t1, t3",
        "csrw stvec, t1",
        "ld   t0, {satp}(a1)",
        "add  a1, a1, t3",
        "sfence.vma",
        "csrw satp, t0",
        "sfence.vma",
        "j    {no_paging}",
        ".balign 4",
        "2:   la t0, {trap}",
        "csrw stvec, t0",
        "mv   tp, a1",
        "csrw sscratch, tp",
        "ld   t0, {hart}(tp)",
        "bne  t0, a0, 4f",
        "ld   sp, {stack_top}(tp)",
        "mv   s0, zero",
        "mv   ra, zero",
        "j    {main}",
        "4:   addi a0, a0, 1",
        "sd   a0, {stray}(tp)",
        "5:   wfi",
        "j    5b",
        offset = const OFFSET,
        hart = const offsets::HART,
        stray = const offsets::STRAY,
        satp = const offsets::SATP,
        stack_top = const offsets::STACK_TOP,
        trap = sym trap_entry,
        no_paging = sym no_paging,
        main = sym secondary_main,
    )
}

/// Moves the boot hart onto its own stack and block: `enter(block) -> !` is `go(block)` there.
///
/// ```text
/// in:  a0 = block   a1 = go
/// out: go(block); sp = its stack's top, tp = sscratch = block, stvec = trap_entry
/// ```
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn enter_own_stack(block: &'static HartBlock, go: extern "C" fn() -> !) -> ! {
    naked_asm!(
        "la   t0, {trap}",
        "csrw stvec, t0",
        "mv   tp, a0",
        "csrw sscratch, tp",
        "ld   sp, {stack_top}(tp)",
        "mv   s0, zero",
        "mv   ra, zero",
        "jr   a1",
        trap = sym trap_entry,
        stack_top = const offsets::STACK_TOP,
    )
}

/// Paging did not take effect. Nothing is known about the machine yet, so this uses QEMU `virt`'s fixed addresses of
/// UART and test device: says what is wrong on one hart, and ends the machine with the code of a refused boot.
#[unsafe(naked)]
unsafe extern "C" fn no_paging() -> ! {
    naked_asm!(
        "la   t0, 9f",
        "li   t1, 1",
        ".option push",
        ".option arch, +a",
        "amoswap.w.aqrl t1, t1, (t0)",
        ".option pop",
        "bnez t1, 5f",
        "la   t0, 8f",
        "li   t1, 0x10000000",
        "1:   lbu t2, (t0)",
        "beqz t2, 3f",
        "2:   lbu t3, 5(t1)",
        "andi t3, t3, 0x20",
        "beqz t3, 2b",
        "sb   t2, (t1)",
        "addi t0, t0, 1",
        "j    1b",
        "3:   li t0, {test_device}",
        "li   t1, {code} << 16 | 0x3333",
        "sw   t1, (t0)",
        "5:   wfi",
        "j    5b",
        ".pushsection .rodata.no_paging",
        "8:   .asciz \"KINIT: FAIL paging did not come on: entered in machine mode (-bios none?), or no Sv39\\n\"",
        ".popsection",
        ".pushsection .data.no_paging",
        ".balign 4",
        "9:   .word 0",
        ".popsection",
        test_device = const QEMU_TEST_DEVICE,
        code = const antler_abi::MachineExit::BootRefused.code(),
    )
}
