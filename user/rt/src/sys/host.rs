//! A host has no Antler kernel. Outside tests every call answers `NoSuchCall`; in tests, time and waiting work as the
//! contract says, on the host's own threads, so that the locks can be tried.

#[cfg(not(test))]
pub(super) unsafe fn ecall(_number: usize, _args: [usize; 6]) -> (usize, usize) {
    (antler_abi::Error::NoSuchCall.code(), 0)
}

pub(super) fn returned(status: (usize, usize)) -> ! {
    panic!("no Antler kernel here: status {}", status.0)
}

#[cfg(test)]
pub(super) unsafe fn ecall(number: usize, args: [usize; 6]) -> (usize, usize) {
    use antler_abi::Syscall;

    let answer = match Syscall::from_number(number) {
        Some(Syscall::Wait) => emulated::wait(args[0], args[1] as u32, args[2] as u64),
        Some(Syscall::Wake) => Ok(emulated::wake(args[0], args[1])),
        Some(Syscall::Clock) => Ok(emulated::now() as usize),
        Some(Syscall::Yield) => {
            std::thread::yield_now();
            Ok(0)
        }
        _ => Err(antler_abi::Error::NoSuchCall),
    };
    match answer {
        Ok(value) => (0, value),
        Err(error) => (error.code(), 0),
    }
}

#[cfg(test)]
mod emulated {
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Condvar, Mutex};
    use std::time::{Duration, Instant};

    use antler_abi::Error;

    /// Who waits, in order: a ticket and the address.
    struct Waiters {
        next: u64,
        queue: VecDeque<(u64, usize)>,
    }

    static WAITERS: Mutex<Waiters> = Mutex::new(Waiters { next: 0, queue: VecDeque::new() });
    static WOKEN: Condvar = Condvar::new();

    pub(super) fn now() -> u64 {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_nanos() as u64
    }

    pub(super) fn wait(addr: usize, expected: u32, deadline: u64) -> Result<usize, Error> {
        let mut waiters = WAITERS.lock().unwrap();
        // SAFETY: `sys::wait` passes the address of an atomic that it borrows for the call.
        let word = unsafe { AtomicU32::from_ptr(addr as *mut u32) };
        if word.load(Ordering::SeqCst) != expected {
            return Err(Error::Changed);
        }
        let ticket = waiters.next;
        waiters.next += 1;
        waiters.queue.push_back((ticket, addr));
        loop {
            // Woken by being taken off the queue.
            let Some(at) = waiters.queue.iter().position(|waiter| waiter.0 == ticket) else { return Ok(0) };
            let left = deadline.saturating_sub(now());
            if left == 0 {
                waiters.queue.remove(at);
                return Err(Error::TimedOut);
            }
            let left = Duration::from_nanos(left.min(1_000_000_000));
            waiters = WOKEN.wait_timeout(waiters, left).unwrap().0;
        }
    }

    pub(super) fn wake(addr: usize, count: usize) -> usize {
        let mut waiters = WAITERS.lock().unwrap();
        let mut woken = 0;
        waiters.queue.retain(|waiter| {
            let stays = waiter.1 != addr || woken == count;
            woken += usize::from(!stays);
            stays
        });
        WOKEN.notify_all();
        woken
    }
}
