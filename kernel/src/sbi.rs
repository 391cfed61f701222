//! Firmware: what it offers, and the calls that the kernel makes (RISC-V SBI specification 2.0).

use antler_nucleus::HartId;
use core::sync::atomic::{AtomicU64, Ordering};
use sbi_rt::{HartMask, Physical, SbiRet};

/// Extensions that the kernel knows, by bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Extension {
    Time = 1,
    Ipi = 2,
    Hsm = 4,
    Srst = 8,
    Dbcn = 16,
}

impl Extension {
    pub(crate) const ALL: [Extension; 5] =
        [Extension::Time, Extension::Ipi, Extension::Hsm, Extension::Srst, Extension::Dbcn];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Extension::Time => "TIME",
            Extension::Ipi => "IPI",
            Extension::Hsm => "HSM",
            Extension::Srst => "SRST",
            Extension::Dbcn => "DBCN",
        }
    }

    fn probe(self) -> bool {
        match self {
            Extension::Time => sbi_rt::probe_extension(sbi_rt::Timer).is_available(),
            Extension::Ipi => sbi_rt::probe_extension(sbi_rt::Ipi).is_available(),
            Extension::Hsm => sbi_rt::probe_extension(sbi_rt::Hsm).is_available(),
            Extension::Srst => sbi_rt::probe_extension(sbi_rt::Reset).is_available(),
            Extension::Dbcn => sbi_rt::probe_extension(sbi_rt::Console).is_available(),
        }
    }
}

static PRESENT: AtomicU64 = AtomicU64::new(0);

/// Asks firmware, by its BASE extension, for each extension.
pub(crate) fn init() {
    let present = Extension::ALL.into_iter().filter(|e| e.probe()).fold(0, |bits, e| bits | e as u64);
    PRESENT.store(present, Ordering::Relaxed);
}

/// Whether firmware has an extension.
pub(crate) fn has(extension: Extension) -> bool {
    PRESENT.load(Ordering::Relaxed) & extension as u64 != 0
}

/// SBI specification version (major, minor), implementation id and its version.
pub(crate) fn version() -> (usize, usize, usize, usize) {
    let version = sbi_rt::get_spec_version();
    (version.major(), version.minor(), sbi_rt::get_sbi_impl_id(), sbi_rt::get_sbi_impl_version())
}

/// States of a hart (SBI chapter "Hart State Management", table of states).
pub(crate) mod hart_state {
    pub(crate) const STARTED: u64 = 0;
    pub(crate) const STOPPED: u64 = 1;

    pub(crate) const fn name(state: u64) -> &'static str {
        match state {
            STARTED => "STARTED",
            STOPPED => "STOPPED",
            2 => "START_PENDING",
            3 => "STOP_PENDING",
            4 => "SUSPENDED",
            5 => "SUSPEND_PENDING",
            6 => "RESUME_PENDING",
            _ => "unknown",
        }
    }
}

fn result(ret: SbiRet) -> Result<u64, i64> {
    if ret.error == 0 { Ok(ret.value as u64) } else { Err(ret.error as i64) }
}

/// What an SBI error code means.
pub(crate) const fn error_name(code: i64) -> &'static str {
    match code {
        -1 => "SBI_ERR_FAILED",
        -2 => "SBI_ERR_NOT_SUPPORTED",
        -3 => "SBI_ERR_INVALID_PARAM",
        -4 => "SBI_ERR_DENIED",
        -5 => "SBI_ERR_INVALID_ADDRESS",
        -6 => "SBI_ERR_ALREADY_AVAILABLE",
        -7 => "SBI_ERR_ALREADY_STARTED",
        -8 => "SBI_ERR_ALREADY_STOPPED",
        -9 => "SBI_ERR_NO_SHMEM",
        _ => "unknown SBI error",
    }
}

/// Starts a hart at a physical address with `opaque` in its a1.
pub(crate) fn hart_start(hart: HartId, start: u64, opaque: u64) -> Result<(), i64> {
    result(sbi_rt::hart_start(hart.0 as usize, start as usize, opaque as usize)).map(|_| ())
}

/// State of a hart as firmware sees it.
pub(crate) fn hart_status(hart: HartId) -> Result<u64, i64> {
    result(sbi_rt::hart_get_status(hart.0 as usize))
}

/// Stops this hart; returns only when firmware refuses.
pub(crate) fn hart_stop() -> i64 {
    sbi_rt::hart_stop().error as i64
}

/// Sets this hart's timer; `u64::MAX` for never. Clears a pending timer interrupt.
pub(crate) fn set_timer(ticks: u64) {
    // Cannot fail with the TIME extension present, which boot has checked.
    let _ = sbi_rt::set_timer(ticks);
}

/// Makes a hart's supervisor software interrupt pending. All our memory writes come before it.
pub(crate) fn send_ipi(hart: HartId) -> Result<(), i64> {
    // SAFETY: a fence. Memory before device: firmware writes a device register that the other hart's interrupt follows.
    unsafe { core::arch::asm!("fence rw, ow", options(nostack, preserves_flags)) };
    result(sbi_rt::send_ipi(HartMask::from_mask_base(1, hart.0 as usize))).map(|_| ())
}

/// Writes to the debug console; returns how many bytes firmware took.
pub(crate) fn console_write(physical: u64, len: usize) -> Result<usize, i64> {
    result(sbi_rt::console_write(Physical::new(len, physical as usize, 0))).map(|n| n as usize)
}

/// Writes one byte to the debug console.
pub(crate) fn console_write_byte(byte: u8) {
    // Nothing can be done about a byte that firmware does not take.
    let _ = sbi_rt::console_write_byte(byte);
}

/// Asks firmware to reset the system; returns only if it does not.
pub(crate) fn shutdown_failed() {
    let _ = sbi_rt::system_reset(sbi_rt::Shutdown, sbi_rt::SystemFailure);
}
