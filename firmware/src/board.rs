//! The devices that firmware uses, at the fixed addresses of QEMU `virt`: interruptor and timer (CLINT), UART, and the
//! device that ends the machine.

use core::fmt;

/// Start of memory, where firmware lies.
pub(crate) const MEMORY: usize = 0x8000_0000;
/// Where the next stage lies; what is before it belongs to firmware.
pub(crate) const NEXT: usize = 0x8020_0000;

const CLINT: usize = 0x0200_0000;
const MTIMECMP: usize = CLINT + 0x4000;
const UART: usize = 0x1000_0000;
const TEST_DEVICE: usize = 0x0010_0000;

/// Ticks of the clock in a microsecond.
pub(crate) const TICKS_PER_US: u64 = 10;

/// How often the UART is asked whether it takes a byte before the byte is given up.
const PATIENCE: usize = 1 << 16;

/// What QEMU ends with when this firmware is the one that went wrong.
pub(crate) const OWN_FAILURE: u32 = 77;

fn write<T>(address: usize, value: T) {
    // SAFETY: only called with the devices' registers named above, which no Rust object shares.
    unsafe { (address as *mut T).write_volatile(value) }
}

fn read<T>(address: usize) -> T {
    // SAFETY: as for `write`; reading these registers has no effect.
    unsafe { (address as *const T).read_volatile() }
}

/// Makes a hart's M-mode software interrupt pending. Memory writes of this hart come before it.
pub(crate) fn interrupt(hart: usize) {
    // SAFETY: a fence.
    unsafe { core::arch::asm!("fence rw, ow", options(nostack, preserves_flags)) };
    write(CLINT + 4 * hart, 1_u32);
}

/// Takes a hart's M-mode software interrupt back.
pub(crate) fn calm(hart: usize) {
    write(CLINT + 4 * hart, 0_u32);
    // SAFETY: a fence: what the interrupt announced is read after it is cleared.
    unsafe { core::arch::asm!("fence ow, rw", options(nostack, preserves_flags)) };
}

/// Sets a hart's M-mode timer, in ticks; `u64::MAX` for never.
pub(crate) fn set_timer(hart: usize, ticks: u64) {
    write(MTIMECMP + 8 * hart, ticks);
}

/// One byte to the UART.
pub(crate) fn put(byte: u8) {
    for _ in 0..PATIENCE {
        if read::<u8>(UART + 5) & 0x20 != 0 {
            break;
        }
    }
    write(UART, byte);
}

/// Ends the machine; QEMU's exit code is `code`.
pub(crate) fn end(code: u32) -> ! {
    let word = match code {
        0 => 0x5555,
        code => code << 16 | 0x3333,
    };
    write(TEST_DEVICE, word);
    crate::csr::sleep_for_ever()
}

struct Uart;

impl fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(put);
        Ok(())
    }
}

/// A line on the console.
pub(crate) fn say(text: fmt::Arguments<'_>) {
    // The UART takes everything.
    let _ = fmt::Write::write_fmt(&mut Uart, format_args!("firmware: {text}\n"));
}

/// This firmware cannot go on.
pub(crate) fn give_up(why: fmt::Arguments<'_>) -> ! {
    say(format_args!("FAIL {why}"));
    end(OWN_FAILURE)
}
