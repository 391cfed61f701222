//! Page tables: Sv39 by the library, with entries of our own that mark the kernel's half global.

use memory_addr::{PhysAddr, VirtAddr};
use page_table_entry::{GenericPTE, MappingFlags};
use page_table_multiarch::riscv::Sv39MetaData;
use page_table_multiarch::{PageTable64, PagingHandler, PagingResult};

use super::frames;
use super::layout::{OFFSET, to_virtual};

/// A Sv39 page table entry (privileged spec, "Sv39: Page-Based 39-bit"). What is not the user's is global.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Entry(u64);

impl Entry {
    const VALID: u64 = 1 << 0;
    const READ: u64 = 1 << 1;
    const WRITE: u64 = 1 << 2;
    const EXECUTE: u64 = 1 << 3;
    const USER: u64 = 1 << 4;
    const GLOBAL: u64 = 1 << 5;
    /// Accessed and dirty are set from the start: we keep no such statistics, and a hart may trap to ask for them.
    const ACCESSED_DIRTY: u64 = 3 << 6;
    const ADDRESS: u64 = (1 << 54) - (1 << 10);

    const PAIRS: [(MappingFlags, u64); 4] = [
        (MappingFlags::READ, Entry::READ),
        (MappingFlags::WRITE, Entry::WRITE),
        (MappingFlags::EXECUTE, Entry::EXECUTE),
        (MappingFlags::USER, Entry::USER),
    ];

    fn bits_of(flags: MappingFlags) -> u64 {
        let named =
            Entry::PAIRS.iter().filter(|(flag, _)| flags.contains(*flag)).fold(0, |bits, (_, b)| bits | b);
        let global = if flags.contains(MappingFlags::USER) { 0 } else { Entry::GLOBAL };
        Entry::VALID | Entry::ACCESSED_DIRTY | global | named
    }

    fn address_bits(address: PhysAddr) -> u64 {
        (address.as_usize() as u64 >> 2) & Entry::ADDRESS
    }
}

impl Entry {
    /// The table that it leads to, of an entry above those of pages. There are no large pages in the user's half.
    pub(crate) fn below(self) -> Option<u64> {
        (self.0 & Entry::VALID != 0).then_some((self.0 & Entry::ADDRESS) << 2)
    }

    /// The page that U-mode may read, or write, through it.
    pub(crate) fn page(self, write: bool) -> Option<u64> {
        let wanted = Entry::VALID | Entry::USER | if write { Entry::WRITE } else { Entry::READ };
        (self.0 & wanted == wanted).then_some((self.0 & Entry::ADDRESS) << 2)
    }
}

impl GenericPTE for Entry {
    fn new_page(address: PhysAddr, flags: MappingFlags, _huge: bool) -> Self {
        Entry(Entry::address_bits(address) | Entry::bits_of(flags))
    }
    fn new_table(address: PhysAddr) -> Self {
        Entry(Entry::address_bits(address) | Entry::VALID)
    }
    fn paddr(&self) -> PhysAddr {
        PhysAddr::from_usize(((self.0 & Entry::ADDRESS) << 2) as usize)
    }
    fn flags(&self) -> MappingFlags {
        Entry::PAIRS.iter().filter(|(_, bit)| self.0 & bit != 0).map(|(flag, _)| *flag).collect()
    }
    fn set_paddr(&mut self, address: PhysAddr) {
        self.0 = (self.0 & !Entry::ADDRESS) | Entry::address_bits(address);
    }
    fn set_flags(&mut self, flags: MappingFlags, _huge: bool) {
        self.0 = (self.0 & Entry::ADDRESS) | Entry::bits_of(flags);
    }
    fn bits(self) -> usize {
        self.0 as usize
    }
    fn is_unused(&self) -> bool {
        self.0 == 0
    }
    fn is_present(&self) -> bool {
        self.0 & Entry::VALID != 0
    }
    fn is_huge(&self) -> bool {
        self.0 & (Entry::READ | Entry::EXECUTE) != 0
    }
    fn clear(&mut self) {
        self.0 = 0;
    }
}

/// Table pages come from the frame allocator.
pub(crate) struct FromFrames;

impl PagingHandler for FromFrames {
    fn alloc_frames(num: usize, _align: usize) -> Option<PhysAddr> {
        // Sv39 tables are single frames.
        (num == 1).then(frames::take_zeroed).flatten().map(|frame| PhysAddr::from_usize(frame as usize))
    }
    fn dealloc_frames(address: PhysAddr, _num: usize) {
        // SAFETY: the library gives back what it took, when the table is dropped; no hart has it in satp then.
        unsafe { frames::give(address.as_usize() as u64) }
    }
    fn phys_to_virt(address: PhysAddr) -> VirtAddr {
        VirtAddr::from_usize(to_virtual(address.as_usize() as u64))
    }
}

/// A page table of the kernel or of a program.
pub(crate) type PageTable = PageTable64<Sv39MetaData<VirtAddr>, Entry, FromFrames>;

/// Value of `satp` that selects the table: Sv39, ASID 0.
pub(crate) fn satp_of(table: &PageTable) -> u64 {
    8 << 60 | table.root_paddr().as_usize() as u64 >> 12
}

/// Maps a page-aligned physical range at its direct address, in large pages where they fit.
pub(crate) fn map_direct(
    table: &mut PageTable,
    physical: u64,
    size: usize,
    flags: MappingFlags,
) -> PagingResult {
    table.cursor().map_region(
        VirtAddr::from_usize(to_virtual(physical)),
        |address| PhysAddr::from_usize(address.as_usize().wrapping_sub(OFFSET)),
        size,
        flags,
        true,
    )
}

/// Makes `satp` this hart's page table and drops every translation of the one before.
///
/// # Safety
/// The table maps the kernel's half as every table does, and stays alive while a hart has it.
pub(crate) unsafe fn switch_to(satp: u64) {
    // SAFETY: the kernel's half is the same in every table, so code, stack and data stay where they are.
    unsafe {
        core::arch::asm!("csrw satp, {}", "sfence.vma", in(reg) satp, options(nostack));
    }
}

/// The page table that this hart has, as a `satp` value.
pub(crate) fn current() -> u64 {
    let satp: u64;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("csrr {}, satp", out(reg) satp, options(nomem, nostack)) };
    satp
}

/// Drops every translation that this hart has cached.
pub(crate) fn flush_local() {
    // SAFETY: only forgets cached translations.
    unsafe { core::arch::asm!("sfence.vma", options(nostack)) }
}
