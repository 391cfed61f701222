//! Threads: made and ended, in the way, and many beside.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use antler_rt::thread::{Builder, JoinHandle};
use antler_rt::{Error, Qos, sys, time};

use super::Row;
use super::meter::{COUNT, Samples, WARM, instret, measure};

/// Does the work while so many further tasks wait for something that does not come.
pub fn beside<T>(tasks: usize, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let over = Arc::new(AtomicU32::new(0));
    let waiting: Result<Vec<JoinHandle<()>>, Error> = (0..tasks)
        .map(|_| {
            let over = Arc::clone(&over);
            Builder::new().stack_size(antler_rt::abi::PAGE).spawn(move || {
                // Woken once, at the end.
                let _ = sys::wait(&over, 0, sys::NEVER);
            })
        })
        .collect();
    let outcome = work();
    over.store(1, Ordering::Release);
    sys::wake(&over, usize::MAX)?;
    waiting?.into_iter().try_for_each(JoinHandle::join)?;
    outcome
}

/// A thread made, run to its end, and joined, on a stack that is there.
pub fn make_and_end(_tasks: usize) -> Row {
    static STACK: Aligned = Aligned([const { AtomicU64::new(0) }; 64]);
    extern "C" fn body(_: usize) -> ! {
        // SAFETY: it borrows nothing and has nothing to drop.
        unsafe { sys::thread_exit(0) }
    }
    let stack_top = STACK.0.as_ptr() as usize + size_of::<Aligned>();
    let entry = body as extern "C" fn(usize) -> ! as usize;
    let samples = measure(|| {
        let how = sys::Spawn { entry, arg: 0, stack_top, qos: Qos::Normal, cpu: Some(0), local: false };
        // SAFETY: the stack is this thread's alone until it is joined, which is before the next is made.
        let handle = unsafe { sys::spawn(how) }?;
        sys::join(handle).map(drop)
    })?;
    Ok((samples, 1))
}

#[repr(align(16))]
struct Aligned([AtomicU64; 64]);

/// From the last instruction of a task that computes to the first of a higher one that its deadline wakes.
pub fn preempt(_tasks: usize) -> Row {
    /// How long the higher one sleeps, in ns.
    const SLEEP: u64 = 20_000;
    let (last, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (theirs, until) = (Arc::clone(&last), Arc::clone(&over));
    let busy = Builder::new().cpu(0).qos(Qos::Idle).spawn(move || {
        while !until.load(Ordering::Relaxed) {
            theirs.store(instret(), Ordering::Relaxed);
        }
    })?;
    let mut samples = Samples::new();
    for turn in 0..WARM + COUNT {
        time::sleep_until(time::now_ns() + SLEEP)?;
        let taken = instret() - last.load(Ordering::Relaxed);
        if turn >= WARM {
            samples.push(taken);
        }
    }
    over.store(true, Ordering::Relaxed);
    busy.join()?;
    Ok((samples, 1))
}
