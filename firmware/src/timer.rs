//! Timers. S-mode's is a register of its own (Sstc), so the M-mode timer is free for being late and for doorbells that
//! nobody rang.

use core::sync::atomic::Ordering;

use crate::harts::{HARTS, told};
use crate::orders::What;
use crate::{board, csr};

/// `set_timer`; takes a pending timer interrupt back.
pub(crate) fn set(ticks: usize) {
    csr::set_supervisor_timer(ticks);
}

/// Sleeps until then, in M-mode.
pub(crate) fn sleep_until(me: usize, ticks: u64) {
    csr::enable_only(csr::MTI);
    board::set_timer(me, ticks);
    while (csr::time() as u64) < ticks {
        csr::wait();
    }
    forget(me);
}

/// The doorbell rings once more after a while.
pub(crate) fn again(me: usize, micros: u64) {
    let delay = micros.saturating_mul(board::TICKS_PER_US);
    board::set_timer(me, (csr::time() as u64).saturating_add(delay));
    csr::enable(csr::MTI);
}

/// If so told, the doorbell will ring by itself.
pub(crate) fn begin_spurious(me: usize) {
    if let Some(order) = told(What::SpuriousIpi, me) {
        HARTS[me].spurious.store(order.times, Ordering::Relaxed);
        again(me, order.value);
    }
}

/// This hart's M-mode timer: the doorbell that nobody rang.
pub(crate) fn fired() {
    let me = csr::hart_id();
    forget(me);
    csr::raise(csr::SSI);
    if let Some(order) = told(What::SpuriousIpi, me) {
        let left = HARTS[me].spurious.load(Ordering::Relaxed).saturating_sub(1);
        HARTS[me].spurious.store(left, Ordering::Relaxed);
        if left > 0 {
            again(me, order.value);
        }
    }
}

/// Nothing is to come.
pub(crate) fn forget(me: usize) {
    csr::disable(csr::MTI);
    board::set_timer(me, u64::MAX);
}
