//! Instructions, counted by the hart (unprivileged spec, "Zicntr"): whether programs may read the count, and how many the
//! boot took. Only under the boot argument `counters`: to a program the count is a clock that sees what others do.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::state::kernel;

/// `scounteren.IR`: U-mode may read `instret` (privileged spec, "Supervisor Counter-Enable Register").
const INSTRET: usize = 1 << 2;

/// The count when firmware handed over; 0 if firmware keeps it to itself.
static HANDED_OVER: AtomicU64 = AtomicU64::new(0);
/// CPUs that have entered the scheduler.
static SCHEDULING: AtomicUsize = AtomicUsize::new(0);
/// What had been executed between hand-over and the moment in which the last CPU entered the scheduler.
static BOOT: AtomicU64 = AtomicU64::new(0);

fn instret() -> u64 {
    let count: u64;
    // SAFETY: reads a counter. Firmware lets us: it did at hand-over.
    unsafe { core::arch::asm!("rdinstret {}", out(reg) count, options(nomem, nostack)) };
    count
}

/// Firmware handed over at that count.
pub(crate) fn handed_over(count: u64) {
    HANDED_OVER.store(count, Ordering::Relaxed);
}

/// This hart decides what its programs may count.
pub(crate) fn grant() {
    let granted = if kernel().counters { INSTRET } else { 0 };
    // SAFETY: decides only which counters U-mode may read.
    unsafe { core::arch::asm!("csrw scounteren, {}", in(reg) granted, options(nomem, nostack)) };
}

/// This CPU enters the scheduler for the first time since it came online.
pub(crate) fn scheduling() {
    let begin = HANDED_OVER.load(Ordering::Relaxed);
    if kernel().counters && begin != 0 {
        // Relaxed: where all harts share a count, that of the last one is read behind all increments, and is the largest.
        let came = SCHEDULING.fetch_add(1, Ordering::Relaxed) + 1;
        if came == kernel().blocks.len() {
            // A hart that counts for itself alone may have counted less so far: then there is no figure.
            BOOT.store(instret().saturating_sub(begin), Ordering::Relaxed);
        }
    }
}

/// Prints what the boot took, if it is known.
pub(crate) fn print() {
    match BOOT.load(Ordering::Relaxed) {
        0 => {}
        count => say!("antler: {count} instructions from firmware's hand-over to all CPUs scheduling"),
    }
}
