//! It is the doorbell that does it: a request is posted to a CPU that runs in U-mode, and its doorbell withheld; the
//! CPU makes a hundred system calls and does not notice. Then the doorbell, and it does.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use antler_rt::sys::probe;
use antler_rt::thread::Builder;
use antler_rt::{Qos, sys};

use super::STACK;
use super::check::{check, must, poll_until, spin_until};

/// System calls that the target makes unnoticing; 100 are needed.
const CALLS: u64 = 128;
const NEEDED: u64 = 100;

/// The CPU that is asked.
const TARGET: usize = 1;

// What the worker is at, and what it waits for.
const READY: u32 = 1;
const GO: u32 = 2;
const DONE: u32 = 3;
const END: u32 = 4;

pub fn run(_: usize) {
    let step = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&step);
    let worker = Builder::new().cpu(TARGET).qos(Qos::Normal).stack_size(STACK);
    let worker = must("start the worker", worker.spawn(move || work(&theirs)));
    let at = |wanted: u32| step.load(Ordering::Acquire) == wanted;
    poll_until("the worker to be ready", || at(READY));

    must("post silently", probe::post_silent(TARGET));
    let request = must("ask what was posted", probe::posted(TARGET));
    unnoticed(request);
    let before = must("count system calls", probe::syscalls(TARGET));
    step.store(GO, Ordering::Release);
    poll_until("the worker's system calls", || at(DONE));
    let made = must("count system calls", probe::syscalls(TARGET)) - before;
    check!(made >= NEEDED, "cpu{TARGET} made {made} system calls");
    unnoticed(request);

    must("ring", probe::ring_now(TARGET));
    poll_until("the ack that the doorbell brings", || acked() >= request);
    step.store(END, Ordering::Release);
    must("join the worker", worker.join());
}

fn acked() -> u64 {
    must("ask what was acknowledged", probe::acked(TARGET))
}

fn unnoticed(request: u64) {
    let acked = acked();
    check!(acked < request, "cpu{TARGET} acknowledged {acked}, though the doorbell of {request} is withheld");
}

/// Stays in U-mode but for the system calls in the middle.
fn work(step: &AtomicU32) {
    step.store(READY, Ordering::Release);
    spin_until("the request to be posted", || step.load(Ordering::Acquire) == GO);
    for _ in 0..CALLS {
        must("call the kernel", sys::null());
    }
    step.store(DONE, Ordering::Release);
    spin_until("the request to be acknowledged", || step.load(Ordering::Acquire) == END);
}
