//! M-mode registers (privileged spec, "Machine-Level ISA").

/// `mie`, `mip`: supervisor software interrupt.
pub(crate) const SSI: usize = 1 << 1;
/// `mie`, `mip`: machine software interrupt.
pub(crate) const MSI: usize = 1 << 3;
/// `mie`, `mip`: machine timer interrupt.
pub(crate) const MTI: usize = 1 << 7;
/// `mstatus`: the mode that `mret` returns to.
pub(crate) const MPP: usize = 3 << 11;
/// `mstatus.MPP`: S-mode.
pub(crate) const MPP_S: usize = 1 << 11;

macro_rules! read {
    ($($(#[doc = $doc:literal])+ $name:ident, $csr:literal;)*) => { $(
        $(#[doc = $doc])+
        pub(crate) fn $name() -> usize {
            let value: usize;
            // SAFETY: reads a register.
            unsafe { core::arch::asm!(concat!("csrr {}, ", $csr), out(reg) value, options(nomem, nostack)) };
            value
        }
    )* };
}

macro_rules! change {
    ($($(#[doc = $doc:literal])+ $name:ident, $instruction:literal, $csr:literal;)*) => { $(
        $(#[doc = $doc])+
        pub(crate) fn $name(value: usize) {
            // SAFETY: changes a register of this hart that Rust code does not depend on: M-mode interrupts are off while
            // it runs, and the others concern S-mode. No `nomem`: memory accesses stay on their side of it.
            unsafe { core::arch::asm!(concat!($instruction, " ", $csr, ", {}"), in(reg) value, options(nostack)) };
        }
    )* };
}

read! {
    /// This hart's id.
    hart_id, "mhartid";
    /// The clock, in ticks.
    time, "time";
    /// Why it trapped.
    cause, "mcause";
    /// Where it trapped.
    pc, "mepc";
    /// The address that went with the trap.
    value, "mtval";
}

change! {
    /// Where `mret` returns to.
    set_pc, "csrw", "mepc";
    /// Which interrupts M-mode takes, and S-mode may.
    enable_only, "csrw", "mie";
    /// More of them.
    enable, "csrs", "mie";
    /// Fewer of them.
    disable, "csrc", "mie";
    /// Makes S-mode's interrupts pending.
    raise, "csrs", "mip";
    /// Takes them back.
    lower, "csrc", "mip";
    /// Sets bits of `mstatus`.
    status_on, "csrs", "mstatus";
    /// Clears bits of `mstatus`.
    status_off, "csrc", "mstatus";
    /// Exceptions that go to S-mode.
    delegate_exceptions, "csrw", "medeleg";
    /// Interrupts that go to S-mode.
    delegate_interrupts, "csrw", "mideleg";
    /// Counters that S-mode may read.
    open_counters, "csrw", "mcounteren";
    /// What S-mode is given: bit 63 is its own timer compare register (Sstc).
    set_environment, "csrw", "0x30a";
    /// S-mode's timer (Sstc), in ticks.
    set_supervisor_timer, "csrw", "0x14d";
    /// Physical memory protection, the first two regions' addresses and all configurations.
    set_region_0, "csrw", "pmpaddr0";
    /// See `set_region_0`.
    set_region_1, "csrw", "pmpaddr1";
    /// See `set_region_0`.
    set_regions, "csrw", "pmpcfg0";
    /// S-mode's address translation.
    set_translation, "csrw", "satp";
}

/// Sleeps until an interrupt that is enabled is pending.
pub(crate) fn wait() {
    // SAFETY: no register or memory changes; M-mode takes no interrupt while in M-mode, since `mstatus.MIE` is 0.
    unsafe { core::arch::asm!("wfi", options(nostack)) };
}

/// The end of this hart.
pub(crate) fn sleep_for_ever() -> ! {
    enable_only(0);
    loop {
        wait();
    }
}
