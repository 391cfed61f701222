//! Time since boot.

use core::time::Duration;

use antler_abi::Error;

use crate::sys;

/// Nanoseconds since boot.
///
/// # Panics
/// When the kernel has no clock, which its contract excludes.
pub fn now_ns() -> u64 {
    sys::clock().expect("the kernel's clock")
}

/// The instant `after` from now, in nanoseconds since boot; the farthest one if that is too far.
pub fn deadline(after: Duration) -> u64 {
    now_ns().saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX))
}

/// Sleeps until `deadline` (ns since boot), or a little longer.
pub fn sleep_until(deadline: u64) -> Result<(), Error> {
    sys::sleep_until(deadline)
}

/// Sleeps for `time`, or a little longer.
pub fn sleep(time: Duration) -> Result<(), Error> {
    sys::sleep_until(deadline(time))
}
