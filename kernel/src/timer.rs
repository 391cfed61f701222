//! This hart's timer: `stimecmp` where there is one (privileged spec, "Sstc"), else by firmware.

use core::sync::atomic::{AtomicBool, Ordering};

use antler_abi::MachineExit;
use antler_parse::board::Board;
use antler_parse::bootargs::Timers;

use crate::{csr, end, sbi};

const STIMECMP: usize = 0x14d;

/// Whether the harts' own timers are used. Set once, before any other hart runs.
static OWN: AtomicBool = AtomicBool::new(false);

/// Chooses; by the boot hart, whose firmware decides for all.
pub(crate) fn init(board: &Board, wanted: Option<Timers>) {
    let listed = board.harts.iter().filter(|hart| hart.enabled).all(|hart| hart.has_extension("sstc"));
    let own = match wanted {
        Some(Timers::Sbi) => false,
        Some(Timers::Sstc) if !listed => end::refuse(
            MachineExit::BootRefused,
            format_args!("timers=sstc, but not every enabled hart has Sstc by the device tree"),
        ),
        // SAFETY: no other hart runs, and this one is not in a trap.
        Some(Timers::Sstc) if !unsafe { csr::answers::<STIMECMP>() } => end::refuse(
            MachineExit::BootRefused,
            format_args!("timers=sstc, but firmware keeps stimecmp to itself (menvcfg.STCE)"),
        ),
        Some(Timers::Sstc) => true,
        // SAFETY: as above.
        None => listed && unsafe { csr::answers::<STIMECMP>() },
    };
    OWN.store(own, Ordering::Relaxed);
}

/// What it is called, for the boot's log.
pub(crate) fn name() -> &'static str {
    if OWN.load(Ordering::Relaxed) { "Sstc" } else { "SBI TIME" }
}

/// Has the timer fire when `time` is `ticks`; `u64::MAX` for never. It is not pending afterwards, unless that has come.
pub(crate) fn set(ticks: u64) {
    if OWN.load(Ordering::Relaxed) {
        // SAFETY: sets a deadline.
        unsafe { core::arch::asm!("csrw 0x14d, {}", in(reg) ticks, options(nomem, nostack)) };
    } else {
        sbi::set_timer(ticks);
    }
}
