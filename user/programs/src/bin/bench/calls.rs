//! Calls that return to their caller.

use core::sync::atomic::AtomicU32;

use antler_rt::{Error, sys};

use super::Row;
use super::meter::measure;

/// The shortest way in and out.
pub fn null(_tasks: usize) -> Row {
    Ok((measure(sys::null)?, 1))
}

/// The shortest call that answers something.
pub fn clock(_tasks: usize) -> Row {
    Ok((measure(|| sys::clock().map(drop))?, 1))
}

/// A wake that finds nobody and a wait that finds its word changed: a semaphore given and taken without a switch.
pub fn signal_and_wait(_tasks: usize) -> Row {
    let word = AtomicU32::new(0);
    let samples = measure(|| {
        sys::wake(&word, 1)?;
        match sys::wait(&word, 1, sys::NEVER) {
            Err(Error::Changed) => Ok(()),
            outcome => outcome,
        }
    })?;
    Ok((samples, 1))
}
