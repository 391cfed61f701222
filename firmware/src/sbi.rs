//! Which call is which (RISC-V SBI specification 2.0).

use crate::harts::orders;
use crate::orders::What;
use crate::{board, hsm, ipi, timer};

/// The value, or the error.
pub(crate) type Answer = Result<usize, isize>;

pub(crate) const FAILED: isize = -1;
pub(crate) const NOT_SUPPORTED: isize = -2;
pub(crate) const INVALID_PARAM: isize = -3;
pub(crate) const INVALID_ADDRESS: isize = -5;
pub(crate) const ALREADY_AVAILABLE: isize = -6;

const BASE: usize = 0x10;
const TIME: usize = 0x5449_4d45;
const IPI: usize = 0x73_5049;
const HSM: usize = 0x48_534d;
const SRST: usize = 0x5352_5354;
const DBCN: usize = 0x4442_434e;

/// Version 2.0 of the specification.
const VERSION: usize = 2 << 24;
/// Implementation: `ANTL`, in none of the specification's lists.
const IMPLEMENTATION: usize = 0x414e_544c;

/// What QEMU ends with when S-mode asks for a reset because of a failure.
const FAILURE: u32 = 1;

/// Answers a call: `eid` from a7, `fid` from a6, `args` from a0 on.
pub(crate) fn call(eid: usize, fid: usize, args: [usize; 3]) -> Answer {
    if !has(eid) {
        return Err(NOT_SUPPORTED);
    }
    let [a0, a1, a2] = args;
    match (eid, fid) {
        (BASE, 0) => Ok(VERSION),
        (BASE, 1) => Ok(IMPLEMENTATION),
        (BASE, 2) => Ok(1),
        (BASE, 3) => Ok(usize::from(has(a0))),
        // Vendor, architecture and implementation of the machine: nothing to say.
        (BASE, 4..=6) => Ok(0),
        (TIME, 0) => {
            timer::set(a0);
            Ok(0)
        }
        (IPI, 0) => ipi::send(a0, a1),
        (HSM, 0) => hsm::start(a0, a1, a2),
        (HSM, 1) => hsm::stop(),
        (HSM, 2) => hsm::status(a0),
        (SRST, 0) => reset(a0, a1),
        (DBCN, 0) => write(a0, a1, a2),
        // Nobody types.
        (DBCN, 1) => Ok(0),
        (DBCN, 2) => {
            board::put(a0 as u8);
            Ok(0)
        }
        _ => Err(NOT_SUPPORTED),
    }
}

fn has(eid: usize) -> bool {
    let known = [BASE, TIME, IPI, HSM, SRST, DBCN].contains(&eid);
    known && !orders().list().iter().any(|order| order.what == What::Without && order.value == eid as u64)
}

/// `system_reset`: a shutdown with QEMU's exit code 0, or with [`FAILURE`] when there is a reason.
fn reset(kind: usize, reason: usize) -> Answer {
    match (kind, reason) {
        (0, 0) => board::end(0),
        (0, _) => board::end(FAILURE),
        _ => Err(NOT_SUPPORTED),
    }
}

/// `console_write`: how many bytes were taken, which is all.
fn write(count: usize, low: usize, high: usize) -> Answer {
    let end = low.checked_add(count).ok_or(INVALID_PARAM)?;
    // S-mode's memory, as far as it is known here: what is not memory at all traps, and ends the machine by name.
    if high != 0 || low < board::NEXT || end < low {
        return Err(INVALID_PARAM);
    }
    for address in low..end {
        // SAFETY: S-mode's memory, which it lends for this call; no object of ours lies there.
        board::put(unsafe { (address as *const u8).read_volatile() });
    }
    Ok(count)
}
