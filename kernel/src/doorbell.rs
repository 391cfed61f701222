//! Doorbells: what one hart does to interrupt another, and what the other one does about it. By firmware (SBI IPI), by an
//! ACLINT's SSWI registers, or by IMSICs; the kernel's one doorbell is identity 1 of each hart's S-mode interrupt file (AIA
//! specification, "Incoming MSI Controller").

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use antler_abi::MachineExit;
use antler_nucleus::{CpuId, HartId};
use antler_parse::board::{Board, DoorbellKind};
use antler_parse::bootargs::Doorbells;

use crate::hart::HartBlock;
use crate::memory::layout::DIRECT_MAX;
use crate::state::kernel;
use crate::{csr, end, sbi};

/// Supervisor software and external interrupt, in `sip` and `sie`.
const SSIP: usize = 1 << 1;
const SEIP: usize = 1 << 9;

/// What claims the interrupt that an IMSIC would deliver (AIA specification, `stopei`).
const STOPEI: usize = 0x15c;
/// Which of the file's registers is seen through the other.
const SISELECT: usize = 0x150;
const SIREG: usize = 0x151;
const EIDELIVERY: usize = 0x70;

/// [`BY_SBI`], [`BY_SSWI`] or [`BY_IMSIC`]. Set once, before any other hart runs.
static CHOSEN: AtomicU32 = AtomicU32::new(BY_SBI);
const BY_SBI: u32 = 0;
const BY_SSWI: u32 = 1;
const BY_IMSIC: u32 = 2;

/// Chooses; by the boot hart. Returns the physical address of each CPU's register, or nothing: firmware rings.
pub(crate) fn init(board: &Board, harts: &[HartId], wanted: Option<Doorbells>) -> Option<Vec<u64>> {
    let chosen = match wanted {
        Some(Doorbells::Sbi) => None,
        Some(Doorbells::Sswi) => {
            Some((DoorbellKind::Sswi, demand(find(board, harts, DoorbellKind::Sswi), "sswi")))
        }
        Some(Doorbells::Imsic) => {
            Some((DoorbellKind::Imsic, demand(find(board, harts, DoorbellKind::Imsic), "imsic")))
        }
        None => [DoorbellKind::Imsic, DoorbellKind::Sswi]
            .into_iter()
            .find_map(|kind| Some((kind, find(board, harts, kind).ok()?))),
    };
    let number = match chosen {
        None => BY_SBI,
        Some((DoorbellKind::Sswi, _)) => BY_SSWI,
        Some((DoorbellKind::Imsic, _)) => BY_IMSIC,
    };
    CHOSEN.store(number, Ordering::Relaxed);
    chosen.map(|(_, registers)| registers)
}

/// Each CPU's register of a kind, or why it cannot be used.
fn find(board: &Board, harts: &[HartId], kind: DoorbellKind) -> Result<Vec<u64>, Why> {
    if kind == DoorbellKind::Imsic && !has_file() {
        return Err(Why::Kept);
    }
    let register = |hart: &HartId| {
        let address = board.doorbell(kind, hart.0).ok_or(Why::Unlisted(*hart))?;
        if address.checked_add(4).is_some_and(|end| end <= DIRECT_MAX) {
            Ok(address)
        } else {
            Err(Why::Far(*hart))
        }
    };
    harts.iter().map(register).collect()
}

/// Whether firmware lets this hart, and so all, have its interrupt file: what claims, and what sets it up.
fn has_file() -> bool {
    // SAFETY: no other hart runs, and this one is not in a trap; `siselect` decides only what `sireg` is.
    unsafe {
        if !csr::answers::<STOPEI>() || !csr::answers::<SISELECT>() {
            return false;
        }
        core::arch::asm!("csrw 0x150, {}", in(reg) EIDELIVERY, options(nomem, nostack));
        csr::answers::<SIREG>()
    }
}

/// Why doorbells of a kind cannot be used.
enum Why {
    Kept,
    Unlisted(HartId),
    Far(HartId),
}

fn demand(found: Result<Vec<u64>, Why>, name: &str) -> Vec<u64> {
    found.unwrap_or_else(|why| match why {
        Why::Kept => end::refuse(
            MachineExit::BootRefused,
            format_args!(
                "doorbells={name}, but the hart has no interrupt file, or firmware keeps it to itself"
            ),
        ),
        Why::Unlisted(hart) => end::refuse(
            MachineExit::BootRefused,
            format_args!("doorbells={name}, but the device tree names none for {hart}"),
        ),
        Why::Far(hart) => end::refuse(
            MachineExit::BootRefused,
            format_args!("doorbells={name}, but that of {hart} lies beyond the memory that the kernel maps"),
        ),
    })
}

/// What they are called, for the boot's log.
pub(crate) fn name() -> &'static str {
    match CHOSEN.load(Ordering::Relaxed) {
        BY_SBI => "SBI IPI",
        BY_SSWI => "SSWI",
        _ => "IMSIC",
    }
}

/// The bit of `sip` and `sie` by which this hart's doorbell comes.
#[inline(always)]
pub(crate) fn pending_bit() -> usize {
    if is_imsic() { SEIP } else { SSIP }
}

#[inline(always)]
fn is_imsic() -> bool {
    CHOSEN.load(Ordering::Relaxed) == BY_IMSIC
}

/// Interrupts a CPU. All our memory writes come before it.
///
/// # Errors
/// Firmware's error code, if firmware rings and does not take it.
pub(crate) fn ring(target: CpuId) -> Result<(), i64> {
    let block: &HartBlock = kernel().blocks[target.index()];
    if block.doorbell == 0 {
        return sbi::send_ipi(block.hart);
    }
    // SAFETY: the register is mapped, and does nothing else. The fence: memory before device, so that whoever sees the ring
    // sees what was written before it.
    unsafe {
        core::arch::asm!("fence rw, ow", options(nostack, preserves_flags));
        (block.doorbell as *mut u32).write_volatile(1);
    }
    Ok(())
}

/// This hart lets its doorbell come.
pub(crate) fn enable() {
    if is_imsic() {
        // eidelivery = 1; eithreshold = 0: every identity; eie0 = 1 << 1: that one.
        for (register, value) in [(EIDELIVERY, 1), (0x72, 0), (0xc0, 1 << 1)] {
            // SAFETY: registers of this hart's own interrupt file, `siselect` and `sireg`.
            unsafe {
                core::arch::asm!("csrw 0x150, {}", "csrw 0x151, {}", in(reg) register, in(reg) value, options(nomem, nostack));
            }
        }
    }
    clear();
}

/// Clears this hart's doorbell, before its mailbox is read: a ring that comes later stays pending.
pub(crate) fn clear() {
    // SAFETY: clears a pending bit. The fence keeps the mailbox read behind it; without it the read could come first and
    // miss a post whose ring we then clear. To a fence, a write of a CSR is device output (unprivileged spec, "Zicsr").
    unsafe {
        if is_imsic() {
            // What is written does not matter: it claims what is on top, if anything is.
            core::arch::asm!("csrw 0x15c, zero", "fence iorw, iorw", options(nostack));
        } else {
            core::arch::asm!("csrc sip, {}", "fence iorw, iorw", in(reg) SSIP, options(nostack));
        }
    }
}
