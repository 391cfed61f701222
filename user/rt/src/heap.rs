//! The heap: `talc` over one address window that the program maps as it grows. When memory is used up an allocation
//! fails as the language says it does; it never faults.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use antler_abi::{CHUNK, Error, PAGE};
use talc::TalcLock;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::source::Source;

use crate::sync::RawMutex;
use crate::sys;

/// Address space set aside for the heap at its first use, so that it can grow in one piece. Costs no memory.
const WINDOW: usize = 64 << 30;

/// What an allocation may need beyond its size and alignment: the allocator's own tables and tags.
const SLACK: usize = 2 * PAGE;
const _: () = assert!(talc::min_first_heap_size::<talc::DefaultBinning>() <= SLACK);

#[cfg_attr(target_os = "none", global_allocator)]
#[cfg_attr(not(target_os = "none"), allow(dead_code, reason = "a host program has the host's heap"))]
static HEAP: TalcLock<RawMutex, Window> = TalcLock::new(Window::new());

/// The heap's address window: `base..base + mapped` is mapped and the allocator's.
#[derive(Debug)]
struct Window {
    /// Address of the window; 0 before the first use.
    base: usize,
    /// Bytes mapped from `base` on.
    mapped: usize,
    /// Where the allocator's part ends, as it says itself; `None` before it has any.
    end: Option<NonNull<u8>>,
}

// SAFETY: the pointer is a position in memory that belongs to the heap whichever thread holds its lock.
unsafe impl Send for Window {}

impl Window {
    const fn new() -> Window {
        Window { base: 0, mapped: 0, end: None }
    }

    /// Maps at least `more` bytes at the end of the window, or nothing. Errors: `NoMemory`, or the kernel's.
    fn grow(&mut self, more: usize) -> Result<(), Error> {
        let more = more.checked_next_multiple_of(CHUNK).ok_or(Error::NoMemory)?;
        if more > WINDOW - self.mapped {
            return Err(Error::NoMemory);
        }
        if self.base == 0 {
            self.base = sys::reserve(WINDOW)?;
        }
        let start = self.base + self.mapped;
        let mut done = 0;
        while done < more {
            // A chunk is page-aligned, and a partial answer must be too, or the next call will be refused.
            match sys::map(start + done, (more - done).min(CHUNK)) {
                Ok(bytes) if bytes > 0 && bytes.is_multiple_of(PAGE) => done += bytes,
                outcome => {
                    // What cannot be had whole is given back, so that others can go on.
                    give_back(start, done);
                    return Err(outcome.err().unwrap_or(Error::NoMemory));
                }
            }
        }
        self.mapped += more;
        Ok(())
    }
}

/// Unmaps `len` bytes from `start` that were mapped for the heap and never given to the allocator.
fn give_back(start: usize, len: usize) {
    let mut gone = 0;
    while gone < len {
        // SAFETY: nobody has been told of these pages yet.
        match unsafe { sys::unmap(start + gone, (len - gone).min(CHUNK)) } {
            Ok(bytes) if bytes > 0 => gone += bytes,
            // They stay mapped and unused until the program ends; a later `map` there answers `Exists`.
            _ => return,
        }
    }
}

// SAFETY: `acquire` makes system calls only and allocates nothing.
unsafe impl Source for Window {
    fn acquire<B: Binning>(talc: &mut Talc<Window, B>, layout: Layout) -> Result<(), ()> {
        let need = layout.size().checked_add(layout.align()).and_then(|need| need.checked_add(SLACK));
        talc.source.grow(need.ok_or(())?).map_err(|_| ())?;
        let base: *mut u8 = ptr::with_exposed_provenance_mut(talc.source.base);
        let mapped = talc.source.mapped;
        let end = match talc.source.end {
            // SAFETY: `grow` mapped everything from `base` up to `mapped`, for the heap alone, for good.
            None => unsafe { talc.claim(base, mapped) }.ok_or(())?,
            // SAFETY: as above; `end` is what the allocator answered last, and the new pages follow it.
            Some(end) => unsafe { talc.extend(end, base.wrapping_add(mapped)) },
        };
        talc.source.end = Some(end);
        Ok(())
    }
}
