//! Asks for memory until there is none. Being refused is the expected end, and nobody else is to notice.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

extern crate alloc;

use alloc::vec::Vec;

use antler_rt::abi::CHUNK;
use antler_rt::{Error, println, sys};

/// Bytes asked for at a time, while the heap has them.
const BLOCK: usize = 1 << 20;

/// What every byte of a block is set to.
const MARK: u8 = 0xa5;

fn run() -> i32 {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    // Ends when memory does, and at the latest with the heap's address window.
    loop {
        let mut block = Vec::new();
        if blocks.try_reserve(1).is_err() || block.try_reserve_exact(BLOCK).is_err() {
            break;
        }
        // Shows that the memory is real.
        block.resize(BLOCK, MARK);
        blocks.push(block);
    }
    // A heap says only that it failed; the kernel says why.
    let (rest, error) = drain();
    if !blocks.iter().all(|block| block.iter().all(|&byte| byte == MARK)) {
        println!("hog: memory did not keep what was written to it");
        return 1;
    }
    println!("hog: {error} after {} KiB", (blocks.len() * BLOCK + rest) / 1024);
    i32::from(error != Error::NoMemory)
}

/// Maps what is left: how many bytes, and the kernel's answer to asking for more.
fn drain() -> (usize, Error) {
    let mut mapped = 0;
    loop {
        match sys::reserve(CHUNK).and_then(|start| sys::map(start, CHUNK)) {
            // A call that maps nothing without an error would go on for ever.
            Ok(0) => return (mapped, Error::Busy),
            Ok(bytes) => mapped += bytes,
            Err(error) => return (mapped, error),
        }
    }
}

antler_rt::main!(run);
