//! What a CPU does at the end of every kernel entry: find out what runs next and make the hart ready for it.

use core::sync::atomic::{Ordering, fence};

use antler_facts::{Event, Seen};
use antler_nucleus::{CpuId, Machine, Next};
use antler_sync::HartToken;

use crate::faults::{self, Fault};
use crate::hart::HartBlock;
use crate::machine::Here;
use crate::memory::paging;
use crate::program::{self, Program};
use crate::state::{Kernel, kernel};
use crate::thread::Frame;
use crate::{counters, fp, hotplug, interrupts};

/// Threads of programs that are over that a CPU ends before it looks at its interrupts.
const ENDED_AT_ONCE: u32 = 32;

/// What a CPU knows of itself beyond the scheduler's part.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// This hart has made its instruction fetches see the loaded programs.
    pub fetched: bool,
    /// Another CPU asked this one to go offline.
    pub leave: bool,
    /// Where a task faulted last on a page that it has, and how often in a row.
    pub stale: (u64, u32),
}

/// Decides what this CPU runs and prepares the hart for it; waits when there is nothing. Returns the frame to go on
/// with.
pub(crate) fn resume(here: &mut HartToken) -> *mut Frame {
    go_on(&Here, kernel(), HartBlock::mine(), here)
}

/// [`resume`], for who has looked everything up already.
#[inline(always)]
pub(crate) fn go_on<M: Machine>(
    m: &M,
    k: &'static Kernel,
    block: &'static HartBlock,
    here: &mut HartToken,
) -> *mut Frame {
    match usually(m, k, block, here) {
        Some(frame) => frame,
        None => unusually(k, block, here),
    }
}

/// The frame to go on with, unless the CPU is to leave, has nothing to run, or would run a thread of a program that is over.
#[inline(always)]
fn usually<M: Machine>(
    m: &M,
    k: &'static Kernel,
    block: &'static HartBlock,
    here: &mut HartToken,
) -> Option<*mut Frame> {
    if k.contexts.mine(here).leave {
        return None;
    }
    let frame = match k.sched.next(m, here) {
        Next::Same => block.frame(),
        Next::Run(slot) => switch_to(m, k, block, here, slot),
        Next::Idle => return None,
    };
    let program = block.program().expect("a task runs in its program's space");
    (!program.is_doomed()).then_some(frame)
}

/// Does what keeps this CPU from going on, until it can.
#[inline(never)]
fn unusually(k: &'static Kernel, block: &'static HartBlock, here: &mut HartToken) -> *mut Frame {
    let mut ended = 0u32;
    loop {
        if k.contexts.mine(here).leave {
            hotplug::leave(here);
        }
        if k.sched.current(here).is_some() {
            program::end_thread(here, 0);
            ended += 1;
            if ended.is_multiple_of(ENDED_AT_ONCE) {
                // Others may wait for an answer from here.
                interrupts::handle(here, Seen::Wfi);
            }
        } else {
            use_kernel_space(here);
            if program::reap_some() {
                // More may be left to free: only look, do not sleep.
                interrupts::handle(here, Seen::Wfi);
            } else {
                interrupts::wait_and_handle(here);
            }
        }
        if let Some(frame) = usually(&Here, k, block, here) {
            return frame;
        }
    }
}

/// Gives the hart the address space and floating-point registers of the task that it is to run; returns the task's frame.
#[inline(always)]
fn switch_to<M: Machine>(
    m: &M,
    k: &'static Kernel,
    block: &'static HartBlock,
    here: &mut HartToken,
    slot: usize,
) -> *mut Frame {
    let owner = k.sched.tasks.owner(slot);
    if block.program().is_none_or(|program| program.number != owner) {
        change_space(k, block, here, &k.programs()[owner as usize]);
    }
    block.task.store(slot as u64 + 1, Ordering::Relaxed);
    let thread = k.threads.address(slot);
    // SAFETY: `slot` is this CPU's current task, whose token the scheduler keeps here; nobody else touches its thread.
    fp::load(unsafe { &(*thread).fp });
    #[cfg(feature = "faults")]
    {
        // SAFETY: as above.
        let frame = unsafe { &mut (*thread).frame };
        faults::complete(slot, frame);
        faults::remember(slot, frame);
    }
    m.fact(Event::Dispatch {
        task: k.sched.tasks.fact(slot),
        class: k.sched.tasks.qos(slot),
        satp: paging::current(),
    });
    thread.cast()
}

/// Leaves the address space that the hart has for the program's.
#[inline(never)]
fn change_space(
    k: &'static Kernel,
    block: &'static HartBlock,
    here: &mut HartToken,
    program: &'static Program,
) {
    let me = CpuId::here(here);
    let context = k.contexts.mine(here);
    let old = block.program();
    block.has(Some(program));
    program.active.insert(me);
    // Mirror of `calls::shoot_down`.
    fence(Ordering::SeqCst);
    if !context.fetched {
        context.fetched = true;
        // SAFETY: a fence. The programs' code was written by the boot hart's stores; all of it before the first dispatch.
        unsafe { core::arch::asm!("fence.i", options(nostack)) };
    }
    if !faults::commits(Fault::SatpStale) {
        // SAFETY: the program's table lives until no CPU is in its active set, and every table maps the kernel alike.
        unsafe { paging::switch_to(program.satp) };
    }
    if let Some(old) = old {
        // After the flush in `switch_to`: this hart has no translation of the old space left.
        old.active.remove(me);
    }
}

/// Leaves whatever program's address space this hart has.
pub(crate) fn use_kernel_space(here: &mut HartToken) {
    let (k, block) = (kernel(), HartBlock::mine());
    block.task.store(0, Ordering::Relaxed);
    if let Some(old) = block.program() {
        block.has(None);
        // SAFETY: the kernel's table lives as long as the machine.
        unsafe { paging::switch_to(k.satp) };
        old.active.remove(CpuId::here(here));
    }
}

/// The first time that a hart enters the scheduler: from boot or bring-up into U-mode, for good.
pub(crate) extern "C" fn enter_scheduler() -> ! {
    let block = HartBlock::mine();
    counters::scheduling();
    let frame = {
        // SAFETY: this hart's bring-up is over and has dropped its token; interrupts are off.
        let mut here = unsafe { HartToken::claim(block.cpu.index()) };
        resume(&mut here)
    };
    // SAFETY: `resume` prepared the hart for the task of this frame; SPP is 0 since firmware's hand-over or cleared at
    // bring-up.
    unsafe {
        core::arch::asm!(
            "csrc sstatus, {spp}",
            "mv a0, {frame}",
            "j {user_return}",
            spp = in(reg) 0x100usize,
            frame = in(reg) frame,
            user_return = sym crate::trap::entry::user_return,
            options(noreturn)
        )
    }
}
