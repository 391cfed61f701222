use core::fmt;

use antler_abi::{MAP_BASE, USER_BASE};

use super::{MAX_HEADERS, MAX_MEMORY};

/// Why a program was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElfError {
    /// The file does not start with the ELF magic number.
    NotElf,
    /// The file ends before something that it should hold.
    Truncated {
        /// What it should hold.
        what: &'static str,
        /// Bytes the file should have at least.
        need: u64,
        /// Bytes it has.
        have: u64,
    },
    /// Built for a machine with registers of another width.
    Not64Bit,
    /// Built for a big-endian machine.
    NotLittleEndian,
    /// A version of the format other than 1.
    BadVersion,
    /// Built for another machine, whose `e_machine` is carried.
    WrongMachine(u16),
    /// Position-independent (`ET_DYN`), static-PIE included.
    PositionIndependent,
    /// Neither an executable nor position-independent; the `e_type` is carried.
    NotExecutable(u16),
    /// Asks for an interpreter (`PT_INTERP`).
    NeedsInterpreter,
    /// Asks for dynamic linking (`PT_DYNAMIC`).
    NeedsDynamicLinking,
    /// More than [`MAX_HEADERS`] program headers.
    TooManyHeaders(usize),
    /// Program headers of an unknown size, in bytes.
    BadHeaderSize(u16),
    /// No segment has bytes in memory.
    NothingToLoad,
    /// A segment has more bytes in the file than in memory.
    FileLarger {
        /// Its address.
        vaddr: u64,
    },
    /// A segment lies, in part at least, where programs are not loaded.
    OutsideUserSpace {
        /// Its address.
        vaddr: u64,
        /// Its size in memory, in bytes.
        memsz: u64,
    },
    /// A segment is both writable and executable.
    WritableAndExecutable {
        /// Its address.
        vaddr: u64,
    },
    /// A segment is neither readable nor executable.
    Unreadable {
        /// Its address.
        vaddr: u64,
    },
    /// Two segments share bytes.
    Overlap {
        /// Address of the lower one.
        low: u64,
        /// Address of the higher one.
        high: u64,
    },
    /// Two segments with different permissions share a page.
    SharedPage {
        /// Address of the lower one.
        low: u64,
        /// Address of the higher one.
        high: u64,
    },
    /// The segments take more than [`MAX_MEMORY`] bytes; the sum is carried.
    TooLarge(u64),
    /// The entry address lies in no executable segment.
    BadEntry(u64),
}

impl fmt::Display for ElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ElfError::NotElf => f.write_str("not an ELF file"),
            ElfError::Truncated { what, need, have } => {
                write!(f, "truncated: {what} up to byte {need}, the file has {have} bytes")
            }
            ElfError::Not64Bit => f.write_str("not a 64-bit program"),
            ElfError::NotLittleEndian => f.write_str("built for a big-endian machine, not RISC-V"),
            ElfError::BadVersion => f.write_str("not version 1 of the ELF format"),
            ElfError::WrongMachine(machine) => {
                write!(f, "built for machine {machine}{}, not RISC-V", machine_name(machine))
            }
            ElfError::PositionIndependent => f.write_str(
                "position-independent (ET_DYN, as a PIE or static-PIE is); link it at a fixed address (no-pie)",
            ),
            ElfError::NotExecutable(kind) => {
                let name = match kind {
                    1 => " (an object file that was not linked)",
                    4 => " (a core dump)",
                    _ => "",
                };
                write!(f, "not an executable: ELF type {kind}{name}")
            }
            ElfError::NeedsInterpreter => {
                f.write_str("asks for an interpreter (PT_INTERP); link it statically")
            }
            ElfError::NeedsDynamicLinking => {
                f.write_str("asks for dynamic linking (PT_DYNAMIC); link it statically")
            }
            ElfError::TooManyHeaders(count) => {
                write!(f, "{count} program headers, {MAX_HEADERS} at most are allowed")
            }
            ElfError::BadHeaderSize(size) => write!(f, "program headers of {size} bytes, expected 56"),
            ElfError::NothingToLoad => f.write_str("no segment to load"),
            ElfError::FileLarger { vaddr } => {
                write!(f, "segment at {vaddr:#x} has more bytes in the file than in memory")
            }
            ElfError::OutsideUserSpace { vaddr, memsz } => write!(
                f,
                "segment of {memsz:#x} bytes at {vaddr:#x} is not within {USER_BASE:#x}..{MAP_BASE:#x}, where programs lie"
            ),
            ElfError::WritableAndExecutable { vaddr } => {
                write!(f, "segment at {vaddr:#x} is both writable and executable")
            }
            ElfError::Unreadable { vaddr } => {
                write!(f, "segment at {vaddr:#x} is neither readable nor executable")
            }
            ElfError::Overlap { low, high } => {
                write!(f, "segments at {low:#x} and {high:#x} overlap")
            }
            ElfError::SharedPage { low, high } => {
                write!(f, "segments at {low:#x} and {high:#x} have different permissions but share a page")
            }
            ElfError::TooLarge(total) => {
                write!(f, "takes {total:#x} bytes of memory, {MAX_MEMORY:#x} at most are allowed")
            }
            ElfError::BadEntry(entry) => write!(f, "entry {entry:#x} is in no executable segment"),
        }
    }
}

/// A few machines that people build for by mistake.
fn machine_name(machine: u16) -> &'static str {
    match machine {
        3 => " (x86)",
        8 => " (MIPS)",
        21 => " (PowerPC 64)",
        22 => " (s390)",
        40 => " (Arm)",
        62 => " (x86-64)",
        183 => " (AArch64)",
        258 => " (LoongArch)",
        _ => "",
    }
}

impl core::error::Error for ElfError {}
