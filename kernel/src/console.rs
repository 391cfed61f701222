//! The console: firmware's debug console where there is one, else the UART. Lines of the kernel stand on lines of their
//! own, whatever programs write.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering};

use antler_parse::board::Uart;
use antler_sync::Lock;
use spin::Once;

use crate::machine::Here;
use crate::memory::layout::{to_physical, to_virtual};
use crate::sbi;

/// Bytes handed to firmware at a time.
const BUFFER: usize = 512;

/// How often a port is asked whether it can take a byte, or firmware to take some, before the output is given up.
const PATIENCE: usize = 1 << 20;

#[derive(Clone, Copy)]
enum Port {
    Dbcn,
    Uart(Uart),
}

/// Chosen once, at boot; until then output is dropped.
static PORT: Once<Port> = Once::new();

struct Console {
    buffer: [u8; BUFFER],
    len: usize,
    line_start: bool,
}

static CONSOLE: Lock<Console, { u8::MAX }> =
    Lock::new(Console { buffer: [0; BUFFER], len: 0, line_start: true });

/// Set by the hart that reports the machine's end: it takes no lock, because whoever has it may have stopped.
static LAST_WORDS: AtomicBool = AtomicBool::new(false);

impl Console {
    fn put(&mut self, byte: u8) {
        if self.len == BUFFER {
            self.flush();
        }
        self.buffer[self.len] = byte;
        self.len += 1;
        self.line_start = byte == b'\n';
    }

    fn flush(&mut self) {
        match PORT.get() {
            None => {}
            Some(Port::Dbcn) => {
                let start = to_physical(self.buffer.as_ptr() as usize);
                let mut at = 0;
                for _ in 0..PATIENCE {
                    match sbi::console_write(start + at as u64, self.len - at) {
                        Ok(n) if at + n < self.len => at += n,
                        Ok(_) | Err(_) => break,
                    }
                }
            }
            Some(Port::Uart(uart)) => self.buffer[..self.len].iter().for_each(|&byte| uart_put(uart, byte)),
        }
        self.len = 0;
    }
}

/// Writes without a lock and without a buffer.
struct Direct;

impl Write for Direct {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| match PORT.get() {
            None => {}
            Some(Port::Dbcn) => sbi::console_write_byte(byte),
            Some(Port::Uart(uart)) => uart_put(uart, byte),
        });
        Ok(())
    }
}

/// ns16550: transmit holding register at 0, line status at 5, bit 5 of which says that there is room.
fn uart_put(uart: &Uart, byte: u8) {
    let register = |index: usize| to_virtual(uart.range.base) + (index << uart.reg_shift);
    for _ in 0..PATIENCE {
        // SAFETY: the device tree says that these are the UART's registers, and they are mapped for the kernel.
        let status = unsafe {
            match uart.io_width {
                4 => (register(5) as *const u32).read_volatile() as u8,
                _ => (register(5) as *const u8).read_volatile(),
            }
        };
        if status & 0x20 != 0 {
            break;
        }
    }
    // SAFETY: as above.
    unsafe {
        match uart.io_width {
            4 => (register(0) as *mut u32).write_volatile(u32::from(byte)),
            _ => (register(0) as *mut u8).write_volatile(byte),
        }
    }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.put(byte));
        Ok(())
    }
}

/// Chooses the port: firmware's if it has one, else the UART of the device tree.
pub(crate) fn init(uart: Option<Uart>) {
    if sbi::has(sbi::Extension::Dbcn) {
        PORT.call_once(|| Port::Dbcn);
    } else if let Some(uart) = uart {
        PORT.call_once(|| Port::Uart(uart));
    }
}

/// Which port it is, in words.
pub(crate) fn port_name() -> &'static str {
    match PORT.get() {
        None => "nothing",
        Some(Port::Dbcn) => "SBI debug console",
        Some(Port::Uart(_)) => "UART",
    }
}

/// From now on this hart alone writes, without a lock.
pub(crate) fn begin_last_words() {
    LAST_WORDS.store(true, Ordering::Release);
    // Whatever line another hart was in the middle of ends here.
    let _ = Direct.write_str("\n");
}

/// Writes a kernel line, on a line of its own.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    // Neither writer can fail.
    if LAST_WORDS.load(Ordering::Acquire) {
        let _ = Direct.write_fmt(format_args!("{text}\n"));
        return;
    }
    CONSOLE.with(&Here, |console| {
        if !console.line_start {
            console.put(b'\n');
        }
        let _ = console.write_fmt(text);
        console.put(b'\n');
        console.flush();
    });
}

/// Writes a program's bytes as they are.
pub(crate) fn bytes(bytes: &[u8]) {
    CONSOLE.with(&Here, |console| {
        bytes.iter().for_each(|&byte| console.put(byte));
        console.flush();
    });
}

/// Prints a line of the kernel's.
macro_rules! say {
    ($($text:tt)*) => { $crate::console::line(format_args!($($text)*)) };
}
