//! Inter-processor interrupts: one doorbell each, through M-mode. The sender raises the target's M-mode software
//! interrupt; the target, in its trap, turns it into S-mode's.

use core::sync::atomic::Ordering;

use crate::harts::{self, told};
use crate::hsm::state;
use crate::orders::What;
use crate::sbi::{self, Answer};
use crate::{board, csr, timer};

/// `send_ipi`: to the harts `base + i` for every bit `i` of `mask`; to all for `base` -1.
///
/// # Errors
/// `INVALID_PARAM`: a hart that is not there; those before it were sent theirs. Whatever the orders say.
pub(crate) fn send(mask: usize, base: usize) -> Answer {
    if base == usize::MAX {
        for id in 0..harts::MAX_HARTS {
            if harts::get(id).is_some_and(|hart| hart.arrived.load(Ordering::Relaxed)) {
                send_one(id)?;
            }
        }
        return Ok(0);
    }
    for bit in 0..usize::BITS as usize {
        if mask >> bit & 1 != 0 {
            send_one(base.checked_add(bit).ok_or(sbi::INVALID_PARAM)?)?;
        }
    }
    Ok(0)
}

fn send_one(id: usize) -> Answer {
    let hart = harts::get(id).filter(|hart| hart.arrived.load(Ordering::Relaxed));
    let hart = hart.ok_or(sbi::INVALID_PARAM)?;
    if let Some(order) = told(What::RefuseIpi, id)
        && hart.refused.fetch_add(1, Ordering::Relaxed) < order.times
    {
        return Err(order.value as isize);
    }
    if let Some(order) = told(What::LoseIpi, id) {
        let sent = hart.sent.fetch_add(1, Ordering::Relaxed) + 1;
        if sent.is_multiple_of(order.value.max(1)) {
            return Ok(0);
        }
    }
    // A stopped hart has no S-mode to interrupt.
    if hart.state.load(Ordering::Acquire) == state::STARTED {
        board::interrupt(id);
    }
    Ok(0)
}

/// This hart's M-mode software interrupt: S-mode's doorbell rings.
pub(crate) fn arrived() {
    let me = csr::hart_id();
    // Cleared first: an IPI that comes after this interrupts again.
    board::calm(me);
    csr::raise(csr::SSI);
    if let Some(order) = told(What::RepeatIpi, me) {
        timer::again(me, order.value);
    }
}
