//! Console output, the initrd's files, and the argument block.

use antler_abi::{CHUNK, Error};

use super::Call;
use crate::console;
use crate::memory::user::{copy_in, copy_out};
use crate::state::kernel;

/// Bytes that go to the console in one piece: lines up to this length stay whole.
const PIECE: usize = 1024;

/// Longest name that is looked up.
const NAME: usize = antler_parse::initrd::MAX_NAME;

pub(super) fn write(call: &mut Call<'_>) -> Result<u64, Error> {
    let (start, len) = (call.size(0), call.size(1).min(CHUNK));
    let mut piece = [0; PIECE];
    let mut done = 0;
    while done < len {
        let now = PIECE.min(len - done);
        let address = start.checked_add(done).ok_or(Error::BadAddress)?;
        match copy_in(call.program, &mut call.here.unlocked(), address, &mut piece[..now]) {
            Ok(()) => console::bytes(&piece[..now]),
            // What was written before the bad part was written.
            Err(_) if done > 0 => break,
            Err(error) => return Err(error),
        }
        done += now;
    }
    Ok(done as u64)
}

pub(super) fn find(call: &mut Call<'_>) -> Result<u64, Error> {
    let (start, len) = (call.size(0), call.size(1));
    let mut name = [0; NAME];
    if len > NAME {
        return Err(Error::NoFile);
    }
    copy_in(call.program, &mut call.here.unlocked(), start, &mut name[..len])?;
    let name = core::str::from_utf8(&name[..len]).map_err(|_| Error::NoFile)?;
    let files = kernel().files.as_ref().ok_or(Error::NoFile)?;
    files.find_index(name).map(|index| index as u64).ok_or(Error::NoFile)
}

pub(super) fn info(call: &mut Call<'_>) -> Result<u64, Error> {
    let file = kernel().files.as_ref().and_then(|files| files.get(call.size(0))).ok_or(Error::NoFile)?;
    let (start, capacity) = (call.size(1), call.size(2));
    let mut name = [0; NAME + 1];
    let len = file.name.len().min(NAME);
    name[..len].copy_from_slice(&file.name.as_bytes()[..len]);
    copy_out(call.program, &mut call.here.unlocked(), start, &name[..capacity.min(NAME + 1)])?;
    Ok(file.data.len() as u64)
}

pub(super) fn read(call: &mut Call<'_>) -> Result<u64, Error> {
    let file = kernel().files.as_ref().and_then(|files| files.get(call.size(0))).ok_or(Error::NoFile)?;
    let (offset, start) = (call.size(1).min(file.data.len()), call.size(2));
    let part = &file.data[offset..];
    let part = &part[..part.len().min(call.size(3)).min(CHUNK)];
    copy_out(call.program, &mut call.here.unlocked(), start, part)?;
    Ok(part.len() as u64)
}

pub(super) fn args(call: &mut Call<'_>) -> Result<u64, Error> {
    let (start, capacity) = (call.size(0), call.size(1));
    let args = &call.program.args;
    copy_out(call.program, &mut call.here.unlocked(), start, &args[..args.len().min(capacity)])?;
    Ok(args.len() as u64)
}
