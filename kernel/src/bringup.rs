//! Bringing harts online: the boot CPU asks firmware, each hart reports for itself, and the boot CPU checks the report.

use core::sync::atomic::{Ordering, fence};

use antler_facts::{Event, Hart};
use antler_nucleus::{CpuId, CpuSet, HartId, Machine};
use antler_sync::HartToken;

use crate::faults::{self, Fault};
use crate::hart::HartBlock;
use crate::interrupts::{self, wait_until};
use crate::machine::Here;
use crate::memory::layout::to_physical;
use crate::sbi::{self, hart_state};
use crate::state::{WORDS, kernel};
use crate::{counters, cpu, end, entry};

/// How long a hart may take from `hart_start` to its report, in ns. Generous: a host may be busy, and time here only
/// detects failure.
const PATIENCE: u64 = 20_000_000_000;

/// Bits of `sstatus` (privileged spec, "Supervisor Status Register"): SPP, VS, FS, SUM, MXR.
const SSTATUS_OFF: usize = 1 << 8 | 3 << 9 | 3 << 13 | 1 << 18 | 1 << 19;

/// How often the boot CPU looks for reports, in ns.
const STEP: u64 = 500_000;

/// Why a hart is not online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BringUpError {
    /// `hart_start` was refused with this SBI error while the hart was in this state.
    Refused { hart: HartId, error: i64, state: Result<u64, i64> },
    /// Firmware took the request, but the hart did not report in time.
    Silent { hart: HartId, state: Result<u64, i64> },
    /// Another hart came with this one's block.
    Stray { hart: HartId, came: HartId },
    /// The hart reported something that is not its own.
    Wrong { hart: HartId, what: &'static str },
}

impl core::fmt::Display for BringUpError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let in_words = |state: Result<u64, i64>| match state {
            Ok(state) => hart_state::name(state),
            Err(error) => sbi::error_name(error),
        };
        match *self {
            BringUpError::Refused { hart, error, state } => {
                let (name, state) = (sbi::error_name(error), in_words(state));
                write!(f, "{hart}: hart_start refused with error {error} ({name}); HSM state {state}")
            }
            BringUpError::Silent { hart, state } => {
                let (seconds, state) = (PATIENCE / 1_000_000_000, in_words(state));
                write!(f, "{hart}: did not come online within {seconds} s of hart_start; HSM state {state}")
            }
            BringUpError::Stray { hart, came } => {
                write!(f, "{hart}: firmware started {came} in its place")
            }
            BringUpError::Wrong { hart, what } => write!(f, "{hart}: came online with {what}"),
        }
    }
}

/// Asks firmware to start a CPU's hart at [`entry::secondary_start`]. Firmware's 0 proves nothing yet.
///
/// # Errors
/// `Refused`: any error at all, "already available" included, means that our map of the harts is wrong.
pub(crate) fn start(target: CpuId) -> Result<(), BringUpError> {
    let block = kernel().blocks[target.index()];
    let hart = block.hart;
    Here.fact(Event::StartHart { cpu: target.fact(), hart: Hart(hart.0) });
    if faults::commits(Fault::OnlineByStarter) {
        say_for(block);
        return Ok(());
    }
    let (start, opaque) = (
        to_physical(entry::secondary_start as *const () as usize),
        to_physical(core::ptr::from_ref(block) as usize),
    );
    sbi::hart_start(hart, start, opaque).map_err(|error| BringUpError::Refused {
        hart,
        error,
        state: sbi::hart_status(hart),
    })
}

/// [`Fault::OnlineByStarter`]: reports for a hart that was never started, in its place.
#[cold]
fn say_for(block: &'static HartBlock) {
    let own = core::ptr::from_ref(block) as u64;
    block.report.hart.store(block.hart.0, Ordering::Relaxed);
    block.report.sp.store(block.stack_top, Ordering::Relaxed);
    block.report.tp.store(own, Ordering::Relaxed);
    block.report.sscratch.store(own, Ordering::Relaxed);
    block.report.times.store(1, Ordering::Release);
    Here.fact(Event::Online { hart: Hart(block.hart.0), stack: block.stack_top, block: own });
    // SAFETY: the hart whose token this would be does not run.
    let mut theirs = unsafe { HartToken::claim(block.cpu.index()) };
    kernel().sched.come_online(&Here, &mut theirs);
}

/// Waits until every CPU of `wanted` has set its online bit, and checks what each reported.
///
/// # Errors
/// `Stray`, `Silent` or `Wrong`, naming the first hart.
pub(crate) fn await_online(here: &mut HartToken, wanted: &CpuSet<WORDS>) -> Result<(), BringUpError> {
    let k = kernel();
    let missing = || wanted.iter().find(|&cpu| k.sched.target(cpu.index()).is_err());
    let stray = || {
        wanted.iter().find_map(|cpu| {
            let block = k.blocks[cpu.index()];
            let came = block.stray.load(Ordering::Acquire).checked_sub(1)?;
            Some(BringUpError::Stray { hart: block.hart, came: HartId(came) })
        })
    };
    let waited = wait_until(here, PATIENCE, STEP, |_| missing().is_none() || stray().is_some());
    if let Some(error) = stray() {
        return Err(error);
    }
    if waited.is_err()
        && let Some(cpu) = missing()
    {
        let hart = k.blocks[cpu.index()].hart;
        return Err(BringUpError::Silent { hart, state: sbi::hart_status(hart) });
    }
    wanted.iter().try_for_each(verify)
}

/// Checks that a CPU which says it is online did so as itself.
fn verify(cpu: CpuId) -> Result<(), BringUpError> {
    let block = kernel().blocks[cpu.index()];
    let (hart, report) = (block.hart, &block.report);
    let own = core::ptr::from_ref(block) as u64;
    let sp = report.sp.load(Ordering::Acquire);
    let wrong = |what| Err(BringUpError::Wrong { hart, what });
    if report.hart.load(Ordering::Acquire) != hart.0 {
        return wrong("another hart's id");
    }
    if !(block.stack_bottom < sp && sp <= block.stack_top) {
        return wrong("a stack that is not its own");
    }
    if report.tp.load(Ordering::Acquire) != own || report.sscratch.load(Ordering::Acquire) != own {
        return wrong("a block that is not its own");
    }
    Here.fact(Event::Verified { cpu: cpu.fact(), hart: Hart(hart.0) });
    Ok(())
}

/// A secondary hart's first Rust code, on its own stack, with its own `tp`, `sscratch`, trap vector and page table.
pub(crate) extern "C" fn secondary_main(hart: u64, block: &'static HartBlock) -> ! {
    report(hart, block);
    if faults::commits(Fault::SecondaryIdle) {
        end::sleep_for_ever();
    }
    cpu::enter_scheduler()
}

/// Says what this hart is, by its own registers, and joins the scheduler.
pub(crate) fn report(hart: u64, block: &'static HartBlock) {
    let (sp, tp, sscratch): (u64, u64, u64);
    // SAFETY: reads registers.
    unsafe {
        core::arch::asm!("mv {}, sp", "mv {}, tp", "csrr {}, sscratch", out(reg) sp, out(reg) tp, out(reg) sscratch,
            options(nomem, nostack));
    }
    block.report.hart.store(hart, Ordering::Relaxed);
    block.report.sp.store(sp, Ordering::Relaxed);
    block.report.tp.store(tp, Ordering::Relaxed);
    block.report.sscratch.store(sscratch, Ordering::Relaxed);
    block.report.times.store(block.times_online() + 1, Ordering::Release);
    // SAFETY: turns off what no task has asked for: floating point and vectors, which would carry one task's registers to
    // the next, access to user memory (SUM), reading what is only executable (MXR), and a return to S-mode (SPP).
    unsafe {
        core::arch::asm!("csrc sstatus, {}", in(reg) SSTATUS_OFF, options(nomem, nostack));
    }
    counters::grant();
    end::sleep_if_ending();
    // SAFETY: this hart has made no token since it started (again), and drops this one before it makes the next.
    let mut here = unsafe { HartToken::claim(block.cpu.index()) };
    // Stated before the online bit is set: the boot CPU may act on that at once.
    Here.fact(Event::Online { hart: Hart(hart), stack: block.stack_top, block: tp });
    interrupts::enable();
    kernel().sched.come_online(&Here, &mut here);
    // Whoever ends the machine says so, fences, and looks who is online; we are online, fence, and look whether it ends.
    fence(Ordering::SeqCst);
    end::sleep_if_ending();
}
