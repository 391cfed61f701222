//! From QEMU's reset vector, on every hart, to S-mode: on one at once, on the others when they are started.

use core::arch::naked_asm;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::harts::{MAX_HARTS, STACK, STACKS};
use crate::orders::{ADDRESS, Orders, WORDS};
use crate::trap::trap_entry;
use crate::{board, csr, harts, hsm};

/// What QEMU leaves at `a2`: OpenSBI's `struct fw_dynamic_info`, version 2.
#[repr(C)]
struct DynamicInfo {
    magic: u64,
    version: u64,
    next: u64,
    mode: u64,
    options: u64,
    /// The hart that boots; `u64::MAX` leaves it to firmware.
    boot_hart: u64,
}

const INFO_MAGIC: u64 = 0x4942_534f;

const _: () = assert!(STACK.is_power_of_two());

/// Taken by the hart that boots.
static BOOTING: AtomicBool = AtomicBool::new(false);

/// Where QEMU enters, on every hart.
///
/// ```text
/// in:  a0 = hart id   a1 = device tree   a2 = DynamicInfo   M-mode
/// out: start(hart id, device tree, DynamicInfo) on this hart's own stack; mscratch = 0, mtvec = trap_entry
/// ```
#[unsafe(naked)]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.entry")]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "csrw mie, zero",
        "csrw mscratch, zero",
        "la   t0, {trap}",
        "csrw mtvec, t0",
        // More harts than we have stacks for never wake up.
        "li   t0, {harts}",
        "bltu a0, t0, 2f",
        "1:   wfi",
        "j    1b",
        "2:   la sp, {stacks}",
        "addi t0, a0, 1",
        "slli t0, t0, {shift}",
        "add  sp, sp, t0",
        "mv   s0, zero",
        "mv   ra, zero",
        "j    {start}",
        trap = sym trap_entry,
        harts = const MAX_HARTS,
        stacks = sym STACKS,
        shift = const STACK.ilog2(),
        start = sym start,
    )
}

/// A hart's first Rust code: the one that boots goes on to the next stage, the others wait to be started.
extern "C" fn start(hart: usize, tree: usize, info: &DynamicInfo) -> ! {
    set_up();
    let known = info.magic == INFO_MAGIC;
    let chosen = if known { info.boot_hart } else { u64::MAX };
    harts::arrives(hart);
    let mine = chosen == u64::MAX || chosen == hart as u64;
    if !mine || BOOTING.swap(true, Ordering::AcqRel) {
        hsm::wait_for_start(hart);
    }
    let orders = read_orders();
    let tree = if orders.tree == 0 { tree } else { orders.tree as usize };
    let next = if known { info.next as usize } else { board::NEXT };
    harts::give(orders);
    hsm::boot(hart, next, tree)
}

/// The registers that each hart has for itself: S-mode gets its traps, its counters, its timer, and all memory but ours.
fn set_up() {
    // Exceptions 0 to 8, 12, 13 and 15: everything but calls from S-mode and M-mode.
    csr::delegate_exceptions(0xb1ff);
    // Software, timer and external interrupts of S-mode.
    csr::delegate_interrupts(0x222);
    csr::open_counters(7);
    csr::set_environment(1 << 63);
    csr::set_supervisor_timer(usize::MAX);
    // Region 0: [MEMORY, NEXT), a power of two, nothing allowed. Region 1: everything, all allowed. The first that fits
    // counts, and neither concerns M-mode.
    const SIZE: usize = board::NEXT - board::MEMORY;
    const { assert!(SIZE.is_power_of_two() && board::MEMORY.is_multiple_of(SIZE)) };
    csr::set_region_0(board::MEMORY >> 2 | (SIZE / 2 - 1) >> 2);
    csr::set_region_1(usize::MAX);
    csr::set_regions(0x1f18);
}

fn read_orders() -> Orders {
    // SAFETY: the page is memory, aligned, left free by the linker script, and written by nobody while we run.
    let words = unsafe { (ADDRESS as *const [u64; WORDS]).read_volatile() };
    let orders = Orders::from_words(&words)
        .unwrap_or_else(|error| board::give_up(format_args!("orders that cannot be meant: {error:?}")));
    for order in orders.list() {
        board::say(format_args!("told to {order}"));
    }
    orders
}

/// Leaves M-mode for S-mode, for good: the next trap starts on an empty stack.
///
/// ```text
/// in:  a0, a1 = what S-mode finds there   a2 = top of this hart's stack   mepc, mstatus.MPP set
/// ```
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn leave(a0: usize, a1: usize, stack: usize) -> ! {
    naked_asm!("csrw mscratch, a2", "sfence.vma", "fence.i", "mret")
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    board::give_up(format_args!("{info}"))
}
