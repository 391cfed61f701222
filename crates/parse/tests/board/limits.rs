//! Limits are met exactly: what fills them is read, one byte more is refused.

use antler_parse::board::Board;

use crate::tree::{Tree, machine, memory};
use crate::{QEMU72, try_read};

fn read(cpus: impl FnOnce(Tree) -> Tree) -> Result<Board, String> {
    let blob = machine(cpus, |tree| memory(tree, 0x8000_0000, 0x1000)).build();
    Board::read(&blob).map_err(|error| error.to_string())
}

#[test]
fn a_bit_flipped_in_every_byte_is_survived() {
    let mut blob = QEMU72.to_vec();
    for at in 0..blob.len() {
        // Another bit in each byte: all of them would take a minute without optimisation.
        blob[at] ^= 1 << (at % 8);
        try_read(&blob);
        blob[at] ^= 1 << (at % 8);
    }
    assert_eq!(blob, QEMU72);
}

#[test]
fn isa_strings_together() {
    const LIMIT: usize = 256 << 10;
    // 64 of the longest that one hart may have, and one letter more.
    let harts = |last: usize| {
        read(|tree| {
            (0..65).fold(tree, |tree, id| {
                let isa = "r".repeat(if id == 64 { last } else { LIMIT / 64 });
                tree.begin("cpu@0").cells("reg", &[id]).text("riscv,isa", &isa).end()
            })
        })
    };
    assert_eq!(harts(0).map(|board| board.harts.len()), Ok(65));
    let refused = "device tree: more than 262144 bytes of riscv,isa in all harts";
    assert_eq!(harts(1), Err(refused.to_owned()));
}

#[test]
fn the_list_of_extensions() {
    // NUL-terminated, so as many letters and NULs as bytes.
    let list = |bytes: usize| {
        read(|tree| {
            let list: Vec<u8> = [b'a', 0].into_iter().cycle().take(bytes).collect();
            let hart = tree.begin("cpu@0").cells("reg", &[0]).text("riscv,isa-base", "rv64i");
            hart.bytes("riscv,isa-extensions", &list).end()
        })
    };
    let isa = list(4096).map(|mut board| board.harts.remove(0).isa);
    assert_eq!(isa, Ok(format!("rv64i{}", "a".repeat(2048))));
    let refused =
        "device tree: node `cpu@0`: property `riscv,isa-extensions` is not a list of at most 4096 bytes";
    assert_eq!(list(4097).unwrap_err(), refused);
    assert_eq!(list(4098).unwrap_err(), refused);
}
