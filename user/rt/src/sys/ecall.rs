//! The only place where a user program meets the kernel.

use core::arch::asm;

/// `ecall` with `number` in `a7` and six arguments: status and value.
///
/// # Safety
/// As for [`super::raw`].
#[inline(always)]
pub(super) unsafe fn ecall(number: usize, args: [usize; 6]) -> (usize, usize) {
    let (status, value);
    // SAFETY: the kernel changes a0 and a1 and preserves every other register, FP ones included; memory is taken to be
    // read and written, as without `nomem`; what the call does is the caller's promise.
    unsafe {
        asm!(
            "ecall",
            in("a7") number,
            inlateout("a0") args[0] => status,
            inlateout("a1") args[1] => value,
            in("a2") args[2],
            in("a3") args[3],
            in("a4") args[4],
            in("a5") args[5],
            options(nostack),
        );
    }
    (status, value)
}

/// A call that never returns returned: the kernel breaks its contract, and only a fault can end the program now.
pub(super) fn returned(_status: (usize, usize)) -> ! {
    // SAFETY: an illegal instruction; the kernel ends the program there, so nothing after it runs.
    unsafe { asm!("unimp", options(noreturn, nomem, nostack)) }
}
