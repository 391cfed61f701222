//! The tests of Thread-Metric, a suite that real-time kernels are compared by (Express Logic, 2006), written anew from its
//! description. Where the suite counts operations in thirty seconds, a sample here is one round in instructions. Its test of an
//! interrupt that preempts is the row `preempt`.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering};

use antler_rt::sync::{Mutex, Semaphore};
use antler_rt::thread::{Builder, JoinHandle};
use antler_rt::{Error, Qos, sys};

use super::Row;
use super::meter::measure;
use super::switches::yield_to_thread;

/// Threads of the cooperative test.
const COOPERATIVE: usize = 5;

/// Five threads of one class yield in turn: a sample is one round of all.
pub fn cooperative(_tasks: usize) -> Row {
    yield_to_thread(COOPERATIVE - 1)
}

/// Each thread wakes the one above it, which preempts it, and goes on when that one waits again. As many threads as there are
/// classes: a sample is the way up and back.
pub fn preemptive(_tasks: usize) -> Row {
    const ABOVE: [Qos; 3] = [Qos::Normal, Qos::Interactive, Qos::PerfBurst];
    let chain: Arc<[AtomicU32; ABOVE.len() + 1]> = Arc::new([const { AtomicU32::new(0) }; ABOVE.len() + 1]);
    sys::set_qos(Qos::PerfBurst)?;
    let threads = ABOVE.into_iter().enumerate().map(|(at, qos)| {
        let chain = Arc::clone(&chain);
        Builder::new().cpu(0).qos(qos).spawn(move || climb(&*chain, at))
    });
    let threads: Vec<JoinHandle<Result<(), Error>>> = threads.collect::<Result<_, _>>()?;
    sys::set_qos(Qos::Idle)?;
    let samples = measure(|| next(&chain[0]));
    for word in chain.iter() {
        word.store(OVER, Ordering::Release);
        sys::wake(word, 1)?;
    }
    threads.into_iter().try_for_each(|thread| thread.join()?)?;
    Ok((samples?, ABOVE.len()))
}

/// Says to its waiter that there is nothing more to do.
const OVER: u32 = u32::MAX;

/// Whenever the word of this thread's own moves on, moves that of the thread above on.
fn climb(chain: &[AtomicU32], at: usize) -> Result<(), Error> {
    let mut seen = 0;
    loop {
        match sys::wait(&chain[at], seen, sys::NEVER) {
            Ok(()) | Err(Error::Changed) => {}
            Err(error) => return Err(error),
        }
        let now = chain[at].load(Ordering::Acquire);
        if now == OVER {
            return Ok(());
        }
        if now != seen {
            seen = now;
            next(&chain[at + 1])?;
        }
    }
}

/// Moves the word on and wakes who waits for that. The word above the topmost thread has no waiter.
fn next(word: &AtomicU32) -> Result<(), Error> {
    word.fetch_add(1, Ordering::Release);
    sys::wake(word, 1).map(drop)
}

/// The thread interrupts its own CPU, and gives and takes a semaphore.
pub fn interrupt(_tasks: usize) -> Row {
    let semaphore = Semaphore::new(0);
    let samples = measure(|| {
        sys::resched(0)?;
        semaphore.give();
        semaphore.take();
        Ok(())
    })?;
    Ok((samples, 1))
}

/// A message of 16 bytes goes into a queue, and is taken out.
pub fn message(_tasks: usize) -> Row {
    let (queue, waiting) = (Mutex::new(VecDeque::with_capacity(16)), Semaphore::new(0));
    let mut sent = 0u64;
    let samples = measure(|| {
        sent += 1;
        queue.lock().push_back([sent, !sent]);
        waiting.give();
        waiting.take();
        let received = queue.lock().pop_front();
        if received == Some([sent, !sent]) { Ok(()) } else { Err(Error::Changed) }
    })?;
    Ok((samples, 1))
}

/// A semaphore is given and taken.
pub fn synchronisation(_tasks: usize) -> Row {
    let semaphore = Semaphore::new(0);
    let samples = measure(|| {
        semaphore.give();
        semaphore.take();
        Ok(())
    })?;
    Ok((samples, 1))
}

/// A block of 128 bytes is allocated and freed.
pub fn memory(_tasks: usize) -> Row {
    let samples = measure(|| {
        let block = Box::<[u64; 16]>::new_uninit();
        drop(black_box(block));
        Ok(())
    })?;
    Ok((samples, 1))
}
