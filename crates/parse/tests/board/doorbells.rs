//! Doorbells that need no firmware.

use antler_parse::board::{Board, BoardError, DoorbellKind};

use crate::tree::{Tree, machine, memory};

const ACLINT: &[u8] = include_bytes!("../fixtures/virt-aclint.dtb");
const IMSIC: &[u8] = include_bytes!("../fixtures/virt-imsic.dtb");
const GROUPS: &[u8] = include_bytes!("../fixtures/virt-imsic-groups.dtb");
const PLAIN: &[u8] = include_bytes!("../fixtures/virt-smp4.dtb");

fn of(blob: &[u8]) -> Vec<(DoorbellKind, u64, u64)> {
    let board = Board::read(blob).unwrap();
    let all: Vec<_> = board.doorbells.iter().map(|bell| (bell.kind, bell.hart, bell.address)).collect();
    for &(kind, hart, address) in &all {
        assert_eq!(board.doorbell(kind, hart), Some(address));
    }
    assert_eq!(board.doorbell(DoorbellKind::Sswi, 77), None);
    all
}

#[test]
fn qemu_has_them_by_its_arguments() {
    assert_eq!(of(PLAIN), []);
    let sswi: Vec<_> = (0..4).map(|hart| (DoorbellKind::Sswi, hart, 0x2f0_0000 + 4 * hart)).collect();
    assert_eq!(of(ACLINT), sswi);
    let imsic = |address: fn(u64) -> u64| -> Vec<_> {
        (0..4).map(|hart| (DoorbellKind::Imsic, hart, address(hart))).collect()
    };
    assert_eq!(of(IMSIC), imsic(|hart| 0x2800_0000 + 0x1000 * hart));
    assert_eq!(of(GROUPS), imsic(|hart| 0x2800_0000 + hart / 2 * 0x100_0000 + hart % 2 * 0x1000));
}

/// Hart 3 with controller 30, hart 1 with 10, and what follows them at the root.
fn board(root: impl FnOnce(Tree) -> Tree) -> Vec<u8> {
    let cpu = |tree: Tree, id: u32| {
        tree.begin(&format!("cpu@{id}"))
            .cells("reg", &[id])
            .begin("interrupt-controller")
            .text("compatible", "riscv,cpu-intc")
            .cells("phandle", &[10 * id])
            .end()
            .end()
    };
    machine(|tree| cpu(cpu(tree, 3), 1), |tree| root(memory(tree, 0x8000_0000, 0x1000))).build()
}

fn device(compatible: &'static str, reg: &'static [u32], pairs: &'static [u32]) -> impl Fn(Tree) -> Tree {
    move |tree| {
        let tree = tree.begin("it@0").text("compatible", compatible);
        tree.cells("reg", reg).cells("interrupts-extended", pairs)
    }
}

#[test]
fn a_register_is_the_harts_whose_controller_is_named_in_its_place() {
    // Controller 20 is no hart's; the second register of hart 1 is not looked at; interrupt 3 is M-mode's.
    let sswi = device("riscv,aclint-sswi", &[0, 0x100, 0, 24], &[30, 1, 20, 1, 10, 1, 10, 1, 30, 3]);
    let both = board(|tree| sswi(tree).end());
    assert_eq!(of(&both), [(DoorbellKind::Sswi, 1, 0x108), (DoorbellKind::Sswi, 3, 0x100)]);
    let off = board(|tree| sswi(tree).text("status", "disabled").end());
    assert_eq!(of(&off), []);
    // Two groups, each hart's file behind one of a guest; M-mode's files are another node's.
    let reg = &[0, 0x10000, 0, 0x2000, 0, 0x40000, 0, 0x2000];
    let imsic = device("riscv,imsics", reg, &[10, 9, 30, 9]);
    let machine = device("riscv,imsics", reg, &[10, 11, 30, 11]);
    let guests = board(|tree| imsic(tree).cells("riscv,guest-index-bits", &[1]).end().with(&machine).end());
    assert_eq!(of(&guests), [(DoorbellKind::Imsic, 1, 0x10000), (DoorbellKind::Imsic, 3, 0x40000)]);
    let plain = board(|tree| imsic(tree).end());
    assert_eq!(of(&plain), [(DoorbellKind::Imsic, 1, 0x10000), (DoorbellKind::Imsic, 3, 0x11000)]);
}

#[test]
fn a_register_of_several_harts_is_nobodys() {
    let reg = &[0, 0x100, 0, 4, 0, 0x100, 0, 4, 0, 0x100, 0, 4];
    let twice = device("riscv,aclint-sswi", reg, &[30, 1, 10, 1]);
    assert_eq!(of(&board(|tree| twice(tree).end())), []);
    let own = device("riscv,aclint-sswi", reg, &[30, 1, 30, 1]);
    assert_eq!(of(&board(|tree| own(tree).end())), [(DoorbellKind::Sswi, 3, 0x100)]);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let says = |blob: Vec<u8>, text: &str| {
        assert_eq!(Board::read(&blob).unwrap_err().to_string(), format!("device tree: node `it@0`: {text}"));
    };
    let short = device("riscv,aclint-sswi", &[0, 0x100, 0, 7], &[30, 1, 10, 1]);
    says(board(|tree| short(tree).end()), "property `reg` is not a register for each hart");
    let odd = device("riscv,imsics", &[0, 0, 0, 0x4000], &[30, 9, 10]);
    let expected = "property `interrupts-extended` is not pairs of an interrupt controller and an interrupt";
    says(board(|tree| odd(tree).end()), expected);
    let askew = device("riscv,aclint-sswi", &[0, 0x102, 0, 8], &[30, 1]);
    says(board(|tree| askew(tree).end()), "property `reg` is not registers on multiples of their size");
    let wide = device("riscv,imsics", &[0, 0, 0, 0x4000], &[]);
    let wide = board(|tree| wide(tree).cells("riscv,guest-index-bits", &[8]).end());
    says(wide, "property `riscv,guest-index-bits` is not 0 to 7");
    let pairs: Vec<u32> = (0..2 * 8193).map(|at| if at % 2 == 0 { 30 } else { 1 }).collect();
    let many = board(|tree| {
        let tree = tree.begin("it@0").text("compatible", "riscv,aclint-sswi");
        tree.cells("reg", &[0, 0, 0, 4 * 8193]).cells("interrupts-extended", &pairs).end()
    });
    assert_eq!(
        Board::read(&many).unwrap_err(),
        BoardError::TooMany { what: "doorbell registers", limit: 8192 }
    );
    let groups: Vec<u32> = (0..513).flat_map(|group| [0, group * 0x1000, 0, 0x1000]).collect();
    let many =
        board(|tree| tree.begin("it@0").text("compatible", "riscv,imsics").cells("reg", &groups).end());
    let what = "ranges of one doorbell device";
    assert_eq!(Board::read(&many).unwrap_err(), BoardError::TooMany { what, limit: 512 });
}
