//! Programs for other machines are refused by the machine's name, and a file without program headers for lacking them.

use antler_parse::elf::load;

/// A file header alone: ELF64, little-endian, executable, for `machine`, with no program headers of no size.
fn header(machine: u16) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(64, 0);
    file[16..18].copy_from_slice(&2u16.to_le_bytes());
    file[18..20].copy_from_slice(&machine.to_le_bytes());
    file
}

#[test]
fn machines_that_people_build_for_by_mistake_are_named() {
    for (machine, name) in [
        (3, " (x86)"),
        (8, " (MIPS)"),
        (21, " (PowerPC 64)"),
        (22, " (s390)"),
        (40, " (Arm)"),
        (62, " (x86-64)"),
        (183, " (AArch64)"),
        (258, " (LoongArch)"),
        (4, ""),
    ] {
        let error = load(&header(machine)).unwrap_err();
        assert_eq!(error.to_string(), format!("built for machine {machine}{name}, not RISC-V"));
    }
}

/// Files without program headers often state 0 as the size of one.
#[test]
fn the_size_of_no_headers_does_not_matter() {
    assert_eq!(load(&header(243)).unwrap_err().to_string(), "no segment to load");
}
