//! Registers that a hart may have or not, and that firmware may keep to itself: asked for by reading them.

use core::arch::naked_asm;

/// Whether this hart lets S-mode have the register.
///
/// ```text
/// in:  S-mode, sstatus.SIE = 0   out: a0 = 1: it can be read; 0: reading it traps. stvec as it was, t0 to t2 changed
/// ```
///
/// # Safety
/// The hart has nothing in `sepc`, `scause`, `stval` and `sstatus.SPP` that anybody needs.
#[unsafe(naked)]
#[unsafe(link_section = ".text.trap.probe")] // a section of its own, so that the alignment is the label's too
pub(crate) unsafe extern "C" fn answers<const CSR: usize>() -> bool {
    naked_asm!(
        ".balign 4",
        "csrr t1, stvec",
        "la   t0, 1f",
        "csrw stvec, t0",
        "li   a0, 0",
        "csrr t2, {csr}",
        "li   a0, 1",
        ".balign 4",
        "1:   csrw stvec, t1",
        "ret",
        csr = const CSR,
    )
}
