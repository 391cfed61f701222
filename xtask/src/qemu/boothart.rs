//! Makes a chosen hart boot, whatever the firmware: a stub in the free space of the boot ROM.
//!
//! QEMU starts every hart at the reset vector, 0x1000, whose code jumps to the firmware; the firmware then holds a lottery.
//! With this stub every hart starts at 0x2000 instead. The chosen one goes on to the firmware with a description
//! that names it as the boot hart; the others wait for a software interrupt, which is how the firmware starts a hart,
//! and go on only then.

use std::ffi::OsString;

use anyhow::Context as _;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use object::{LittleEndian, elf};

use super::Machine;

/// Where the stub lies: in the boot ROM (0x1000 to 0xffff), behind QEMU's own code and data.
const PLACE: u64 = 0x2000;

/// Offset of the description that firmware reads through `a2` (OpenSBI's `struct fw_dynamic_info`).
const INFO: usize = 0x40;

/// The stub. QEMU's reset vector keeps the firmware's address at 0x1018 and the device tree's at 0x1020.
const CODE: [u32; 15] = [
    0x0000_0617, // auipc a2, 0           a2 = start of this stub
    0x0406_0613, // addi  a2, a2, INFO    a2 = the description
    0xf140_2573, // csrr  a0, mhartid     a0 = this hart
    0x0000_12b7, // lui   t0, 1           t0 = 0x1000
    0x0202_b583, // ld    a1, 0x20(t0)    a1 = the device tree
    0x0182_b283, // ld    t0, 0x18(t0)    t0 = the firmware
    0x0286_3303, // ld    t1, 0x28(a2)    t1 = the hart that boots
    0x0065_0e63, // beq   a0, t1, go
    0x3044_6073, // csrsi mie, 8          let a software interrupt end wfi; none is taken, mstatus.MIE is 0
    0x1050_0073, // wait: wfi
    0x3440_23f3, // csrr  t2, mip
    0x0083_f393, // andi  t2, t2, 8       mip.MSIP
    0xfe03_8ae3, // beqz  t2, wait
    0x3044_7073, // csrci mie, 8          as it was
    0x0002_8067, // go: jr t0
];

/// `fw_dynamic_info`: "OSBI", version 2, next stage's address and mode (S), options, boot hart.
fn info(next: u64, hart: u16) -> [u64; 6] {
    [0x4942_534f, 2, next, 1, 0, u64::from(hart)]
}

/// Code, padding and description.
fn stub(next: u64, hart: u16) -> Vec<u8> {
    let mut bytes: Vec<u8> = CODE.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize(INFO, 0);
    bytes.extend(info(next, hart).iter().flat_map(|word| word.to_le_bytes()));
    bytes
}

/// Writes the stub and returns the arguments that load it and start every hart in it.
pub(super) fn arguments(machine: &Machine, hart: u16) -> anyhow::Result<Vec<OsString>> {
    let path = machine.dir.join("boothart.bin");
    std::fs::write(&path, stub(entry(machine)?, hart))
        .with_context(|| format!("cannot write {}", path.display()))?;
    let file = path.to_string_lossy().replace(',', ",,");
    let mut args: Vec<OsString> =
        vec!["-device".into(), format!("loader,file={file},addr={PLACE:#x},force-raw=on").into()];
    for cpu in 0..machine.smp {
        args.extend(["-device".into(), format!("loader,addr={PLACE:#x},cpu-num={cpu}").into()]);
    }
    Ok(args)
}

/// The kernel's entry as a physical address, which is where QEMU would tell the firmware to go.
fn entry(machine: &Machine) -> anyhow::Result<u64> {
    let path = &machine.kernel;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let header = FileHeader64::<LittleEndian>::parse(&*bytes);
    let header = header.map_err(|error| anyhow::anyhow!("{} is no ELF file: {error}", path.display()))?;
    let segments = header.program_headers(LittleEndian, &*bytes);
    let segments = segments.map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    let entry = header.e_entry(LittleEndian);
    let loaded = segments.iter().filter(|segment| segment.p_type(LittleEndian) == elf::PT_LOAD);
    let physical = loaded.into_iter().find_map(|segment| {
        let offset = entry.checked_sub(segment.p_vaddr(LittleEndian))?;
        (offset < segment.p_memsz(LittleEndian)).then(|| segment.p_paddr(LittleEndian) + offset)
    });
    physical.with_context(|| format!("{}: the entry {entry:#x} lies in no segment", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_lies_where_the_code_looks_and_all_fits_the_rom() {
        let bytes = stub(0x8020_0000, 3);
        assert!(CODE.len() * 4 <= INFO);
        assert_eq!(CODE[1] >> 20, INFO as u32, "addi's immediate");
        assert_eq!(bytes.len(), INFO + 48);
        assert_eq!(bytes[INFO..INFO + 4], *b"OSBI");
        assert_eq!(bytes[INFO + 0x28], 3);
        assert!(PLACE + bytes.len() as u64 <= 0x1_0000);
    }

    #[test]
    fn branches_go_where_the_comments_say() {
        // beq at 7 to `go` at 14: imm[4:1|11] in bits 11:7, imm[12|10:5] in bits 31:25.
        let offset = |word: u32| {
            let low = (word >> 8 & 0xf) << 1 | (word >> 25 & 0x3f) << 5 | (word >> 7 & 1) << 11;
            let sign = (word >> 31) << 12;
            (low | sign) as i32 - if sign != 0 { 0x2000 } else { 0 }
        };
        assert_eq!(offset(CODE[7]), (14 - 7) * 4);
        assert_eq!(offset(CODE[12]), (9 - 12) * 4);
    }
}
