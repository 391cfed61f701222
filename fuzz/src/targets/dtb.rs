//! The device tree reader.

use antler_parse::board::{Board, HEADER_SIZE, MAX_HARTS, MAX_TREE, Range, total_size};
use antler_parse::bootargs::BootArgs;

use super::readable;

pub(super) const WORDS: &[&[u8]] = &[
    b"\0\0\0\x01",
    b"\0\0\0\x02",
    b"\0\0\0\x03",
    b"\0\0\0\x04",
    b"\0\0\0\x09",
    b"disabled\0",
    b"okay\0",
    b"memory\0",
    b"ns16550a\0",
    b"virtio,mmio\0",
    b"riscv,aclint-sswi\0",
    b"riscv,imsics\0",
    b"reg\0",
    b"status\0",
];

pub(super) fn run(data: &[u8]) {
    read(data);
    if data.len() >= HEADER_SIZE {
        // Magic and total size made right, or every mutant that changed its length would end at the header.
        let mut whole = data.to_vec();
        whole[..4].copy_from_slice(&0xd00d_feed_u32.to_be_bytes());
        whole[4..8].copy_from_slice(&(data.len() as u32).to_be_bytes());
        read(&whole);
    }
}

fn read(data: &[u8]) {
    let size = total_size(data);
    if let Ok(size) = size {
        assert!((HEADER_SIZE..=MAX_TREE).contains(&size));
        assert_eq!(data[4..8], (size as u32).to_be_bytes());
    }
    match Board::read(data) {
        Ok(board) => {
            let size = size.expect("a board was read from a header that says no size");
            assert!(size <= data.len(), "read past the end");
            holds(&board);
            // Nothing behind the tree matters.
            let mut longer = data[..size].to_vec();
            assert_eq!(Board::read(&longer).as_ref(), Ok(&board));
            longer.extend([0xd0, 0x0d, 0xfe]);
            assert_eq!(Board::read(&longer).as_ref(), Ok(&board));
            assert!(Board::read(&data[..size - 1]).is_err(), "a tree cut short");
            if let Err(error) = BootArgs::parse(&board.bootargs) {
                readable(&error);
            }
        }
        Err(error) => {
            // Node names are quoted in full, and one node may have a long name.
            assert!(error.to_string().len() < data.len() + 512);
            assert!(!error.to_string().is_empty());
        }
    }
}

fn fits(range: &Range) -> bool {
    range.size > 0 && range.base.checked_add(range.size).is_some()
}

/// What `Board` promises, read anew from its documentation.
fn holds(board: &Board) {
    let enabled = board.harts.iter().filter(|hart| hart.enabled).count();
    assert!((1..=MAX_HARTS).contains(&enabled), "{enabled} harts enabled");
    assert!(board.harts.len() <= 4096);
    assert!(
        board.harts.windows(2).all(|pair| pair[0].id < pair[1].id),
        "hart ids not unique, or not ascending"
    );
    assert!(board.harts.iter().map(|hart| hart.isa.len()).sum::<usize>() <= 256 << 10);
    assert!(board.timebase > 0);
    assert!((1..=1024).contains(&board.memory.len()) && board.reserved.len() <= 1024);
    assert!(board.memory.iter().chain(&board.reserved).all(fits));
    assert!(board.memory.is_sorted() && board.reserved.is_sorted() && board.virtio.is_sorted());
    for (index, one) in board.memory.iter().enumerate() {
        assert!(board.memory[index + 1..].iter().all(|other| !one.overlaps(*other)), "RAM overlaps");
    }
    assert!(board.virtio.len() <= 256 && board.virtio.iter().all(fits));
    if let Some(uart) = board.uart {
        assert!(fits(&uart.range) && uart.reg_shift <= 8 && [1, 2, 4].contains(&uart.io_width));
    }
    assert!(
        board.doorbells.windows(2).all(|pair| (pair[0].kind, pair[0].hart) < (pair[1].kind, pair[1].hart))
    );
    for bell in &board.doorbells {
        assert!(board.harts.iter().any(|hart| hart.id == bell.hart), "a doorbell of nobody");
        assert_eq!(board.doorbell(bell.kind, bell.hart), Some(bell.address));
    }
    assert!(board.test.iter().chain(&board.initrd).all(fits));
    assert!(board.bootargs.len() <= 4096 && board.model.len() <= 4096);
    assert!(!board.bootargs.contains('\0') && !board.model.contains('\0'));
}
