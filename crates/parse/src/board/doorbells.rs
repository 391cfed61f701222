//! Registers by which one hart interrupts another without firmware: those of an ACLINT's SSWI device (ACLINT specification,
//! "Supervisor-level Software Interrupt Device") and of IMSICs, S-mode's (AIA specification, "Incoming MSI Controller").
//!
//! Both name their harts in `interrupts-extended`, as pairs of a hart's own interrupt controller and the interrupt that
//! comes there, in the order of their registers.

use alloc::vec::Vec;

use dtoolkit::fdt::FdtNode;
use dtoolkit::standard::NodeStandard;
use dtoolkit::{Node, Property};

use super::property::{bad, number};
use super::{BoardError, Doorbell, DoorbellKind, Range};

/// Registers of all kinds; a hart has at most one of each.
const MAX_REGISTERS: usize = 8192;
/// S-mode's software interrupt and its external one (privileged spec, "Supervisor Cause Register").
const SOFTWARE: u32 = 1;
const EXTERNAL: u32 = 9;
/// Bytes of a `SETSSIP` register, and of an interrupt file.
const SETSSIP: u64 = 4;
const FILE: u64 = 0x1000;

/// A register, and whose it is by the phandle of that hart's interrupt controller.
pub(super) struct Register {
    kind: DoorbellKind,
    controller: u32,
    address: u64,
}

/// What a node has that is compatible with what `is` says.
pub(super) fn kind(is: impl Fn(&str) -> bool) -> Option<DoorbellKind> {
    let kinds = [("riscv,aclint-sswi", DoorbellKind::Sswi), ("riscv,imsics", DoorbellKind::Imsic)];
    kinds.into_iter().find(|(name, _)| is(name)).map(|(_, kind)| kind)
}

/// Adds the registers of a node, whose `reg` is `ranges`. M-mode's are passed over.
pub(super) fn registers(
    node: &FdtNode<'_>,
    kind: DoorbellKind,
    ranges: &[Range],
    all: &mut Vec<Register>,
) -> Result<(), BoardError> {
    const EXPECTED: &str = "pairs of an interrupt controller and an interrupt";
    let pairs = node.property("interrupts-extended");
    let bytes = pairs.as_ref().map_or(&[][..], |pairs| pairs.value());
    if !bytes.len().is_multiple_of(8) {
        return Err(bad(node, "interrupts-extended", EXPECTED));
    }
    let (wanted, size) = match kind {
        DoorbellKind::Sswi => (SOFTWARE, SETSSIP),
        DoorbellKind::Imsic => match number(node, "riscv,guest-index-bits")?.unwrap_or(0) {
            // Behind each hart's own file lie those of its guests.
            bits @ 0..=7 => (EXTERNAL, FILE << bits),
            _ => return Err(bad(node, "riscv,guest-index-bits", "0 to 7")),
        },
    };
    if ranges.iter().any(|range| !range.base.is_multiple_of(size)) {
        return Err(bad(node, "reg", "registers on multiples of their size"));
    }
    let mut addresses = ranges.iter().flat_map(|range| {
        let base = range.base;
        (0..range.size / size).map(move |index| base + index * size)
    });
    for pair in bytes.chunks_exact(8) {
        let cell = |at: usize| u32::from_be_bytes([pair[at], pair[at + 1], pair[at + 2], pair[at + 3]]);
        let address = addresses.next().ok_or_else(|| bad(node, "reg", "a register for each hart"))?;
        if cell(4) == wanted {
            if all.len() == MAX_REGISTERS {
                return Err(BoardError::TooMany { what: "doorbell registers", limit: MAX_REGISTERS });
            }
            all.push(Register { kind, controller: cell(0), address });
        }
    }
    Ok(())
}

/// The doorbells of these harts, each given with its interrupt controller: at most one of each kind for each, the first one
/// named. A register that several harts have is nobody's.
pub(super) fn of_harts(registers: &[Register], controllers: &[(u32, u64)]) -> Vec<Doorbell> {
    let mut doorbells: Vec<Doorbell> = registers
        .iter()
        .filter_map(|register| {
            let at =
                controllers.binary_search_by_key(&register.controller, |&(controller, _)| controller).ok()?;
            Some(Doorbell { kind: register.kind, hart: controllers[at].1, address: register.address })
        })
        .collect();
    doorbells.sort_unstable_by_key(|doorbell| (doorbell.address, doorbell.hart));
    let shared: Vec<u64> = doorbells
        .windows(2)
        .filter(|pair| pair[0].address == pair[1].address && pair[0].hart != pair[1].hart)
        .map(|pair| pair[0].address)
        .collect();
    doorbells.retain(|doorbell| shared.binary_search(&doorbell.address).is_err());
    doorbells.sort_by_key(|doorbell| (doorbell.kind, doorbell.hart));
    doorbells.dedup_by_key(|doorbell| (doorbell.kind, doorbell.hart));
    doorbells
}

/// The phandle of a hart's own interrupt controller.
pub(super) fn controller(hart: &FdtNode<'_>) -> Result<Option<u32>, BoardError> {
    let own = hart.children().find(|node| node.is_compatible("riscv,cpu-intc"));
    let phandle = own.map_or(Ok(None), |node| number(&node, "phandle"))?;
    Ok(phandle.and_then(|phandle| u32::try_from(phandle).ok()))
}
