//! Orders from one thread to another: a word that counts them, on which the other sleeps. Numbers rise, so that an
//! order is never missed and never taken twice.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

use antler_rt::sys::{self, NEVER};
use antler_rt::{Error, Qos};

use super::check::{check, fail, must};

/// The order that ends a thread.
pub const OVER: u32 = u32::MAX;

/// A word to wait on.
#[derive(Default)]
pub struct Orders(AtomicU32);

impl Orders {
    /// Waits asleep for an order other than `last`. The watcher of the run bounds this wait.
    pub fn next(&self, last: u32) -> u32 {
        loop {
            let now = self.0.load(Ordering::Acquire);
            if now != last {
                return now;
            }
            match sys::wait(&self.0, last, NEVER) {
                Ok(()) | Err(Error::Changed) => {}
                Err(error) => fail(format_args!("wait for an order: {error}")),
            }
        }
    }

    /// Gives an order: how many threads slept on the word and were woken.
    pub fn give(&self, order: u32) -> usize {
        self.0.store(order, Ordering::Release);
        must("wake a thread", sys::wake(&self.0, 1))
    }

    /// Gives an order to a thread that is known to sleep on the word. Allocates nothing: the heap's lock could wake somebody
    /// in the middle of a test.
    pub fn give_sleeper(&self, who: fmt::Arguments<'_>, order: u32) {
        let woken = self.give(order);
        check!(woken == 1, "order {order} to {who} woke {woken} threads instead of 1");
    }
}

/// Sets the caller's class.
pub fn become_class(qos: Qos) {
    must("set the class", sys::set_qos(qos));
}
