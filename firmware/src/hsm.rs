//! Hart State Management: starting, stopping, and saying who is what (SBI specification, chapter of that name).
//!
//! ```text
//! STOPPED --hart_start--> START_PENDING --the hart itself--> STARTED --hart_stop--> STOP_PENDING --> STOPPED
//! ```
//!
//! A hart that is stopped sleeps in [`wait_for_start`]; the M-mode software interrupt wakes it, and `go` tells why.

use core::sync::atomic::Ordering;

use crate::harts::{self, HARTS, told};
use crate::orders::What;
use crate::sbi::{self, Answer};
use crate::{board, csr, entry, timer};

/// The states' numbers.
pub(crate) mod state {
    pub(crate) const STARTED: u64 = 0;
    pub(crate) const STOPPED: u64 = 1;
    pub(crate) const START_PENDING: u64 = 2;
    pub(crate) const STOP_PENDING: u64 = 3;
}

/// `hart_start`.
///
/// # Errors
/// `INVALID_PARAM`: no such id. `INVALID_ADDRESS`: not S-mode's memory, or odd. `ALREADY_AVAILABLE`: started, or about to
/// be. `FAILED`: still stopping. Whatever the orders say.
pub(crate) fn start(id: usize, address: usize, opaque: usize) -> Answer {
    let hart = harts::get(id).ok_or(sbi::INVALID_PARAM)?;
    if let Some(order) = told(What::RefuseStart, id) {
        return Err(order.value as isize);
    }
    if address < board::NEXT || !address.is_multiple_of(2) {
        return Err(sbi::INVALID_ADDRESS);
    }
    let before = hart.state.compare_exchange(
        state::STOPPED,
        state::START_PENDING,
        Ordering::AcqRel,
        Ordering::Acquire,
    );
    match before {
        Ok(_) => {}
        Err(state::STARTED | state::START_PENDING) => return Err(sbi::ALREADY_AVAILABLE),
        Err(_) => return Err(sbi::FAILED),
    }
    hart.opaque.store(opaque, Ordering::Relaxed);
    if told(What::ForgetStart, id).is_some() {
        return Ok(0);
    }
    let other = |what| told(what, id).map(|order| order.value as usize);
    let (body, a0) = match (other(What::StartOther), other(What::StartAs), other(What::TellId)) {
        (Some(other), _, _) => (other, other),
        (_, Some(other), _) => (other, id),
        (_, _, Some(name)) => (id, name),
        _ => (id, id),
    };
    let runs = harts::get(body).ok_or(sbi::FAILED)?;
    if runs.go.load(Ordering::Acquire) {
        // It is on its way already, in another's place: this start is lost.
        return Ok(0);
    }
    let a1 = match other(What::TellOpaque).and_then(harts::get) {
        Some(other) => other.opaque.load(Ordering::Relaxed),
        None => opaque,
    };
    let delay = told(What::LateStart, id).map_or(0, |order| order.value.saturating_mul(board::TICKS_PER_US));
    runs.entry.store(address, Ordering::Relaxed);
    runs.a0.store(a0, Ordering::Relaxed);
    runs.a1.store(a1, Ordering::Relaxed);
    runs.not_before.store((csr::time() as u64).saturating_add(delay), Ordering::Relaxed);
    runs.runs_as.store(id, Ordering::Relaxed);
    // Release: whoever takes `go` finds the rest.
    runs.go.store(true, Ordering::Release);
    board::interrupt(body);
    Ok(0)
}

/// `hart_stop`, which does not return unless it was told to refuse.
pub(crate) fn stop() -> Answer {
    let me = csr::hart_id();
    let id = HARTS[me].runs_as.load(Ordering::Relaxed);
    if let Some(order) = told(What::RefuseStop, id) {
        return Err(order.value as isize);
    }
    HARTS[id].state.store(state::STOP_PENDING, Ordering::Release);
    timer::forget(me);
    csr::enable_only(0);
    HARTS[id].state.store(state::STOPPED, Ordering::Release);
    wait_for_start(me)
}

/// `hart_get_status`.
pub(crate) fn status(id: usize) -> Answer {
    let hart = harts::get(id).ok_or(sbi::INVALID_PARAM)?;
    match told(What::ClaimState, id) {
        Some(order) => Ok(order.value as usize),
        None => Ok(hart.state.load(Ordering::Acquire) as usize),
    }
}

/// Sleeps until this hart is started.
pub(crate) fn wait_for_start(me: usize) -> ! {
    let hart = &HARTS[me];
    csr::enable_only(csr::MSI);
    loop {
        // Cleared first, looked at after: a start that comes in between interrupts again.
        board::calm(me);
        if hart.go.swap(false, Ordering::Acquire) {
            break;
        }
        csr::wait();
    }
    timer::sleep_until(me, hart.not_before.load(Ordering::Relaxed));
    let id = hart.runs_as.load(Ordering::Relaxed);
    HARTS[id].state.store(state::STARTED, Ordering::Release);
    enter(
        me,
        hart.entry.load(Ordering::Relaxed),
        hart.a0.load(Ordering::Relaxed),
        hart.a1.load(Ordering::Relaxed),
    )
}

/// The boot hart goes on to the next stage.
pub(crate) fn boot(me: usize, next: usize, tree: usize) -> ! {
    HARTS[me].runs_as.store(me, Ordering::Relaxed);
    HARTS[me].state.store(state::STARTED, Ordering::Release);
    enter(me, next, me, tree)
}

/// Into S-mode, in the state that the specification asks for: paging off, interrupts off, nothing pending.
fn enter(me: usize, pc: usize, a0: usize, a1: usize) -> ! {
    csr::set_translation(0);
    csr::lower(csr::SSI);
    csr::set_supervisor_timer(usize::MAX);
    csr::set_pc(pc);
    // SIE off, MPP = S.
    csr::status_off(csr::MPP | 1 << 1);
    csr::status_on(csr::MPP_S);
    csr::enable_only(csr::MSI);
    timer::begin_spurious(me);
    // SAFETY: `mepc` and `mstatus` are set; nothing of this stack is used again.
    unsafe { entry::leave(a0, a1, harts::stack_top(me)) }
}
