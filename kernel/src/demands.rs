//! What the kernel demands of firmware and board before it goes on.

use alloc::vec::Vec;

use antler_abi::MachineExit;
use antler_nucleus::HartId;
use antler_parse::board::Board;

use crate::end;
use crate::faults::{self, Fault};
use crate::sbi::{self, Extension};

/// What the contract needs of firmware; anything missing ends the boot here, by name.
pub(crate) fn check_firmware(board: &Board) {
    let several = board.harts.iter().filter(|hart| hart.enabled).count() > 1;
    let need = [(Extension::Time, true), (Extension::Ipi, several), (Extension::Hsm, several)];
    for (extension, needed) in need {
        if needed && !sbi::has(extension) {
            let name = extension.name();
            end::refuse(
                MachineExit::BootRefused,
                format_args!(
                    "firmware lacks the SBI extension {name} (probe answered 0, a call would be {}); harts cannot be started",
                    sbi::error_name(-2)
                ),
            );
        }
    }
}

/// Gives each enabled hart its CPU number: 0 for the boot hart, the others by ascending id.
pub(crate) fn number_harts(board: &Board, boot: u64) -> Vec<HartId> {
    let refuse = |why| end::refuse(MachineExit::BootRefused, format_args!("hart {boot}, which boots, {why}"));
    match board.harts.iter().find(|hart| hart.id == boot) {
        None => refuse("is not in the device tree"),
        Some(hart) if !hart.enabled => refuse("is disabled in the device tree"),
        Some(_) => {}
    }
    if let Some(hart) = board.harts.iter().find(|hart| hart.enabled && !(hart.sv39 && hart.has_d)) {
        let lacks = if hart.sv39 { "double-precision floating point" } else { "Sv39" };
        end::refuse(MachineExit::BootRefused, format_args!("hart {} lacks {lacks}", hart.id));
    }
    let others =
        board.harts.iter().filter(|hart| hart.enabled && hart.id != boot).map(|hart| HartId(hart.id));
    let mut harts: Vec<HartId> = [HartId(boot)].into_iter().chain(others).collect();
    if faults::commits(Fault::HartsMisnumbered) {
        harts[1..].reverse();
    }
    harts
}
