//! Page frames: a list of free ones, and ranges that were never touched.

use alloc::vec::Vec;
use core::sync::atomic::{Ordering, fence};

use antler_parse::board::Range;
use antler_sync::Lock;

use super::layout::{PAGE, to_virtual};
use crate::machine::Here;

struct Frames {
    /// Ranges of which no frame was ever given out, as (next, end), physical, page-aligned.
    fresh: Vec<(u64, u64)>,
    /// First free frame; each free frame's first word is the next one's address, 0 at the end.
    freed: u64,
    free: usize,
    total: usize,
}

static FRAMES: Lock<Frames, { u8::MAX }> =
    Lock::new(Frames { fresh: Vec::new(), freed: 0, free: 0, total: 0 });

/// Gives all memory but the `taken` ranges to the allocator. Both may be in any order; `taken` may overlap.
pub(crate) fn init(memory: &[Range], taken: &[Range]) {
    let mut taken: Vec<_> = taken.iter().map(|r| (r.base & !(PAGE as u64 - 1), r.end())).collect();
    taken.sort_unstable();
    let mut fresh = Vec::new();
    for range in memory {
        let mut at = range.base.next_multiple_of(PAGE as u64);
        let end = range.end().min(super::layout::DIRECT_MAX) & !(PAGE as u64 - 1);
        for &(start, stop) in &taken {
            if stop <= at || start >= end {
                continue;
            }
            if start > at {
                fresh.push((at, start));
            }
            at = at.max(stop.next_multiple_of(PAGE as u64));
        }
        if at < end {
            fresh.push((at, end));
        }
    }
    FRAMES.with(&Here, |frames| {
        frames.total = fresh.iter().map(|(at, end)| ((end - at) / PAGE as u64) as usize).sum();
        frames.free = frames.total;
        frames.fresh = fresh;
    });
}

/// A frame of unknown content; `None` when memory is used up.
pub(crate) fn take() -> Option<u64> {
    FRAMES.with(&Here, |frames| {
        let frame = if frames.freed != 0 {
            let frame = frames.freed;
            // SAFETY: a frame on the list is nobody's, mapped in the direct map, and its first word is the link.
            frames.freed = unsafe { (to_virtual(frame) as *const u64).read() };
            frame
        } else {
            let range = frames.fresh.iter_mut().find(|(at, end)| at < end)?;
            range.0 += PAGE as u64;
            range.0 - PAGE as u64
        };
        frames.free -= 1;
        Some(frame)
    })
}

/// A frame full of zeroes.
pub(crate) fn take_zeroed() -> Option<u64> {
    let frame = take()?;
    // SAFETY: the frame is ours and mapped in the direct map.
    unsafe { (to_virtual(frame) as *mut u8).write_bytes(0, PAGE) };
    // Whoever finds the frame through a page table entry written after this finds zeroes. Weaker, and another hart's walk
    // could read what the frame held before: a former program's bytes as data, or as entries.
    fence(Ordering::Release);
    Some(frame)
}

/// Gives a frame back.
///
/// # Safety
/// The frame came from this allocator and nobody uses it any more, through any mapping on any hart.
pub(crate) unsafe fn give(frame: u64) {
    FRAMES.with(&Here, |frames| {
        // SAFETY: the frame is the allocator's from here on, and mapped in the direct map.
        unsafe { (to_virtual(frame) as *mut u64).write(frames.freed) };
        frames.freed = frame;
        frames.free += 1;
    });
}

/// `size` bytes in one piece that were never used, page-aligned; for boot, before anything was freed.
pub(crate) fn take_contiguous(size: usize) -> Option<u64> {
    let size = size.next_multiple_of(PAGE) as u64;
    FRAMES.with(&Here, |frames| {
        let range = frames.fresh.iter_mut().find(|(at, end)| end - at >= size)?;
        range.0 += size;
        frames.free -= (size / PAGE as u64) as usize;
        Some(range.0 - size)
    })
}

/// Free frames now, and frames in all.
pub(crate) fn free_and_total() -> (usize, usize) {
    FRAMES.with(&Here, |frames| (frames.free, frames.total))
}
