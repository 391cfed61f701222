//! A program's own memory.

use antler_abi::{CHUNK, Error, PAGE, USER_BASE, USER_END};

use super::Call;
use crate::calls;
use crate::machine::Here;
use crate::memory::frames;
use crate::memory::paging::flush_local;
use crate::memory::space::Batch;
use crate::program;

/// How often one call frees a piece of what programs that are over left behind.
const REAP_TURNS: usize = 16;

/// A page-aligned user range, cut to what one call may do.
fn range(call: &Call<'_>) -> Result<(usize, usize), Error> {
    let (start, len) = (call.size(0), call.size(1));
    if !start.is_multiple_of(PAGE) || !len.is_multiple_of(PAGE) || len == 0 {
        return Err(Error::BadArgument);
    }
    let end = start.checked_add(len).filter(|&end| start >= USER_BASE && end <= USER_END);
    end.map(|end| (start, end.min(start + CHUNK))).ok_or(Error::BadAddress)
}

pub(super) fn map(call: &mut Call<'_>) -> Result<u64, Error> {
    let (start, end) = range(call)?;
    let (mut page, mut patience) = (start, REAP_TURNS);
    while page < end {
        let mapped = {
            let mut held = call.here.unlocked();
            let (mut space, _held) = call.program.space.lock(&mut held, &Here);
            space.as_mut().ok_or(Error::NoMemory)?.map_page(page, true, false)
        };
        match mapped {
            Ok(_) => page += PAGE,
            // Memory of programs that are over may not have been freed yet: free some of it, and try again.
            Err(Error::NoMemory) if patience > 0 && program::reap_some() => patience -= 1,
            // A part that was mapped is a success; the rest reports for itself.
            Err(_) if page > start => break,
            Err(error) => return Err(error),
        }
    }
    // A hart may have cached that the page was not there.
    flush_local();
    Ok((page - start) as u64)
}

pub(super) fn unmap(call: &mut Call<'_>) -> Result<u64, Error> {
    let (start, end) = range(call)?;
    let mut batch = Batch::new();
    {
        let mut held = call.here.unlocked();
        let (mut space, _held) = call.program.space.lock(&mut held, &Here);
        space.as_mut().ok_or(Error::BadAddress)?.unmap(start, end, &mut batch);
    }
    if !batch.frames().is_empty() {
        calls::shoot_down(call.here, call.program.number);
    }
    for &frame in batch.frames() {
        // SAFETY: no table maps it any more, and every hart that may have had a translation has dropped it.
        unsafe { frames::give(frame) };
    }
    Ok((end - start) as u64)
}

pub(super) fn reserve(call: &mut Call<'_>) -> Result<u64, Error> {
    let len = call.size(0);
    if len == 0 || len >= USER_END {
        return Err(Error::BadArgument);
    }
    call.program.reserve(len.next_multiple_of(PAGE))
}
