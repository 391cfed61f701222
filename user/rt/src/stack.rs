//! Thread stacks: where they come from and where they go after the join.

use alloc::vec::Vec;

use antler_abi::{CHUNK, Error, PAGE};

use crate::sync::Mutex;
use crate::sys;

/// Address space below each stack that is never mapped. Larger than any sane frame, since this target's code does not
/// probe the stack as it grows.
const GUARD: usize = 64 * 1024;

/// How many stacks of ended threads stay mapped for the next ones.
const KEPT: usize = 32;

/// A thread's stack; the address range includes the guard.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    /// Lowest address of the range; the guard starts here.
    base: usize,
    /// Usable bytes above the guard, whole pages.
    size: usize,
}

/// Ranges of ended threads. Address space cannot be given back to the kernel, so it is used again.
struct Pool {
    mapped: Vec<Stack>,
    bare: Vec<Stack>,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { mapped: Vec::new(), bare: Vec::new() });

/// Takes one of exactly this size.
fn take(stacks: &mut Vec<Stack>, size: usize) -> Option<Stack> {
    stacks.iter().rposition(|stack| stack.size == size).map(|at| stacks.swap_remove(at))
}

impl Stack {
    /// A mapped stack of `size` bytes, rounded up to whole pages. Errors: `NoMemory`, or the kernel's.
    pub(crate) fn new(size: usize) -> Result<Stack, Error> {
        let size = size.max(1).checked_next_multiple_of(PAGE).ok_or(Error::NoMemory)?;
        let bare = {
            let mut pool = POOL.lock();
            if let Some(stack) = take(&mut pool.mapped, size) {
                return Ok(stack);
            }
            take(&mut pool.bare, size)
        };
        let stack = match bare {
            Some(stack) => stack,
            None => {
                let len = size.checked_add(GUARD).ok_or(Error::NoMemory)?;
                Stack { base: sys::reserve(len)?, size }
            }
        };
        match stack.map() {
            Ok(()) => Ok(stack),
            Err(error) => {
                stack.retire();
                Err(error)
            }
        }
    }

    /// Initial stack pointer.
    pub(crate) fn top(&self) -> usize {
        self.base + GUARD + self.size
    }

    fn map(&self) -> Result<(), Error> {
        let mut done = 0;
        while done < self.size {
            match sys::map(self.base + GUARD + done, (self.size - done).min(CHUNK))? {
                0 => return Err(Error::NoMemory),
                bytes => done += bytes,
            }
        }
        Ok(())
    }

    /// Gives the stack up: to the next thread if few are kept, else its memory goes back to the kernel.
    ///
    /// # Safety
    /// Its thread must have ended, or never started.
    pub(crate) unsafe fn release(self) {
        {
            let mut pool = POOL.lock();
            if pool.mapped.len() < KEPT && pool.mapped.try_reserve(1).is_ok() {
                pool.mapped.push(self);
                return;
            }
        }
        self.retire();
    }

    /// Unmaps whatever is mapped of it and keeps the address range.
    fn retire(self) {
        let mut gone = 0;
        while gone < self.size {
            // SAFETY: nobody runs on it: see `release`; and `new` has told nobody of it.
            match unsafe { sys::unmap(self.base + GUARD + gone, (self.size - gone).min(CHUNK)) } {
                Ok(bytes) if bytes > 0 => gone += bytes,
                // Still partly mapped: the range is of no use to anybody until the program ends.
                _ => return,
            }
        }
        let mut pool = POOL.lock();
        if pool.bare.try_reserve(1).is_ok() {
            pool.bare.push(self);
        }
    }
}
