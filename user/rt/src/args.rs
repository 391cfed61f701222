//! The program's arguments. Its own name is not among them.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::str;

use antler_abi::{ARGS_MAX, Error};

use crate::sys;

/// The arguments in order, read anew at each call, kept for the life of the program.
///
/// # Panics
/// When an argument is not UTF-8, or the kernel cannot give them.
pub fn args() -> impl Iterator<Item = &'static str> {
    let block: &'static [u8] = Box::leak(read().expect("the program's arguments").into_boxed_slice());
    split(block).map(|arg| str::from_utf8(arg).expect("an argument is not UTF-8"))
}

/// The raw argument block. Errors: the kernel's.
fn read() -> Result<Vec<u8>, Error> {
    let mut block = vec![0; ARGS_MAX];
    let len = sys::args(&mut block)?;
    block.truncate(len);
    Ok(block)
}

/// Cuts a block of NUL-terminated strings. Empty strings count; bytes after the last NUL do not.
fn split(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block.split_inclusive(|&byte| byte == 0).filter_map(|piece| piece.strip_suffix(&[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_every_nul_and_drops_an_unterminated_tail() {
        let cut = |block: &'static [u8]| split(block).collect::<Vec<_>>();
        assert_eq!(cut(b""), [b"" as &[u8]; 0]);
        assert_eq!(cut(b"\0"), [b""]);
        assert_eq!(cut(b"a\0bc\0\0d\0"), [b"a" as &[u8], b"bc", b"", b"d"]);
        assert_eq!(cut(b"a\0tail"), [b"a"]);
    }
}
