//! Hands the linker script to the linker when the firmware is built for its own target.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=firmware.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
        println!("cargo:rustc-link-arg-bins=-T{here}/firmware.ld");
        println!("cargo:rustc-link-arg-bins=--no-relax");
        println!("cargo:rustc-link-arg-bins=-zmax-page-size=4096");
    }
}
