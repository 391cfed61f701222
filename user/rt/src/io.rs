//! The console.

use core::fmt;

use antler_abi::Error;

use crate::sys;

/// Bytes that reach the console in one piece. Lines of different threads mix only where a line is longer than this.
pub const LINE: usize = 1024;

/// Writes all of `bytes` to the console. Errors: the kernel's, or `Busy` when it takes nothing.
pub fn write_all(mut bytes: &[u8]) -> Result<(), Error> {
    // Every round takes at least one byte or ends, so there are at most `bytes.len()`.
    while !bytes.is_empty() {
        match sys::write(bytes)? {
            0 => return Err(Error::Busy),
            written => bytes = bytes.get(written..).unwrap_or(&[]),
        }
    }
    Ok(())
}

/// Collects formatted text and hands it to the kernel in one call per [`LINE`] bytes.
pub(crate) struct Console {
    buffer: [u8; LINE],
    len: usize,
}

impl Console {
    pub(crate) fn new() -> Console {
        Console { buffer: [0; LINE], len: 0 }
    }

    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let len = core::mem::take(&mut self.len);
        write_all(&self.buffer[..len])
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut bytes = text.as_bytes();
        while !bytes.is_empty() {
            if self.len == LINE {
                self.flush().map_err(|_| fmt::Error)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(LINE - self.len));
            self.buffer[self.len..self.len + now.len()].copy_from_slice(now);
            self.len += now.len();
            bytes = later;
        }
        Ok(())
    }
}

/// What [`print!`](crate::print) does.
///
/// # Panics
/// When the console cannot be written.
#[doc(hidden)]
pub fn print(args: fmt::Arguments<'_>) {
    let mut console = Console::new();
    let formatted = fmt::Write::write_fmt(&mut console, args);
    let flushed = console.flush();
    assert!(formatted.is_ok() && flushed.is_ok(), "cannot write to the console");
}

/// Prints to the console; as `std`'s.
#[macro_export]
macro_rules! print {
    ($($arg:tt)*) => { $crate::io::print(::core::format_args!($($arg)*)) };
}

/// Prints a line to the console; as `std`'s. Lines of up to [`LINE`](crate::io::LINE) bytes stay whole whatever
/// other threads print.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    // One set of arguments with the newline in it, so that the line is one write.
    ($($arg:tt)*) => { $crate::io::print(::core::format_args!("{}\n", ::core::format_args!($($arg)*))) };
}
