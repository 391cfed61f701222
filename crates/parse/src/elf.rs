//! Programs: static ELF executables for 64-bit RISC-V.

mod error;

use alloc::vec::Vec;
use core::mem::size_of;

use antler_abi::{MAP_BASE, PAGE, USER_BASE};
use object::LittleEndian as LE;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::pod::{from_bytes, slice_from_bytes};

pub use error::ElfError;

/// Program headers that a file may have.
pub const MAX_HEADERS: usize = 64;

/// Bytes of memory that all segments of a file may take together.
pub const MAX_MEMORY: u64 = 1 << 30;

/// A program that may be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    /// Where its first thread starts; inside an executable segment.
    pub entry: u64,
    /// What to map, by ascending address; not empty.
    pub segments: Vec<Segment<'a>>,
}

/// A part of a program. It lies in `[USER_BASE, MAP_BASE)`, overlaps no other segment, and shares a page only with
/// segments of the same flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// First address; need not be page-aligned.
    pub vaddr: u64,
    /// Bytes in memory; not 0. Those past `data` are zero.
    pub memsz: u64,
    /// What the file holds for it; at most `memsz` bytes.
    pub data: &'a [u8],
    /// Permissions.
    pub flags: SegFlags,
}

impl Segment<'_> {
    /// First address past the segment.
    pub const fn end(&self) -> u64 {
        self.vaddr.saturating_add(self.memsz)
    }
}

/// Permissions of a segment; never both writable and executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegFlags {
    /// Readable.
    pub r: bool,
    /// Writable.
    pub w: bool,
    /// Executable.
    pub x: bool,
}

/// Checks a program and says what to map.
///
/// # Errors
/// See [`ElfError`]; addresses and sizes in it are the file's own.
pub fn load(file: &[u8]) -> Result<Image<'_>, ElfError> {
    let header = file_header(file)?;
    let entry = header.e_entry.get(LE);
    let mut segments = Vec::new();
    for header in program_headers(file, header)? {
        match header.p_type.get(LE) {
            elf::PT_LOAD if header.p_memsz.get(LE) > 0 => segments.push(segment(file, header)?),
            elf::PT_LOAD if header.p_filesz.get(LE) > 0 => {
                return Err(ElfError::FileLarger { vaddr: header.p_vaddr.get(LE) });
            }
            elf::PT_INTERP => return Err(ElfError::NeedsInterpreter),
            elf::PT_DYNAMIC => return Err(ElfError::NeedsDynamicLinking),
            _ => {}
        }
    }
    check_layout(&mut segments)?;
    if !segments.iter().any(|s| s.flags.x && (s.vaddr..s.end()).contains(&entry)) {
        return Err(ElfError::BadEntry(entry));
    }
    Ok(Image { entry, segments })
}

fn file_header(file: &[u8]) -> Result<&FileHeader64<LE>, ElfError> {
    if file.get(..4).is_some_and(|magic| magic != elf::ELFMAG) {
        return Err(ElfError::NotElf);
    }
    // The class is checked before the size, since a 32-bit header is shorter.
    if file.get(4).is_some_and(|&class| class != elf::ELFCLASS64.0) {
        return Err(ElfError::Not64Bit);
    }
    let need = size_of::<FileHeader64<LE>>();
    let Ok((header, _)) = from_bytes::<FileHeader64<LE>>(file) else {
        return Err(ElfError::Truncated { what: "file header", need: need as u64, have: file.len() as u64 });
    };
    if header.e_ident.data != elf::ELFDATA2LSB {
        return Err(ElfError::NotLittleEndian);
    }
    if header.e_ident.version != elf::EV_CURRENT {
        return Err(ElfError::BadVersion);
    }
    match header.e_machine.get(LE) {
        elf::EM_RISCV => {}
        other => return Err(ElfError::WrongMachine(other.0)),
    }
    match header.e_type.get(LE) {
        elf::ET_EXEC => Ok(header),
        elf::ET_DYN => Err(ElfError::PositionIndependent),
        other => Err(ElfError::NotExecutable(other.0)),
    }
}

fn program_headers<'a>(
    file: &'a [u8],
    header: &FileHeader64<LE>,
) -> Result<&'a [ProgramHeader64<LE>], ElfError> {
    let count = usize::from(header.e_phnum.get(LE));
    if count > MAX_HEADERS {
        return Err(ElfError::TooManyHeaders(count));
    }
    let size = size_of::<ProgramHeader64<LE>>();
    if count > 0 && usize::from(header.e_phentsize.get(LE)) != size {
        return Err(ElfError::BadHeaderSize(header.e_phentsize.get(LE)));
    }
    let bytes = part(file, "program headers", header.e_phoff.get(LE), (count * size) as u64)?;
    // `part` returned exactly the bytes of `count` headers.
    slice_from_bytes(bytes, count).map(|(headers, _)| headers).map_err(|()| ElfError::TooManyHeaders(count))
}

/// Bytes `[offset, offset + size)` of the file.
fn part<'a>(file: &'a [u8], what: &'static str, offset: u64, size: u64) -> Result<&'a [u8], ElfError> {
    let end = offset.saturating_add(size);
    if end > file.len() as u64 {
        return Err(ElfError::Truncated { what, need: end, have: file.len() as u64 });
    }
    Ok(&file[offset as usize..end as usize])
}

fn segment<'a>(file: &'a [u8], header: &ProgramHeader64<LE>) -> Result<Segment<'a>, ElfError> {
    let (vaddr, memsz) = (header.p_vaddr.get(LE), header.p_memsz.get(LE));
    let filesz = header.p_filesz.get(LE);
    if filesz > memsz {
        return Err(ElfError::FileLarger { vaddr });
    }
    let end = vaddr.checked_add(memsz).filter(|&end| end <= MAP_BASE as u64);
    if vaddr < USER_BASE as u64 || end.is_none() {
        return Err(ElfError::OutsideUserSpace { vaddr, memsz });
    }
    let bits = header.p_flags.get(LE).0;
    let flags =
        SegFlags { r: bits & elf::PF_R.0 != 0, w: bits & elf::PF_W.0 != 0, x: bits & elf::PF_X.0 != 0 };
    if flags.w && flags.x {
        return Err(ElfError::WritableAndExecutable { vaddr });
    }
    // Page tables cannot say "writable but not readable", and take "nothing at all" for something else.
    if !flags.x && !flags.r {
        return Err(ElfError::Unreadable { vaddr });
    }
    let data = part(file, "segment", header.p_offset.get(LE), filesz)?;
    Ok(Segment { vaddr, memsz, data, flags })
}

/// Sorts the segments and checks how they lie to each other.
fn check_layout(segments: &mut [Segment<'_>]) -> Result<(), ElfError> {
    segments.sort_unstable_by_key(|segment| segment.vaddr);
    let total = segments.iter().map(|segment| segment.memsz).fold(0, u64::saturating_add);
    match total {
        0 => return Err(ElfError::NothingToLoad),
        _ if total > MAX_MEMORY => return Err(ElfError::TooLarge(total)),
        _ => {}
    }
    for pair in segments.windows(2) {
        let (low, high) = (pair[0], pair[1]);
        if low.end() > high.vaddr {
            return Err(ElfError::Overlap { low: low.vaddr, high: high.vaddr });
        }
        let page = |address: u64| address / PAGE as u64;
        if page(low.end() - 1) == page(high.vaddr) && low.flags != high.flags {
            return Err(ElfError::SharedPage { low: low.vaddr, high: high.vaddr });
        }
    }
    Ok(())
}
