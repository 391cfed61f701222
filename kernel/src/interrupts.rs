//! This hart's two interrupts, doorbell and timer, and waiting for them.

use antler_facts::{Request, Seen};
use antler_nucleus::Machine;
use antler_sync::HartToken;

use crate::faults::{self, Fault};
use crate::machine::Here;
use crate::state::kernel;
use crate::{calls, doorbell, end, time};

const STIP: usize = 1 << 5;

/// The wait was not over before its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late;

/// Lets doorbell and timer end WFI and interrupt U-mode. The kernel itself is never interrupted: `sstatus.SIE` stays 0.
pub(crate) fn enable() {
    doorbell::enable();
    // SAFETY: enables two sources that trap handler and idle path handle.
    unsafe {
        core::arch::asm!("csrw sie, {}", in(reg) doorbell::pending_bit() | STIP, options(nomem, nostack))
    };
}

fn pending() -> usize {
    let sip: usize;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("csrr {}, sip", out(reg) sip, options(nostack)) };
    sip
}

/// Handles whatever is pending.
pub(crate) fn handle(here: &mut HartToken, at: Seen) {
    let k = kernel();
    let (pending, rung) = (pending(), doorbell::pending_bit());
    #[cfg(feature = "faults")]
    let pending = faults::defer(pending, (rung, STIP), doorbell::clear);
    if pending & rung != 0 {
        doorbell::clear();
        let kinds = k.sched.doorbell(&Here, here, at, calls::answer);
        if kinds.has(Request::Stop) && !faults::commits(Fault::StopIgnored) {
            end::stop_here();
        }
    }
    if pending & STIP != 0 {
        k.sched.timer(&Here, here);
    }
}

/// Sleeps until an interrupt is pending, with interrupts off, and handles it.
pub(crate) fn wait_and_handle(here: &mut HartToken) {
    riscv::asm::wfi();
    handle(here, Seen::Wfi);
}

/// Longest time between two looks of a wait that began with shorter ones, in ns. A wait of many seconds that looked as
/// often as it did at first would fill this CPU's ring of facts with timers.
const STEP_MAX: u64 = 10_000_000;

/// Waits in WFI, answering others, until `done`; looks every `step` ns at first, and then less and less often.
///
/// # Errors
/// [`Late`] when `bound` ns are over. Time only detects failure here.
pub(crate) fn wait_until(
    here: &mut HartToken,
    bound: u64,
    mut step: u64,
    mut done: impl FnMut(&mut HartToken) -> bool,
) -> Result<(), Late> {
    let deadline = time::now().saturating_add(bound);
    loop {
        if done(here) {
            return Ok(());
        }
        let now = Here.now();
        if now >= deadline {
            return Err(Late);
        }
        kernel().sched.wake_me_by(&Here, here, now + step);
        step = step.max((2 * step).min(STEP_MAX));
        wait_and_handle(here);
    }
}
