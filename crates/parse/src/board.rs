//! The machine, from its flattened device tree.
//!
//! The library that walks the tree is `dtoolkit`: it checks the whole blob, without recursion, before it hands out the
//! first node. (`flat_device_tree` does not: it stops without an error at an `FDT_NOP`, which OpenSBI leaves where it
//! removed its own nodes, and so loses every node behind it.)

mod devices;
mod doorbells;
mod error;
mod property;
mod read;
mod types;

pub use error::BoardError;
pub use types::{Board, Doorbell, DoorbellKind, HartEntry, Range, Uart};

/// Enabled harts that the kernel can run, and the bound of CPU numbers.
pub const MAX_HARTS: usize = 512;

/// Largest device tree that is read, in bytes.
pub const MAX_TREE: usize = 2 << 20;

/// Bytes of a device tree that [`total_size`] needs.
pub const HEADER_SIZE: usize = 40;

/// Size of the whole device tree in bytes, from its first [`HEADER_SIZE`] bytes (more may follow).
///
/// # Errors
/// [`BoardError::Truncated`], [`BoardError::BadMagic`], [`BoardError::BadTotalSize`].
pub fn total_size(header: &[u8]) -> Result<usize, BoardError> {
    let word = |index: usize| {
        let bytes = header.get(index * 4..index * 4 + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    let (Some(magic), Some(size), Some(_)) = (word(0), word(1), word(HEADER_SIZE / 4 - 1)) else {
        return Err(BoardError::Truncated { need: HEADER_SIZE, have: header.len() });
    };
    if magic != 0xd00d_feed {
        return Err(BoardError::BadMagic(magic));
    }
    let size = size as usize;
    if !(HEADER_SIZE..=MAX_TREE).contains(&size) {
        return Err(BoardError::BadTotalSize(size));
    }
    Ok(size)
}
