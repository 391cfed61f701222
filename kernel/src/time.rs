//! Nanoseconds since the machine started, from the `time` counter.

use core::sync::atomic::{AtomicU64, Ordering};

const NS: u64 = 1_000_000_000;

/// Ticks per second, from the device tree. Set once, before any other hart runs.
static TIMEBASE: AtomicU64 = AtomicU64::new(10_000_000);
/// Nanoseconds of a tick; 0 if they are no whole number. So that usual boards need no division of 128 bits.
static TICK: AtomicU64 = AtomicU64::new(100);

/// Takes over the device tree's `timebase-frequency`.
pub(crate) fn init(timebase: u64) {
    TIMEBASE.store(timebase, Ordering::Relaxed);
    TICK.store(if NS.is_multiple_of(timebase) { NS / timebase } else { 0 }, Ordering::Relaxed);
}

/// Now, in ns.
#[inline(always)]
pub(crate) fn now() -> u64 {
    let ticks = riscv::register::time::read64();
    match TICK.load(Ordering::Relaxed) {
        0 => odd::to_ns(ticks, TIMEBASE.load(Ordering::Relaxed)),
        tick => ticks.wrapping_mul(tick),
    }
}

/// The first tick at or after `ns`.
pub(crate) fn to_ticks(ns: u64) -> u64 {
    match TICK.load(Ordering::Relaxed) {
        0 => odd::to_ticks(ns, TIMEBASE.load(Ordering::Relaxed)),
        tick => ns.div_ceil(tick),
    }
}

/// Timebases of which a tick is no whole number of nanoseconds.
mod odd {
    use super::NS;

    #[cold]
    pub(super) fn to_ns(ticks: u64, timebase: u64) -> u64 {
        (u128::from(ticks) * u128::from(NS) / u128::from(timebase)) as u64
    }

    #[cold]
    pub(super) fn to_ticks(ns: u64, timebase: u64) -> u64 {
        let ticks = (u128::from(ns) * u128::from(timebase)).div_ceil(u128::from(NS));
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}
