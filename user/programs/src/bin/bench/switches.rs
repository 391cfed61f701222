//! Calls behind which another task runs.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use antler_rt::thread::{Builder, JoinHandle};
use antler_rt::{Error, sys};

use super::Row;
use super::meter::{COUNT, WARM, measure};

/// Tasks that share the CPU with the one that measures, when none are asked for.
const ONE: usize = 1;

/// Every task of one program yields in turn: a sample is one round.
pub fn yield_to_thread(tasks: usize) -> Row {
    let over = Arc::new(AtomicBool::new(false));
    let others = tasks.max(ONE);
    let peers: Result<Vec<JoinHandle<Result<(), Error>>>, Error> = (0..others)
        .map(|_| {
            let over = Arc::clone(&over);
            Builder::new().cpu(0).stack_size(antler_rt::abi::PAGE).spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    sys::yield_now()?;
                }
                Ok(())
            })
        })
        .collect();
    let samples = measure(sys::yield_now);
    over.store(true, Ordering::Relaxed);
    peers?.into_iter().try_for_each(|peer| peer.join()?)?;
    Ok((samples?, others + 1))
}

/// Two programs yield in turn; the other one is `bench follow`.
pub fn yield_to_space(_tasks: usize) -> Row {
    Ok((measure(sys::yield_now)?, 2))
}

/// The other program: yields for as long as the one that measures needs it, and then some.
pub fn follow() -> Result<(), Error> {
    (0..2 * (WARM + COUNT)).try_for_each(|_| sys::yield_now())
}

/// Two threads on cpu0: each wakes the other and waits.
pub fn round_trip(_tasks: usize) -> Row {
    ping(0)
}

/// The same on two harts.
pub fn round_trip_harts(_tasks: usize) -> Row {
    ping(1)
}

/// Whose turn it is: 0, the one that measures; 1, the other; 2, over.
fn ping(other: usize) -> Row {
    let turn = Arc::new(AtomicU32::new(0));
    let theirs = Arc::clone(&turn);
    let peer = Builder::new().cpu(other).spawn(move || -> Result<(), Error> {
        loop {
            wait_while(&theirs, 0)?;
            if theirs.load(Ordering::Acquire) == 2 {
                return Ok(());
            }
            theirs.store(0, Ordering::Release);
            sys::wake(&theirs, 1)?;
        }
    })?;
    let samples = measure(|| {
        turn.store(1, Ordering::Release);
        sys::wake(&turn, 1)?;
        wait_while(&turn, 1)
    });
    turn.store(2, Ordering::Release);
    sys::wake(&turn, 1)?;
    peer.join()??;
    Ok((samples?, 1))
}

/// Waits until the word is another.
#[inline(always)]
fn wait_while(word: &AtomicU32, value: u32) -> Result<(), Error> {
    while word.load(Ordering::Acquire) == value {
        match sys::wait(word, value, sys::NEVER) {
            Ok(()) | Err(Error::Changed) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
