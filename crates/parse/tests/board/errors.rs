//! Every way to refuse a tree, with the text it gives.

use antler_parse::board::{Board, BoardError};

use crate::tree::{Tree, hart, machine, memory, plain};

fn refused(blob: &[u8]) -> (BoardError, String) {
    let error = Board::read(blob).unwrap_err();
    let text = error.to_string();
    (error, text)
}

#[track_caller]
fn says(blob: &[u8], text: &str) {
    let (error, said) = refused(blob);
    assert_eq!(said, format!("device tree: {text}"), "{error:?}");
}

fn ram(tree: Tree) -> Tree {
    memory(tree, 0x8000_0000, 0x1000)
}

#[test]
fn the_blob() {
    let good = plain(|t| t);
    says(&good[..30], "truncated: 40 bytes needed, 30 given");
    let short = format!("truncated: {} bytes needed, {} given", good.len(), good.len() - 1);
    says(&good[..good.len() - 1], &short);
    says(&[1; 64], "starts with 0x01010101, expected 0xd00dfeed; not a flattened device tree");
    let mut small = good.clone();
    small[4..8].copy_from_slice(&12u32.to_be_bytes());
    says(&small, "header states 12 bytes; expected 40 to 2097152");
    let mut old = good.clone();
    old[20..28].copy_from_slice(&[0, 0, 0, 3, 0, 0, 0, 1]);
    says(&old, "malformed: FDT version 3 is not supported at offset 20");
    let unended = Tree::default().begin("").begin("a").end().build();
    assert!(matches!(refused(&unended).0, BoardError::Malformed(_)));
}

#[test]
fn nesting() {
    let deep = |levels: usize| {
        let down = |t: Tree| (0..levels).fold(t, |t, _| t.begin("a"));
        plain(|t| (0..levels).fold(down(t), |t, _| t.end()))
    };
    assert!(Board::read(&deep(16)).is_ok());
    says(&deep(17), "nodes nested too deep");
    // As deep as a tree of the largest size can be: no stack is used up.
    says(&deep(170_000), "nodes nested too deep");
}

#[test]
fn harts() {
    let none = Tree::default().begin("").with(ram).end().build();
    says(&none, "no /cpus");
    says(&machine(|t| t, ram).build(), "no hart in /cpus is enabled");
    let off = |t: Tree| t.begin("cpu@0").cells("reg", &[0]).text("status", "disabled").end();
    says(&machine(off, ram).build(), "no hart in /cpus is enabled");
    let no_reg = |t: Tree| t.begin("cpu@5").text("device_type", "cpu").end();
    says(&machine(no_reg, ram).build(), "hart `/cpus/cpu@5` has no reg, so no id");
    says(&machine(|t| hart(hart(t, 9), 9), ram).build(), "two harts have the id 9");
    for reg in [&[0, 1][..], &[]] {
        let two = |t: Tree| t.begin("cpu@0").cells("reg", reg).end();
        says(&machine(two, ram).build(), "node `cpu@0`: property `reg` is not one id of one or two cells");
    }
    let listed = |t: Tree| {
        (0..4097).fold(t, |t, id| t.begin("cpu@0").cells("reg", &[id]).text("status", "disabled").end())
    };
    says(&machine(listed, ram).build(), "more than 4096 harts listed");
    let wordy = "rv64".repeat(1000);
    let wordy = |t: Tree| {
        (0..70).fold(t, |t, id| t.begin("cpu@0").cells("reg", &[id]).text("riscv,isa", &wordy).end())
    };
    says(&machine(wordy, ram).build(), "more than 262144 bytes of riscv,isa in all harts");
}

#[test]
fn timebase() {
    let with = |cells: &[u32], own: &[u32]| {
        Tree::default()
            .begin("")
            .begin("cpus")
            .cells("#address-cells", &[1])
            .cells("#size-cells", &[0])
            .with(|t| if cells.is_empty() { t } else { t.cells("timebase-frequency", cells) })
            .begin("cpu@0")
            .cells("reg", &[0])
            .with(|t| if own.is_empty() { t } else { t.cells("timebase-frequency", own) })
            .end()
            .end()
            .begin("memory")
            .text("device_type", "memory")
            .cells("reg", &[0, 0, 0x1000])
            .end()
            .end()
            .build()
    };
    assert_eq!(Board::read(&with(&[], &[5])).unwrap().timebase, 5);
    says(&with(&[], &[]), "/cpus has no timebase-frequency above 0");
    says(&with(&[0], &[]), "/cpus has no timebase-frequency above 0");
    says(
        &with(&[1, 2, 3], &[]),
        "node `cpus`: property `timebase-frequency` is not a number of one or two cells",
    );
}

#[test]
fn ranges() {
    let one = |root: fn(Tree) -> Tree| machine(|t| hart(t, 0), root).build();
    says(&one(|t| t), "no memory: no enabled node of device_type `memory` has bytes");
    says(&one(|t| memory(t, 0x1000, 0)), "no memory: no enabled node of device_type `memory` has bytes");
    says(
        &one(|t| memory(t, u64::MAX, 1)),
        "`memory@ffffffffffffffff`: 0x1 bytes from 0xffffffffffffffff end past 64 bits",
    );
    says(
        &one(|t| memory(memory(t, 0x1000, 0x1001), 0x2000, 0x1000)),
        "memory ranges overlap: 0x1000..0x2001 and 0x2000..0x3000",
    );
    let bare = |t: Tree| t.begin("memory").text("device_type", "memory").end();
    let expected = "node `memory`: property `reg` is not addresses and sizes of one or two cells each";
    says(&machine(|t| hart(t, 0), bare).build(), expected);
    let odd = |t: Tree| t.begin("memory").text("device_type", "memory").cells("reg", &[0, 0, 0]).end();
    says(&machine(|t| hart(t, 0), odd).build(), expected);
    let reserve = machine(|t| hart(t, 0), ram).reserve(u64::MAX, 2).build();
    says(&reserve, "`memory reservation block`: 0x2 bytes from 0xffffffffffffffff end past 64 bits");
    let many = (0..1025).fold(machine(|t| hart(t, 0), ram), |t, at| t.reserve(at, 1)).build();
    says(&many, "more than 1024 reserved ranges");
    let three = plain(|t| {
        t.begin("bus")
            .cells("#address-cells", &[3])
            .cells("#size-cells", &[1])
            .bytes("ranges", b"")
            .begin("v")
            .text("compatible", "virtio,mmio")
            .cells("reg", &[0, 0, 0, 0x100])
            .end()
            .end()
    });
    says(&three, "node `v`: property `reg` is not addresses and sizes of one or two cells each");
}

#[test]
fn chosen() {
    let with = |f: fn(Tree) -> Tree| plain(|t| f(t.begin("chosen")).end());
    says(
        &with(|t| t.cells("linux,initrd-start", &[0])),
        "/chosen has linux,initrd-start but no linux,initrd-end",
    );
    says(
        &with(|t| t.cells("linux,initrd-end", &[0])),
        "/chosen has linux,initrd-end but no linux,initrd-start",
    );
    says(
        &with(|t| t.cells("linux,initrd-start", &[2]).cells("linux,initrd-end", &[1])),
        "/chosen: initrd ends at 0x1, before its start 0x2",
    );
    let empty = with(|t| t.cells("linux,initrd-start", &[2]).cells("linux,initrd-end", &[2]));
    assert_eq!(Board::read(&empty).unwrap().initrd, None);
    let expected =
        "node `chosen`: property `bootargs` is not one NUL-terminated UTF-8 string of at most 4096 bytes";
    says(&with(|t| t.bytes("bootargs", b"no end")), expected);
    says(&with(|t| t.bytes("bootargs", b"\xff\0")), expected);
    says(&with(|t| t.bytes("bootargs", b"a\0b\0")), expected);
    says(&with(|t| t.text("bootargs", &"x".repeat(4097))), expected);
    let empty = with(|t| t.bytes("bootargs", b""));
    assert_eq!(Board::read(&empty).unwrap().bootargs, "");
}

#[test]
fn devices() {
    let uart = |name: &str, value: u32| {
        plain(|t| {
            t.begin("serial")
                .text("compatible", "ns16550a")
                .cells("reg", &[0, 0x1000, 0, 0x100])
                .cells(name, &[value])
                .end()
        })
    };
    says(&uart("reg-shift", 9), "node `serial`: property `reg-shift` is not 0 to 8");
    says(&uart("reg-io-width", 3), "node `serial`: property `reg-io-width` is not 1, 2 or 4");
    let test = |size: u32| {
        plain(|t| t.begin("t").text("compatible", "sifive,test1").cells("reg", &[0, 0, 0, size]).end())
    };
    assert!(Board::read(&test(1)).unwrap().test.is_some());
    says(&test(0), "node `t`: property `reg` is not a range with bytes");
    let hidden = plain(|t| {
        t.begin("bus").begin("v").text("compatible", "virtio,mmio").cells("reg", &[0, 0x100, 8]).end().end()
    });
    says(&hidden, "`v`: no bus maps its registers (0x8 bytes at 0x100)");
    let slots = |t: Tree| {
        (0..257).fold(t, |t, at| {
            t.begin("v").text("compatible", "virtio,mmio").cells("reg", &[0, at, 0, 1]).end()
        })
    };
    says(&plain(slots), "more than 256 virtio,mmio slots");
}
