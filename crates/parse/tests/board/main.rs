//! The device tree reader, on trees of real machines, on trees made here, and on damaged ones.

mod doorbells;
mod errors;
mod limits;
mod rules;
mod tree;

use antler_parse::board::{Board, BoardError, HEADER_SIZE, HartEntry, MAX_TREE, Range, Uart, total_size};
use proptest::prelude::*;
use tree::{hart, machine, memory, plain};

const SMP4: &[u8] = include_bytes!("../fixtures/virt-smp4.dtb");
const SMP8: &[u8] = include_bytes!("../fixtures/virt-smp8.dtb");
const QEMU72: &[u8] = include_bytes!("../fixtures/virt-qemu72.dtb");
const DISABLED: &[u8] = include_bytes!("../fixtures/virt-disabled.dtb");
const SPARSE: &[u8] = include_bytes!("../fixtures/virt-sparse.dtb");
const NO_CHOSEN: &[u8] = include_bytes!("../fixtures/virt-no-chosen.dtb");
const OPENSBI: &[u8] = include_bytes!("../fixtures/virt-opensbi.dtb");

fn range(base: u64, size: u64) -> Range {
    Range { base, size }
}

fn enabled(board: &Board) -> Vec<u64> {
    board.harts.iter().filter(|hart| hart.enabled).map(|hart| hart.id).collect()
}

#[test]
fn qemu_virt_is_read_whole() {
    let board = Board::read(SMP4).unwrap();
    assert_eq!(enabled(&board), [0, 1, 2, 3]);
    assert!(
        board.harts.iter().all(|hart| hart.sv39 && hart.has_d && hart.isa.starts_with("rv64imafdch_zic64b_"))
    );
    assert_eq!(board.timebase, 10_000_000);
    assert_eq!(board.memory, [range(0x8000_0000, 0x800_0000)]);
    assert_eq!(board.reserved, []);
    assert_eq!(board.uart, Some(Uart { range: range(0x1000_0000, 0x100), reg_shift: 0, io_width: 1 }));
    assert_eq!(board.test, Some(range(0x10_0000, 0x1000)));
    let slots: Vec<Range> = (1..=8).map(|slot| range(0x1000_0000 + slot * 0x1000, 0x1000)).collect();
    assert_eq!(board.virtio, slots);
    assert_eq!(board.initrd, None);
    assert_eq!((board.bootargs.as_str(), board.model.as_str()), ("", "riscv-virtio,qemu"));
}

#[test]
fn harts_of_other_machines() {
    assert_eq!(enabled(&Board::read(SMP8).unwrap()), [0, 1, 2, 3, 4, 5, 6, 7]);
    let sparse = Board::read(SPARSE).unwrap();
    assert_eq!((enabled(&sparse), sparse.harts.len()), (vec![0, 4, 5, 7], 8));
    let disabled = Board::read(DISABLED).unwrap();
    assert_eq!(enabled(&disabled), [0, 1, 3]);
    assert!(!disabled.harts[2].enabled);
    let old = Board::read(QEMU72).unwrap();
    assert_eq!((enabled(&old), old.virtio.len()), (vec![0, 1], 8));
    assert!(old.harts.iter().all(|hart| hart.sv39 && hart.has_d));
}

#[test]
fn nothing_is_lost_behind_what_opensbi_cut_out() {
    assert!(OPENSBI.windows(8).any(|window| window == [0, 0, 0, 4, 0, 0, 0, 4]));
    let board = Board::read(OPENSBI).unwrap();
    assert_eq!((enabled(&board), board.virtio.len()), (vec![0, 1, 2, 3], 8));
    assert!(board.uart.is_some() && board.test.is_some());
    assert_eq!(board.reserved, [range(0x8000_0000, 0x4_0000), range(0x8004_0000, 0x2_0000)]);
    assert_eq!(board.initrd, Some(range(0x8420_0000, 70_000)));
    assert_eq!(board.bootargs, "selftest");
}

#[test]
fn without_chosen_the_first_uart_serves() {
    let board = Board::read(NO_CHOSEN).unwrap();
    assert_eq!(board.uart, Board::read(SMP4).unwrap().uart);
    assert_eq!((board.initrd, board.bootargs.as_str()), (None, ""));
}

fn uart(tree: tree::Tree, base: u32) -> tree::Tree {
    tree.begin(&format!("serial@{base:x}"))
        .bytes("compatible", b"snps,dw-apb-uart\0ns16550a\0")
        .cells("reg", &[0, base, 0, 0x100])
}

#[test]
fn the_console_is_the_one_stdout_path_names() {
    let choose = |path: &str| {
        let blob = plain(|t| {
            t.begin("aliases")
                .text("serial1", "/bus/serial@2000")
                .end()
                .begin("chosen")
                .text("stdout-path", path)
                .end()
                .with(|t| uart(t, 0x1000).end())
                .begin("bus")
                .cells("#address-cells", &[2])
                .cells("#size-cells", &[2])
                .bytes("ranges", b"")
                .with(|t| uart(t, 0x2000).cells("reg-shift", &[2]).cells("reg-io-width", &[4]).end())
                .with(|t| uart(t, 0x3000).text("status", "disabled").end())
                .end()
        });
        Board::read(&blob).unwrap().uart.unwrap()
    };
    let second = Uart { range: range(0x2000, 0x100), reg_shift: 2, io_width: 4 };
    for path in ["/bus/serial@2000", "/bus/serial@2000:115200n8", "serial1", "serial1:9600", "/bus/serial"] {
        assert_eq!(choose(path), second, "{path}");
    }
    for path in ["/bus/serial@3000", "/nowhere", "serial9", "", "/", "/bus"] {
        assert_eq!(choose(path).range.base, 0x1000, "{path}");
    }
}

#[test]
fn registers_are_translated_through_buses() {
    let device = |base: u32| {
        plain(|t| {
            t.begin("outer")
                .cells("#address-cells", &[1])
                .cells("#size-cells", &[1])
                .cells("ranges", &[0x100, 0, 0x9000_0000, 0x100, 0x4000, 1, 0, 0x1000])
                .begin("inner")
                .cells("#address-cells", &[1])
                .cells("#size-cells", &[1])
                .bytes("ranges", b"")
                .begin("virtio")
                .text("compatible", "virtio,mmio")
                .cells("reg", &[base, 0x80])
                .end()
                .end()
                .end()
        })
    };
    assert_eq!(Board::read(&device(0x180)).unwrap().virtio, [range(0x9000_0080, 0x80)]);
    assert_eq!(Board::read(&device(0x4f80)).unwrap().virtio, [range(0x1_0000_0f80, 0x80)]);
    let lost = BoardError::Unreachable { node: "virtio".into(), range: range(0x1c0, 0x80) };
    assert_eq!(Board::read(&device(0x1c0)), Err(lost));
}

#[test]
fn isa_from_either_kind_of_property() {
    let isa = |f: &dyn Fn(tree::Tree) -> tree::Tree| {
        let blob = machine(
            |t| f(t.begin("cpu@0").cells("reg", &[0]).text("status", "ok")).end(),
            |t| memory(t, 0, 0x1000),
        );
        let HartEntry { isa, has_d, sv39, .. } = Board::read(&blob.build()).unwrap().harts.remove(0);
        assert!(!sv39);
        (isa, has_d)
    };
    let list = isa(&|t| {
        t.text("riscv,isa-base", "rv64i").bytes("riscv,isa-extensions", b"i\0m\0a\0f\0d\0c\0zicsr\0sstc\0")
    });
    assert_eq!(list, ("rv64imafdc_zicsr_sstc".into(), true));
    assert_eq!(isa(&|t| t), (String::new(), false));
    for (text, has_d) in [
        ("rv64imac_zicsr_zdinx", false),
        ("rv64imacsstc_d", false),
        ("rv64gc", true),
        ("rv64i2p1m2p0a2p1f2p2d2p2", true),
        ("d", false),
        ("", false),
    ] {
        assert_eq!(isa(&|t| t.text("riscv,isa", text)), (text.into(), has_d));
    }
}

#[test]
fn odd_but_valid_trees() {
    // NOPs wherever they may stand, 64-bit ids and frequencies, memory in several pieces, reservations of both kinds.
    let blob = tree::Tree::default()
        .reserve(0x8800_0000, 0x1000)
        .begin("")
        .nop()
        .text("model", "odd")
        .nop()
        .begin("cpus")
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[0])
        .nop()
        .cells("timebase-frequency", &[1, 0])
        .nop()
        .begin("cpu@b")
        .nop()
        .cells("reg", &[0xffff_ffff, 0xffff_fffe])
        .end()
        .nop()
        .begin("cpu@a")
        .cells("reg", &[0, 7])
        .end()
        .begin("cpu-map")
        .end()
        .end()
        .nop()
        .begin("memory@1")
        .text("device_type", "memory")
        .cells("reg", &[2, 0, 0x1000, 1, 0, 0x1000, 0, 0, 0])
        .end()
        .begin("memory@2")
        .text("device_type", "memory")
        .text("status", "disabled")
        .cells("reg", &[1, 0, 0x1000])
        .end()
        .begin("reserved-memory")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[1])
        .bytes("ranges", b"")
        .begin("a")
        .cells("reg", &[0x1000, 0x1000])
        .end()
        .begin("b")
        .cells("size", &[0x1000])
        .end()
        .begin("c")
        .cells("reg", &[0x3000, 0x1000])
        .text("status", "disabled")
        .end()
        .end()
        .begin("chosen")
        .cells("linux,initrd-start", &[0x4000])
        .cells("linux,initrd-end", &[0, 0x5000])
        .text("bootargs", "stats facts=all")
        .end()
        .end();
    let mut blob = blob.build();
    // What follows the tree is not part of it.
    blob.extend([0xff; 100]);
    let board = Board::read(&blob).unwrap();
    assert_eq!(board.harts.iter().map(|hart| hart.id).collect::<Vec<_>>(), [7, 0xffff_ffff_ffff_fffe]);
    assert_eq!(board.timebase, 1 << 32);
    assert_eq!(board.memory, [range(1 << 32, 0x1000), range(2 << 32, 0x1000)]);
    assert_eq!(board.reserved, [range(0x1000, 0x1000), range(0x8800_0000, 0x1000)]);
    assert_eq!(board.initrd, Some(range(0x4000, 0x1000)));
    assert_eq!((board.bootargs.as_str(), board.model.as_str()), ("stats facts=all", "odd"));
    assert_eq!((board.uart, board.test, board.virtio.len()), (None, None, 0));
}

#[test]
fn the_header_alone_tells_the_size() {
    assert_eq!(total_size(&SMP4[..HEADER_SIZE]), Ok(SMP4.len()));
    assert_eq!(total_size(&SMP4[..39]), Err(BoardError::Truncated { need: 40, have: 39 }));
    assert_eq!(total_size(&[0; 40]), Err(BoardError::BadMagic(0)));
    for size in [39, MAX_TREE + 1, u32::MAX as usize] {
        let mut header = SMP4[..HEADER_SIZE].to_vec();
        header[4..8].copy_from_slice(&(size as u32).to_be_bytes());
        assert_eq!(total_size(&header), Err(BoardError::BadTotalSize(size)));
    }
}

#[test]
fn range_arithmetic_at_the_edges() {
    let last = range(u64::MAX, 1);
    assert_eq!((last.end(), last.contains(u64::MAX), last.contains(0)), (u64::MAX, true, false));
    assert!(range(0, u64::MAX).overlaps(range(5, 1)) && range(5, 1).overlaps(range(0, 6)));
    assert!(!range(0, 5).overlaps(range(5, 1)) && !range(5, 1).overlaps(range(0, 5)));
    assert!(!range(5, 0).overlaps(range(0, 10)) && !range(0, 10).overlaps(range(5, 0)));
}

/// What [`Board`] promises of any tree it accepts.
fn holds(board: &Board) {
    assert!(board.harts.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert!((1..=512).contains(&board.harts.iter().filter(|hart| hart.enabled).count()));
    assert!(board.timebase > 0 && !board.memory.is_empty());
    assert!(board.memory.windows(2).all(|pair| pair[0].end() <= pair[1].base));
    let all = board.memory.iter().chain(&board.reserved).chain(&board.virtio).chain(&board.initrd);
    assert!(all.clone().all(|range| range.size > 0 && range.base.checked_add(range.size).is_some()));
    assert!(board.virtio.is_sorted() && board.reserved.is_sorted());
}

fn try_read(bytes: &[u8]) {
    match Board::read(bytes) {
        Ok(board) => holds(&board),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

#[test]
fn every_truncation_is_an_error() {
    for len in 0..OPENSBI.len() {
        assert!(Board::read(&OPENSBI[..len]).is_err(), "{len}");
    }
}

#[test]
fn every_truncation_with_a_size_that_agrees_is_survived() {
    for len in HEADER_SIZE..OPENSBI.len() {
        let mut blob = OPENSBI[..len].to_vec();
        blob[4..8].copy_from_slice(&(len as u32).to_be_bytes());
        try_read(&blob);
    }
}

#[test]
fn every_word_replaced_is_survived() {
    for at in (4..QEMU72.len() - 4).step_by(4) {
        for word in [0u32, 1, 2, 3, 4, 9, 0x7fff_ffff, u32::MAX] {
            let mut blob = QEMU72.to_vec();
            blob[at..at + 4].copy_from_slice(&word.to_be_bytes());
            try_read(&blob);
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_are_survived(mut bytes in proptest::collection::vec(any::<u8>(), 0..2000), header: bool) {
        if header && bytes.len() >= HEADER_SIZE {
            bytes[..HEADER_SIZE].copy_from_slice(&OPENSBI[..HEADER_SIZE]);
            let len = bytes.len() as u32;
            bytes[4..8].copy_from_slice(&len.to_be_bytes());
        }
        try_read(&bytes);
    }

    #[test]
    fn flipped_bits_are_survived(
        flips in proptest::collection::vec((0..OPENSBI.len(), 0..8u8), 1..20),
    ) {
        let mut blob = OPENSBI.to_vec();
        for (at, bit) in flips {
            blob[at] ^= 1 << bit;
        }
        try_read(&blob);
    }

    #[test]
    fn harts_round_trip(ids in proptest::collection::btree_map(any::<u32>(), any::<bool>(), 1..40)) {
        let blob = machine(
            |mut t| {
                for (&id, &enabled) in ids.iter().rev() {
                    let status = if enabled { "okay" } else { "disabled" };
                    t = t.begin(&format!("cpu@{id:x}")).cells("reg", &[id]).text("status", status).end();
                }
                t
            },
            |t| memory(t, 0, 1),
        )
        .build();
        match Board::read(&blob) {
            Ok(board) => {
                let read: Vec<(u64, bool)> = board.harts.iter().map(|hart| (hart.id, hart.enabled)).collect();
                let written: Vec<(u64, bool)> = ids.iter().map(|(&id, &on)| (u64::from(id), on)).collect();
                prop_assert_eq!(read, written);
            }
            Err(error) => {
                prop_assert_eq!(error, BoardError::NoEnabledHart);
                prop_assert!(!ids.values().any(|&on| on));
            }
        }
    }
}

#[test]
fn five_hundred_and_twelve_harts_fit() {
    let many =
        |count: u32| machine(|t| (0..count).fold(t, |t, id| hart(t, id * 3)), |t| memory(t, 0, 1)).build();
    assert_eq!(Board::read(&many(512)).unwrap().harts.len(), 512);
    assert_eq!(Board::read(&many(513)), Err(BoardError::TooManyHarts(513)));
}
