//! Sleeps and waits end at or after their deadline, the earlier deadline first.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use antler_rt::thread::{Builder, JoinHandle};
use antler_rt::{Error, Qos, sys};

use super::check::{check, fail, must, refused};
use super::{END, STACK};

/// Sleeps, in ns.
const SLEEPS: [u64; 6] = [0, 1_000, 100_000, 1_000_000, 5_000_000, 20_000_000];

/// The near deadline, and one a little later, in ns from now.
const NEAR: u64 = 2_000_000;
const LATER: u64 = 4_000_000;

pub fn run(_: usize) {
    refused_deadlines();
    SLEEPS.into_iter().for_each(sleep_for);
    in_order();
    // Either way round: the later timer must not displace the earlier one.
    near_beside_far(Qos::Interactive, Qos::Normal);
    near_beside_far(Qos::Normal, Qos::Interactive);
}

fn now() -> u64 {
    must("read the clock", sys::clock())
}

fn sleep_for(ns: u64) {
    let deadline = now() + ns;
    must("sleep", sys::sleep_until(deadline));
    let woke = now();
    check!(woke >= deadline, "a sleep until {deadline} ns ended at {woke} ns");
}

fn refused_deadlines() {
    must("sleep until the past", sys::sleep_until(0));
    let word = AtomicU32::new(7);
    refused("wait for a word to change that has", sys::wait(&word, 8, sys::NEVER), Error::Changed);
    let deadline = now() + NEAR;
    loop {
        match sys::wait(&word, 7, deadline) {
            // The contract allows a wait to return early.
            Ok(()) => check!(now() < deadline, "a wait past its deadline says that it was woken"),
            outcome => break refused("wait until a deadline", outcome, Error::TimedOut),
        }
    }
    let ended = now();
    check!(ended >= deadline, "a wait until {deadline} ns timed out at {ended} ns");
}

/// On cpu0 with the director, which starts it and lets it run when it blocks itself.
fn start(qos: Qos, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    must("start a thread", Builder::new().cpu(0).qos(qos).stack_size(STACK).spawn(body))
}

/// Two threads of one CPU with two deadlines. The earlier one is of the higher class: once it is awake the other
/// cannot run before it, so whatever the host does to time, the other must find that it was.
fn in_order() {
    let awake = Arc::new(AtomicU32::new(0));
    let first = now() + NEAR;
    let second = first + (LATER - NEAR);
    let seen = Arc::clone(&awake);
    let later = start(Qos::Normal, move || {
        let word = AtomicU32::new(0);
        // A wait and not a sleep: it takes part in the order of timers even when it is begun late.
        while sys::wait(&word, 0, second) != Err(Error::TimedOut) {}
        check!(now() >= second, "a wait until {second} ns ended early");
        check!(seen.load(Ordering::Relaxed) == 1, "the deadline {second} ns came before {first} ns");
    });
    let earlier = start(Qos::Interactive, move || {
        must("sleep", sys::sleep_until(first));
        awake.store(1, Ordering::Relaxed);
    });
    must("join the later thread", later.join());
    must("join the earlier thread", earlier.join());
}

/// A short sleep ends while a thread of the same CPU waits for a time beyond the run's end; the class decides which
/// of the two sets its timer first.
fn near_beside_far(near_class: Qos, far_class: Qos) {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&word);
    let end = END.load(Ordering::Relaxed);
    let far = start(far_class, move || {
        while theirs.load(Ordering::Relaxed) == 0 {
            match sys::wait(&theirs, 0, end) {
                Ok(()) | Err(Error::Changed) => {}
                Err(error) => fail(format_args!("a far deadline displaced a near one ({error})")),
            }
        }
    });
    let near = start(near_class, || sleep_for(NEAR));
    must("join the near thread", near.join());
    word.store(1, Ordering::Relaxed);
    must("wake the far thread", sys::wake(&word, 1));
    must("join the far thread", far.join());
}
