//! From the first instruction to `exit`, and what a panic does.

use crate::sync::Mutex;
use crate::sys;

/// The program's name, for the panic message.
static NAME: Mutex<&'static str> = Mutex::new("?");

/// Runs a program: `main` to its end, then [`sys::exit`] with what it returned. [`main!`](crate::main) calls it.
pub fn start(name: &'static str, main: fn() -> i32) -> ! {
    *NAME.lock() = name;
    sys::exit(main())
}

/// What a program does when somebody starts it on the host: says so, and exits 2.
#[cfg(not(target_os = "none"))]
pub fn refuse_host(name: &str) -> ! {
    eprintln!("{name}: a program for Antler; boot it with `cargo xtask run -- {name}`");
    std::process::exit(2)
}

/// Makes `$main`, a `fn() -> i32`, the program: what it returns is the exit code.
///
/// The crate needs `#![cfg_attr(target_os = "none", no_std, no_main)]`. On a host the program only says that it is
/// for Antler. The function must not be called `main`, which is the host's.
#[macro_export]
macro_rules! main {
    ($main:path) => {
        // The kernel jumps here with `sp` at the top of a fresh stack and every other register 0, which is all that a
        // function without arguments needs; a later panic ends the program, so nothing returns to the zero in `ra`.
        #[cfg(target_os = "none")]
        // SAFETY: the linker script's entry is the only other mention of this name, and wants this very function.
        #[unsafe(no_mangle)]
        extern "C" fn _start() -> ! {
            $crate::start(env!("CARGO_BIN_NAME"), $main)
        }

        #[cfg(not(target_os = "none"))]
        fn main() {
            let _: fn() -> i32 = $main;
            $crate::refuse_host(env!("CARGO_BIN_NAME"))
        }
    };
}

/// Exit code of a program that panicked.
#[cfg(target_os = "none")]
const EXIT_PANIC: i32 = 101;

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    use core::fmt::Write;

    // The lock is held for one store in `start`; a panic cannot come from there, and must not wait in any case.
    let name = NAME.try_lock().map_or("?", |name| *name);
    let mut line = crate::io::Console::new();
    let _ = match info.location() {
        Some(at) => writeln!(line, "{name}: panicked at {at}: {}", info.message()),
        None => writeln!(line, "{name}: panicked: {}", info.message()),
    };
    // An error of the console has nowhere to be reported to.
    let _ = line.flush();
    sys::exit(EXIT_PANIC)
}
