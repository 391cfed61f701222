//! The only place where a user program meets the kernel.

use core::arch::asm;

/// `ecall` with `number` in `a7` and six arguments: status and value.
///
/// # Safety
/// As for [`super::raw`].
#[inline(always)]
pub(super) unsafe fn ecall(number: usize, args: [usize; 6]) -> (usize, usize) {
    let (status, value);
    // SAFETY: the kernel changes what is named here and preserves every other register, FP ones included; memory is taken to
    // be read and written, as without `nomem`; what the call does is the caller's promise.
    unsafe {
        asm!(
            "ecall",
            inlateout("a7") number => _,
            inlateout("a0") args[0] => status,
            inlateout("a1") args[1] => value,
            inlateout("a2") args[2] => _,
            inlateout("a3") args[3] => _,
            inlateout("a4") args[4] => _,
            inlateout("a5") args[5] => _,
            lateout("a6") _,
            lateout("t0") _,
            lateout("t1") _,
            lateout("t2") _,
            lateout("t3") _,
            lateout("t4") _,
            lateout("t5") _,
            lateout("t6") _,
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
