//! The one way in and out of user memory: a software walk, the direct map, and the space's lock against unmapping.
//! `sstatus.SUM` is never set, so a user pointer that slipped through somewhere else would trap and be noticed.

use antler_abi::{Error, PAGE, USER_END};
use antler_sync::Held;

use crate::faults::{Fault, commits};
use crate::hart::HartBlock;
use crate::machine::Here;
use crate::program::Program;

/// Calls `each(direct address, length)` for the pieces of a user range, page by page.
fn pieces<const H: u8>(
    program: &Program,
    held: &mut Held<'_, H>,
    (address, len): (usize, usize),
    write: bool,
    mut each: impl FnMut(usize, usize),
) -> Result<(), Error> {
    if len == 0 {
        return Ok(());
    }
    let end = address.checked_add(len).filter(|&end| end <= USER_END).ok_or(Error::BadAddress)?;
    let (space, _held) = program.space.lock(held, &Here);
    let space = space.as_ref().ok_or(Error::BadAddress)?;
    // All of it is checked before any of it is touched, so a bad range changes nothing.
    let pages = || (address & !(PAGE - 1)..end).step_by(PAGE);
    for page in pages() {
        if space.translate(page, write).is_none() {
            return if commits(Fault::PointerUnchecked) { Ok(()) } else { Err(Error::BadAddress) };
        }
    }
    for page in pages() {
        let (from, to) = (page.max(address), (page + PAGE).min(end));
        let direct = space.translate(page, write).ok_or(Error::BadAddress)?;
        each(direct + (from - page), to - from);
    }
    Ok(())
}

/// Copies from user memory. At most [`antler_abi::CHUNK`] bytes, which is the caller's to see to.
///
/// # Errors
/// `BadAddress`: some of the range is not readable; nothing was copied.
pub(crate) fn copy_in<const H: u8>(
    program: &Program,
    held: &mut Held<'_, H>,
    address: usize,
    to: &mut [u8],
) -> Result<(), Error> {
    let mut at = to.as_mut_ptr();
    pieces(program, held, (address, to.len()), false, |direct, len| {
        // SAFETY: the lengths add up to `to.len()`; the source is a mapped frame that the space's lock keeps mapped.
        // User threads may write it meanwhile, which can tear the copied bytes but not the kernel.
        unsafe {
            core::ptr::copy_nonoverlapping(direct as *const u8, at, len);
            at = at.add(len);
        }
    })
}

/// Copies to user memory; the mirror of [`copy_in`].
///
/// # Errors
/// `BadAddress`: some of the range is not writable; nothing was copied.
pub(crate) fn copy_out<const H: u8>(
    program: &Program,
    held: &mut Held<'_, H>,
    address: usize,
    from: &[u8],
) -> Result<(), Error> {
    let mut at = from.as_ptr();
    pieces(program, held, (address, from.len()), true, |direct, len| {
        // SAFETY: as in `copy_in`, with source and target swapped; the frame is the program's own and writable.
        unsafe {
            core::ptr::copy_nonoverlapping(at, direct as *mut u8, len);
            at = at.add(len);
        }
    })
}

/// Reads an aligned word of user memory in one access.
///
/// # Errors
/// `BadAddress`: not aligned or not readable.
#[inline(always)]
pub(crate) fn read_word<const H: u8>(
    program: &Program,
    held: &mut Held<'_, H>,
    address: usize,
) -> Result<u32, Error> {
    let block = HartBlock::mine();
    let seen = block.program().is_some_and(|here| here.number == program.number);
    match block.seen.word(address as u64).filter(|_| seen) {
        Some(word) => Ok(word),
        None => find_word(program, held, address),
    }
}

/// [`read_word`] of a page that this hart did not read last.
#[inline(never)]
fn find_word<const H: u8>(program: &Program, held: &mut Held<'_, H>, address: usize) -> Result<u32, Error> {
    if !address.is_multiple_of(4) {
        return Err(Error::BadAddress);
    }
    let mut word = 0;
    pieces(program, held, (address, 4), false, |direct, _| {
        // Under the space's lock: who unmaps the page comes after this, and has this hart forget it.
        HartBlock::mine().seen.set((address / PAGE) as u64, (direct & !(PAGE - 1)) as u64);
        // SAFETY: aligned, in one page, mapped while the lock is held. Volatile because user threads write it as they
        // like; the load is one instruction, as their store is.
        word = unsafe { (direct as *const u32).read_volatile() };
    })?;
    Ok(word)
}
