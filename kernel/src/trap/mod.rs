//! Traps: from U-mode they are work; from S-mode they are always a bug in the kernel.

pub(crate) mod entry;

use antler_facts::{Event, Seen};
use antler_nucleus::Machine;
use antler_sync::HartToken;
use page_table_entry::MappingFlags;

use crate::faults::{self, Fault};
use crate::hart::HartBlock;
use crate::machine::Here;
use crate::memory::{layout, paging};
use crate::state::kernel;
use crate::thread::{FpState, Frame};
use crate::{calls, cpu, end, fp, interrupts, program, syscall};

/// `scause` values (privileged spec, "Supervisor Cause Register").
mod cause {
    pub(super) const INTERRUPT: u64 = 1 << 63;
    pub(super) const ILLEGAL_INSTRUCTION: u64 = 2;
    pub(super) const FETCH_PAGE_FAULT: u64 = 12;
    pub(super) const LOAD_PAGE_FAULT: u64 = 13;
    pub(super) const STORE_PAGE_FAULT: u64 = 15;

    pub(super) const fn name(cause: u64) -> &'static str {
        match cause {
            0 => "misaligned fetch",
            1 => "fetch access fault",
            2 => "illegal instruction",
            3 => "breakpoint",
            4 => "misaligned load",
            5 => "load access fault",
            6 => "misaligned store",
            7 => "store access fault",
            12 => "fetch page fault",
            13 => "load page fault",
            15 => "store page fault",
            _ => "unexpected trap",
        }
    }
}

/// `scause` of an environment call from U-mode.
pub(crate) const USER_CALL: u64 = 8;

/// How often a task may fault on a page that its program has. Once would do; what comes next is a panic.
const RETRIES: u32 = 4;

fn read_cause() -> (u64, u64) {
    let (cause, value): (u64, u64);
    // SAFETY: reads two registers.
    unsafe {
        core::arch::asm!("csrr {}, scause", "csrr {}, stval", out(reg) cause, out(reg) value, options(nomem, nostack))
    };
    (cause, value)
}

/// A system call that is not answered at once: see [`syscall::light`]. What of the caller survives a call is in its frame,
/// and its arguments; returns the frame to go on with.
pub(crate) extern "C" fn call_from_user() -> *mut Frame {
    // SAFETY: as in `trap_from_user`; what ran since, `syscall::light`, makes no token.
    let mut here = unsafe { HartToken::claim(HartBlock::mine().cpu.index()) };
    let k = kernel();
    if let Some(slot) = k.sched.current(&mut here) {
        state_trap(USER_CALL, slot);
        if faults::commits(Fault::MailReadEarly) {
            let _kinds = k.sched.doorbell(&Here, &mut here, Seen::Trap, calls::answer);
        }
        syscall::handle(&mut here, slot);
    }
    cpu::resume(&mut here)
}

fn state_trap(cause: u64, slot: usize) {
    let named = if faults::commits(Fault::TrapMisattributed) { slot ^ 1 } else { slot };
    Here.fact(Event::TrapUser { cause, task: kernel().sched.tasks.fact(named) });
}

/// Any other trap from U-mode. The task's registers are in its frame; returns the frame to go on with.
pub(crate) extern "C" fn trap_from_user() -> *mut Frame {
    // SAFETY: this hart was in U-mode, so no Rust code of the kernel ran on it and no token of its index exists;
    // interrupts are off until it returns there.
    let mut here = unsafe { HartToken::claim(HartBlock::mine().cpu.index()) };
    let (cause, value) = read_cause();
    let k = kernel();
    if let Some(slot) = k.sched.current(&mut here) {
        state_trap(cause, slot);
        match cause {
            cause if cause & cause::INTERRUPT != 0 => interrupts::handle(&mut here, Seen::Trap),
            cause => exception(&mut here, slot, cause, value),
        }
    }
    cpu::resume(&mut here)
}

/// Something the task did that the hart could not do.
fn exception(here: &mut HartToken, slot: usize, cause: u64, value: u64) {
    let k = kernel();
    let program = program::of_slot(slot);
    // SAFETY: the slot's task is this CPU's current one, so its token is here and nobody else touches its thread.
    let thread = unsafe { &mut *k.threads.address(slot) };
    if cause == cause::ILLEGAL_INSTRUCTION && fp::is_off() && !thread.fp.used {
        // Perhaps its first floating-point instruction. If it is illegal all the same it comes back here.
        thread.fp = FpState::NEW;
        fp::load(&thread.fp);
        return;
    }
    let access = match cause {
        cause::FETCH_PAGE_FAULT => Some(MappingFlags::EXECUTE),
        cause::LOAD_PAGE_FAULT => Some(MappingFlags::READ),
        cause::STORE_PAGE_FAULT => Some(MappingFlags::WRITE),
        _ => None,
    };
    if let Some(access) = access {
        let allows = {
            let mut held = here.unlocked();
            let (space, _held) = program.space.lock(&mut held, &Here);
            space.as_ref().is_some_and(|space| space.allows(value as usize, access))
        };
        if allows {
            // Another hart mapped the page after this one had looked: forget what was seen and try again. Before it can happen
            // to the same page again, somebody has unmapped it, and told us (`calls::forget_user_memory`).
            let (address, times) = &mut k.contexts.mine(here).stale;
            *times = if *address == value { *times + 1 } else { 1 };
            *address = value;
            assert!(*times <= RETRIES, "{value:#x} faults again and again, though the program has the page");
            paging::flush_local();
            return;
        }
    }
    let task = k.sched.tasks.fact(slot);
    Here.fact(Event::Fault { task, cause, address: value });
    say!(
        "antler: program {} ended: {} at {value:#x}, pc {:#x}, sp {:#x}",
        program.name,
        cause::name(cause),
        thread.frame.pc(),
        thread.frame.x[2]
    );
    if faults::commits(Fault::WildLives) {
        return k.sched.sleep(&Here, here, u64::MAX);
    }
    program::end_program(here, program, antler_abi::EXIT_FAULT);
}

/// A trap on the boot hart before it has its own block.
pub(crate) extern "C" fn early_trap() -> ! {
    let (cause, value) = read_cause();
    let pc: u64;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("csrr {}, sepc", out(reg) pc, options(nomem, nostack)) };
    end::refuse(
        antler_abi::MachineExit::BootRefused,
        format_args!("trap during boot: {} at {value:#x}, pc {pc:#x}", cause::name(cause)),
    )
}

/// A trap from S-mode, on the emergency stack. Nothing that ran before can be trusted, so nothing is repaired.
pub(crate) extern "C" fn trap_from_kernel() -> ! {
    let block = HartBlock::mine();
    let (cause, value) = read_cause();
    let pc: u64;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("csrr {}, sepc", out(reg) pc, options(nomem, nostack)) };
    // SAFETY: trap entry of this hart filled it and runs no more.
    let dump = unsafe { &*block.dump.get() };
    let sp = dump[2];
    let guard = block.is_guard(value) || block.is_guard(sp);
    let what = if guard { "kernel stack overflow" } else { "trap in the kernel" };
    let on_stack = sp > block.stack_bottom && sp <= block.stack_top;
    panic!(
        "{what}: {} (scause {cause:#x}) at address {value:#x}, pc {pc:#x}, ra {:#x}, sp {sp:#x} ({}), s0 {:#x}; guard page {}; image offset {:#x}",
        cause::name(cause),
        dump[1],
        if on_stack { "on its stack" } else { "off its stack" },
        dump[8],
        if guard { "hit" } else { "not hit" },
        layout::OFFSET,
    );
}
