//! This hart's two interrupts, doorbell and timer, and waiting for them.

use antler_facts::{Request, Seen};
use antler_nucleus::Machine;
use antler_sync::HartToken;

use crate::faults::{self, Fault};
use crate::machine::Here;
use crate::state::kernel;
use crate::{calls, end, time};

const SSIP: usize = 1 << 1;
const STIP: usize = 1 << 5;

/// The wait was not over before its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late;

/// Lets doorbell and timer end WFI and interrupt U-mode. The kernel itself is never interrupted: `sstatus.SIE` stays 0.
pub(crate) fn enable() {
    clear_doorbell();
    // SAFETY: enables two sources that trap handler and idle path handle.
    unsafe { core::arch::asm!("csrw sie, {}", in(reg) SSIP | STIP, options(nomem, nostack)) };
}

/// Clears this hart's doorbell, before its mailbox is read: a ring that comes later stays pending.
fn clear_doorbell() {
    // SAFETY: clears a pending bit. The fence keeps the mailbox read behind it; without it the read could come first and
    // miss a post whose ring we then clear. To a fence, a write of a CSR is device output (unprivileged spec, "Zicsr").
    unsafe { core::arch::asm!("csrc sip, {}", "fence iorw, iorw", in(reg) SSIP, options(nostack)) };
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
    let pending = pending();
    #[cfg(feature = "faults")]
    let pending = faults::defer(pending, (SSIP, STIP), clear_doorbell);
    if pending & SSIP != 0 {
        clear_doorbell();
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
