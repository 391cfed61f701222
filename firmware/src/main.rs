//! The bootable firmware; all of it is in the library beside this file.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
use antler_firmware as _;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("the firmware runs on riscv64 in M-mode, not here: build it with `cargo xtask build`");
    std::process::exit(2);
}
