//! Nanoseconds since the machine started, from the `time` counter.

use core::sync::atomic::{AtomicU64, Ordering};

const NS: u64 = 1_000_000_000;

/// Ticks per second, from the device tree. Set once, before any other hart runs.
static TIMEBASE: AtomicU64 = AtomicU64::new(10_000_000);

/// Takes over the device tree's `timebase-frequency`.
pub(crate) fn init(timebase: u64) {
    TIMEBASE.store(timebase, Ordering::Relaxed);
}

/// Now, in ns.
pub(crate) fn now() -> u64 {
    let (ticks, timebase) = (riscv::register::time::read64(), TIMEBASE.load(Ordering::Relaxed));
    if NS.is_multiple_of(timebase) {
        ticks.wrapping_mul(NS / timebase)
    } else {
        (u128::from(ticks) * u128::from(NS) / u128::from(timebase)) as u64
    }
}

/// The first tick at or after `ns`.
pub(crate) fn to_ticks(ns: u64) -> u64 {
    let timebase = u128::from(TIMEBASE.load(Ordering::Relaxed));
    u64::try_from((u128::from(ns) * timebase).div_ceil(u128::from(NS))).unwrap_or(u64::MAX)
}
