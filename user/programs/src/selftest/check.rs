//! Checks and waits. A check that fails ends the machine at once, with its reason; a wait fails by a bound. Time and
//! numbers of turns only ever detect failure: what a test waits for is always something that happened.

use core::fmt;
use core::hint;

use antler_rt::sys::probe;
use antler_rt::{Error, sys};

/// How long one wait may take, in ns.
const PATIENCE: u64 = 20_000_000_000;

/// Shortest and longest pause between two looks, in ns.
const PAUSE: u64 = 50_000;
const PAUSE_MAX: u64 = 10_000_000;

/// Every so many looks facts are sent to the host, so that their rings do not overflow.
const DRAIN_EVERY: u32 = 8;

/// Batches sent in one go. More than all rings hold, even of 512 CPUs.
const DRAINS: usize = 16_384;

/// Turns of a wait that spins: several seconds of this CPU's own time, in which the others have had theirs.
const TURNS: u32 = 1 << 29;

/// Ends the machine: a check failed.
pub fn fail(why: fmt::Arguments<'_>) -> ! {
    let text = alloc::format!("{why}");
    // It does not return, except to a program without the right; that one just ends.
    let refused = probe::fail(&text);
    antler_rt::println!("selftest: {text} ({refused:?})");
    sys::exit(1)
}

/// Fails, with what the format says, unless the condition holds.
macro_rules! check {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            $crate::selftest::check::fail(format_args!($($why)+))
        }
    };
}
pub(super) use check;

/// The value of something that must go well.
pub fn must<T>(what: &str, outcome: Result<T, Error>) -> T {
    outcome.unwrap_or_else(|error| fail(format_args!("{what}: {error}")))
}

/// Fails unless this was refused with that very error.
pub fn refused<T: fmt::Debug>(what: &str, outcome: Result<T, Error>, meant: Error) {
    check!(outcome.as_ref().err() == Some(&meant), "{what}: {outcome:?} instead of {meant:?}");
}

/// Sends every fact there is to the host.
pub fn drain() {
    for _ in 0..DRAINS {
        if !must("drain facts", probe::drain()) {
            return;
        }
    }
    fail(format_args!("facts do not come to an end in {DRAINS} batches"))
}

/// Waits for `condition`, asleep between looks, and sends facts to the host meanwhile. For the director.
pub fn poll_until(what: &str, condition: impl FnMut() -> bool) {
    poll(what, condition, true);
}

/// As [`poll_until`], but leaves the facts alone. For threads whose CPU is to do nothing else.
pub fn look_until(what: &str, condition: impl FnMut() -> bool) {
    poll(what, condition, false);
}

fn poll(what: &str, mut condition: impl FnMut() -> bool, drains: bool) {
    let mut pause = PAUSE;
    let mut limit = None;
    for look in 1u32.. {
        if condition() {
            return;
        }
        if drains && look.is_multiple_of(DRAIN_EVERY) {
            drain();
        }
        let now = must("read the clock", sys::clock());
        let limit = *limit.get_or_insert(now + PATIENCE);
        check!(now < limit, "waited in vain: {what}");
        must("sleep", sys::sleep_until(now + pause));
        pause = (2 * pause).min(PAUSE_MAX);
    }
}

/// Waits for `condition` in U-mode, without any system call and without leaving the CPU, which thereby runs nothing of
/// this thread's class or below. The condition should cost little, since the bound counts turns.
pub fn spin_until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..TURNS {
        if condition() {
            return;
        }
        hint::spin_loop();
    }
    fail(format_args!("waited in vain: {what}"))
}

/// Waits until every CPU but this one is idle. A CPU that is sent a task counts as idle until it notices: with no
/// thread on the way that has not said that it is there, none but the caller's CPU can have anything to run
/// afterwards.
pub fn all_others_idle(cpus: usize) {
    poll_until("every other CPU to be idle and to have no doorbell under way", || {
        must("count idle CPUs", probe::idle_count()) == cpus - 1
    });
}
