//! The smallest program: greets from the CPU it runs on.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

use antler_rt::{println, sys};

fn run() -> i32 {
    match sys::cpu() {
        Ok(cpu) => println!("hello from cpu{cpu}"),
        Err(error) => println!("hello: {error}"),
    }
    0
}

antler_rt::main!(run);
