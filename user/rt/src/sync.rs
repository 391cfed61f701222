//! Locks and meeting points between threads of a program, on `Wait` and `Wake`. Nobody spins for long: who has to
//! wait sleeps in the kernel.

use core::hint;
use core::sync::atomic::{AtomicU32, Ordering, fence};

use antler_abi::Error;

use crate::sys::{self, NEVER};

/// How often a lock is looked at again before its waiter goes to sleep: about the length of a short critical section.
const SPINS: u32 = 32;

/// A mutual exclusion lock around a `T`; `lock()` gives a guard.
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
/// What [`Mutex::lock`](lock_api::Mutex::lock) gives.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// Sleeps while `word` holds `expected`. A wake, a change and a time-out of `NEVER` are the same to a caller that
/// looks again.
///
/// # Panics
/// When the kernel refuses to wait at all: going on would be a spin without end.
fn sleep_while(word: &AtomicU32, expected: u32) {
    match sys::wait(word, expected, NEVER) {
        Ok(()) | Err(Error::Changed | Error::TimedOut) => {}
        Err(error) => panic!("cannot wait: {error}"),
    }
}

/// Wakes up to `count` sleepers.
fn wake(word: &AtomicU32, count: usize) {
    if let Err(error) = sys::wake(word, count) {
        panic!("cannot wake: {error}");
    }
}

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and somebody may sleep on it.
const AWAITED: u32 = 2;

/// The lock of [`Mutex`]: one word, `FREE`, `HELD` or `AWAITED` (U. Drepper, "Futexes Are Tricky", mutex 2).
pub struct RawMutex {
    state: AtomicU32,
}

impl RawMutex {
    fn acquire(&self) -> bool {
        self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn lock_contended(&self) {
        for _ in 0..SPINS {
            hint::spin_loop();
            if self.state.load(Ordering::Relaxed) == FREE && self.acquire() {
                return;
            }
        }
        // From here on the lock is taken as AWAITED: others may sleep too, and this thread no longer knows.
        while self.state.swap(AWAITED, Ordering::Acquire) != FREE {
            sleep_while(&self.state, AWAITED);
        }
    }
}

// SAFETY: only the change from FREE, by compare-exchange or swap with Acquire, lets a thread in, and only `unlock`
// (Release) brings FREE back.
unsafe impl lock_api::RawMutex for RawMutex {
    #[allow(clippy::declare_interior_mutable_const, reason = "the trait's way to initialise a static")]
    const INIT: RawMutex = RawMutex { state: AtomicU32::new(FREE) };
    type GuardMarker = lock_api::GuardSend;

    fn lock(&self) {
        if !self.acquire() {
            self.lock_contended();
        }
    }

    fn try_lock(&self) -> bool {
        self.acquire()
    }

    unsafe fn unlock(&self) {
        if self.state.swap(FREE, Ordering::Release) == AWAITED {
            wake(&self.state, 1);
        }
    }
}

/// Something that happens once; whoever waits afterwards does not wait.
#[derive(Default)]
pub struct Event {
    happened: AtomicU32,
}

impl Event {
    /// Has not happened.
    pub const fn new() -> Event {
        Event { happened: AtomicU32::new(0) }
    }

    /// It happens: everything written before is visible to those who wait. Again is the same as once.
    pub fn set(&self) {
        self.happened.store(1, Ordering::Release);
        wake(&self.happened, usize::MAX);
    }

    /// Whether it has happened.
    pub fn is_set(&self) -> bool {
        self.happened.load(Ordering::Acquire) == 1
    }

    /// Waits for it, without limit.
    pub fn wait(&self) {
        while !self.is_set() {
            sleep_while(&self.happened, 0);
        }
    }

    /// Waits for it until `deadline` (ns since boot). Errors: `TimedOut`.
    pub fn wait_until(&self, deadline: u64) -> Result<(), Error> {
        while !self.is_set() {
            match sys::wait(&self.happened, 0, deadline) {
                Ok(()) | Err(Error::Changed) => {}
                // The event may have come with the deadline.
                Err(Error::TimedOut) if self.is_set() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A number of things to be had, given one at a time and taken one at a time.
#[derive(Default)]
pub struct Semaphore {
    free: AtomicU32,
    /// Who sleeps for one, or is about to.
    sleepers: AtomicU32,
}

impl Semaphore {
    /// With `free` of them.
    pub const fn new(free: u32) -> Semaphore {
        Semaphore { free: AtomicU32::new(free), sleepers: AtomicU32::new(0) }
    }

    /// Gives one: everything written before is visible to who takes it.
    pub fn give(&self) {
        self.free.fetch_add(1, Ordering::Release);
        // Mirror of `take` (count oneself, fence, look for one): one of the two sees the other.
        fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::Relaxed) > 0 {
            wake(&self.free, 1);
        }
    }

    /// Takes one if there is one.
    pub fn try_take(&self) -> bool {
        let one_less = |free: u32| free.checked_sub(1);
        self.free.fetch_update(Ordering::Acquire, Ordering::Relaxed, one_less).is_ok()
    }

    /// Takes one, and waits for it without limit.
    pub fn take(&self) {
        while !self.try_take() {
            self.sleepers.fetch_add(1, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            sleep_while(&self.free, 0);
            self.sleepers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Where `parties` threads meet, as often as they like.
pub struct Barrier {
    parties: u32,
    /// Who is still missing, counted down by arrivals.
    missing: AtomicU32,
    /// How often the barrier opened; waiters sleep on it.
    round: AtomicU32,
}

impl Barrier {
    /// A meeting of `parties` threads.
    ///
    /// # Panics
    /// When `parties` is 0.
    pub const fn new(parties: u32) -> Barrier {
        assert!(parties > 0, "a barrier needs somebody to meet");
        Barrier { parties, missing: AtomicU32::new(parties), round: AtomicU32::new(0) }
    }

    /// Waits for the others until `deadline` (ns since boot; [`NEVER`] for none); `true` for the one who came last.
    /// After an error the barrier is not to be used again: it counts this thread as arrived. Errors: `TimedOut`.
    pub fn wait_until(&self, deadline: u64) -> Result<bool, Error> {
        // The round is read before arriving: afterwards it may have moved on without this thread.
        let round = self.round.load(Ordering::Acquire);
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.missing.store(self.parties, Ordering::Relaxed);
            self.round.fetch_add(1, Ordering::Release);
            wake(&self.round, usize::MAX);
            return Ok(true);
        }
        while self.round.load(Ordering::Acquire) == round {
            match sys::wait(&self.round, round, deadline) {
                Ok(()) | Err(Error::Changed) => {}
                Err(Error::TimedOut) if self.round.load(Ordering::Acquire) != round => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Waits for the others without limit; `true` for the one who came last.
    ///
    /// # Panics
    /// When the kernel refuses to wait.
    pub fn wait(&self) -> bool {
        self.wait_until(NEVER).expect("wait at a barrier")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn a_mutex_lets_one_in_at_a_time() {
        let total = Arc::new(Mutex::new(0u64));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let total = Arc::clone(&total);
                thread::spawn(move || {
                    for _ in 0..2_000 {
                        let mut total = total.lock();
                        let seen = *total;
                        // Makes the others meet a held lock, so that sleeping and waking are tried.
                        if seen % 64 == 0 {
                            thread::yield_now();
                        }
                        *total = seen + 1;
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*total.lock(), 8_000);
        assert!(total.try_lock().is_some());
    }

    #[test]
    fn an_event_times_out_or_comes() {
        let event = Arc::new(Event::new());
        assert_eq!(event.wait_until(crate::time::now_ns() + 1_000_000), Err(Error::TimedOut));
        let waiter = {
            let event = Arc::clone(&event);
            thread::spawn(move || event.wait())
        };
        event.set();
        waiter.join().unwrap();
        assert_eq!(event.wait_until(0), Ok(()));
    }

    #[test]
    fn of_what_a_semaphore_has_each_is_taken_once() {
        const EACH: u32 = 1_000;
        let (semaphore, rest) = (Arc::new(Semaphore::new(2)), 10);
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let semaphore = Arc::clone(&semaphore);
                thread::spawn(move || (0..EACH).for_each(|_| semaphore.take()))
            })
            .collect();
        (0..3 * EACH - 2 + rest).for_each(|_| semaphore.give());
        takers.into_iter().for_each(|taker| taker.join().unwrap());
        assert_eq!((0..rest).filter(|_| semaphore.try_take()).count(), rest as usize);
        assert!(!semaphore.try_take());
    }

    #[test]
    fn a_barrier_names_one_last_in_each_of_many_rounds() {
        const PARTIES: u32 = 4;
        const ROUNDS: u32 = 200;
        let barrier = Arc::new(Barrier::new(PARTIES));
        let threads: Vec<_> = (0..PARTIES)
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                thread::spawn(move || (0..ROUNDS).filter(|_| barrier.wait()).count())
            })
            .collect();
        let last: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(last, ROUNDS as usize);
    }
}
