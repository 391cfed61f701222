//! What a CPU does at the end of every kernel entry: find out what runs next and make the hart ready for it.

use core::sync::atomic::{Ordering, fence};

use antler_facts::{Event, Seen};
use antler_nucleus::{CpuId, Machine, Next};
use antler_sync::HartToken;

use crate::faults::{self, Fault};
use crate::hart::HartBlock;
use crate::machine::Here;
use crate::memory::paging;
use crate::state::{Kernel, kernel};
use crate::thread::Frame;
use crate::{counters, fp, hotplug, interrupts, program};

/// Threads of programs that are over that a CPU ends before it looks at its interrupts.
const ENDED_AT_ONCE: u32 = 32;

/// What a CPU knows of itself beyond the scheduler's part.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// Program whose address space this hart has; `None`: the kernel's own.
    pub space: Option<u32>,
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
    let k = kernel();
    let mut ended = 0u32;
    loop {
        if k.contexts.mine(here).leave {
            hotplug::leave(here);
        }
        match k.sched.next(&Here, here) {
            Next::Same => {}
            Next::Run(slot) => switch_to(k, here, slot),
            Next::Idle => {
                use_kernel_space(here);
                if program::reap_some() {
                    // More may be left to free: only look, do not sleep.
                    interrupts::handle(here, Seen::Wfi);
                } else {
                    interrupts::wait_and_handle(here);
                }
                continue;
            }
        }
        let Some(slot) = k.sched.current(here) else { continue };
        if program::of_slot(slot).is_doomed() {
            program::end_thread(here, 0);
            ended += 1;
            if ended.is_multiple_of(ENDED_AT_ONCE) {
                // Others may wait for an answer from here.
                interrupts::handle(here, Seen::Wfi);
            }
            continue;
        }
        return k.threads.address(slot).cast();
    }
}

/// Gives the hart the address space and floating-point registers of the task that it is to run.
fn switch_to(k: &Kernel, here: &mut HartToken, slot: usize) {
    let owner = k.tasks_owner(slot);
    let program = &k.programs()[owner as usize];
    let me = CpuId::here(here);
    let context = k.contexts.mine(here);
    let old = context.space.replace(owner);
    if old != Some(owner) {
        let block = HartBlock::mine();
        block.seen.forget();
        block.program.store(owner, Ordering::Relaxed);
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
            k.programs()[old as usize].active.remove(me);
        }
    }
    HartBlock::mine().task.store(slot as u64 + 1, Ordering::Relaxed);
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
    Here.fact(Event::Dispatch {
        task: k.sched.tasks.fact(slot),
        class: k.sched.tasks.qos(slot),
        satp: paging::current(),
    });
}

/// Leaves whatever program's address space this hart has.
pub(crate) fn use_kernel_space(here: &mut HartToken) {
    let k = kernel();
    let me = CpuId::here(here);
    HartBlock::mine().task.store(0, Ordering::Relaxed);
    if let Some(old) = k.contexts.mine(here).space.take() {
        HartBlock::mine().seen.forget();
        // SAFETY: the kernel's table lives as long as the machine.
        unsafe { paging::switch_to(k.satp) };
        k.programs()[old as usize].active.remove(me);
    }
}

impl Kernel {
    /// Program number of the task in a slot.
    fn tasks_owner(&self, slot: usize) -> u32 {
        self.sched.tasks.owner(slot)
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
