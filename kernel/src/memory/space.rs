//! A program's address space: the kernel's half shared, the user's half its own.

use antler_abi::{CHUNK, Error, USER_BASE, USER_END};
use memory_addr::{PhysAddr, VirtAddr};
use page_table_entry::{GenericPTE, MappingFlags};
use page_table_multiarch::{PageSize, PagingError};

use super::layout::{OFFSET, PAGE, to_virtual};
use super::paging::{Entry, PageTable};
use super::{frames, layout};

/// The user's half of one page table. Its lock is what "a guard of the address space" means: nobody maps, unmaps or
/// copies while another does.
pub(crate) struct Space {
    table: PageTable,
    /// Where freeing goes on, once the program is over.
    cursor: usize,
}

/// A fixed array of frames that were unmapped and wait until no hart can reach them any more.
pub(crate) struct Batch {
    frames: [u64; CHUNK / PAGE],
    len: usize,
}

impl Batch {
    pub(crate) const fn new() -> Batch {
        Batch { frames: [0; CHUNK / PAGE], len: 0 }
    }

    fn push(&mut self, frame: u64) {
        self.frames[self.len] = frame;
        self.len += 1;
    }

    pub(crate) fn frames(&self) -> &[u64] {
        &self.frames[..self.len]
    }
}

fn user_flags(write: bool, execute: bool) -> MappingFlags {
    let mut flags = MappingFlags::USER | MappingFlags::READ;
    flags.set(MappingFlags::WRITE, write);
    flags.set(MappingFlags::EXECUTE, execute);
    flags
}

impl Space {
    /// An empty user half beside the kernel's.
    pub(crate) fn new(kernel: &PageTable) -> Result<Space, Error> {
        let mut table = PageTable::try_new().map_err(|_| Error::NoMemory)?;
        table.cursor().copy_from(kernel, VirtAddr::from_usize(OFFSET), OFFSET.wrapping_neg() - 1);
        Ok(Space { table, cursor: USER_BASE })
    }

    /// Value of `satp` for this space.
    pub(crate) fn satp(&self) -> u64 {
        super::paging::satp_of(&self.table)
    }

    /// Maps one page of zeroes and returns its frame. Never writable and executable.
    pub(crate) fn map_page(&mut self, address: usize, write: bool, execute: bool) -> Result<u64, Error> {
        debug_assert!(!(write && execute));
        let frame = frames::take_zeroed().ok_or(Error::NoMemory)?;
        let (page, target) = (VirtAddr::from_usize(address), PhysAddr::from_usize(frame as usize));
        let mapped = self.table.cursor().map(page, target, PageSize::Size4K, user_flags(write, execute));
        mapped.map(|()| frame).map_err(|error| {
            // SAFETY: the frame was not mapped.
            unsafe { frames::give(frame) };
            match error {
                PagingError::AlreadyMapped => Error::Exists,
                _ => Error::NoMemory,
            }
        })
    }

    /// Takes away the pages of `[start, end)` that are mapped; their frames go to `batch`, to be freed when no hart has
    /// a translation to them any more.
    pub(crate) fn unmap(&mut self, start: usize, end: usize, batch: &mut Batch) {
        let mut cursor = self.table.cursor();
        for page in (start..end).step_by(PAGE) {
            if let Ok((frame, _, _)) = cursor.unmap(VirtAddr::from_usize(page)) {
                batch.push(frame.as_usize() as u64);
            }
        }
    }

    /// The direct address behind a user address, if it is mapped with the access wanted; good while the space's lock is
    /// held. The walk is ours: the kernel never lets hardware follow a user's pointer.
    pub(crate) fn translate(&self, address: usize, write: bool) -> Option<usize> {
        if !(USER_BASE..USER_END).contains(&address) {
            return None;
        }
        let mut table = self.table.root_paddr().as_usize() as u64;
        for level in (1..LEVELS).rev() {
            // SAFETY: a word of a table page, which nobody changes while the space is borrowed.
            table = unsafe { entry_of(table, address, level).read() }.below()?;
        }
        // SAFETY: as above.
        let page = unsafe { entry_of(table, address, 0).read() }.page(write)?;
        Some(layout::to_virtual(page) + address % PAGE)
    }

    /// Whether an access that faulted would succeed now: another hart mapped the page meanwhile.
    pub(crate) fn allows(&self, address: usize, access: MappingFlags) -> bool {
        (USER_BASE..USER_END).contains(&address)
            && self
                .table
                .query(VirtAddr::from_usize(address))
                .is_ok_and(|(_, flags, _)| flags.contains(access | MappingFlags::USER))
    }

    /// Frees up to `budget` pages of a space that no hart uses any more, tables included; true when only the root is left,
    /// which goes when the space is dropped.
    pub(crate) fn free_some(&mut self, budget: usize) -> bool {
        let root = self.table.root_paddr().as_usize() as u64;
        for _ in 0..budget {
            if self.cursor >= USER_END {
                break;
            }
            let (mut path, mut level) = ([root; LEVELS], LEVELS - 1);
            while level > 0 {
                // SAFETY: a word of a table page, which only the borrower of the space changes.
                let entry = unsafe { &*entry_of(path[level], self.cursor, level) };
                if !entry.is_present() {
                    break;
                }
                level -= 1;
                path[level] = entry.paddr().as_usize() as u64;
            }
            // SAFETY: as above; one at a time.
            let entry = unsafe { &mut *entry_of(path[level], self.cursor, level) };
            if entry.is_present() {
                // SAFETY: the program is over and no hart has this table: nothing reaches the frame.
                unsafe { frames::give(entry.paddr().as_usize() as u64) };
                entry.clear();
            }
            // An absent entry of a higher level skips all that it would cover.
            self.cursor = ((self.cursor >> shift(level)) + 1) << shift(level);
            // Tables that the cursor has left are empty now.
            for above in level + 1..LEVELS {
                if self.cursor.trailing_zeros() as usize >= shift(above) {
                    // SAFETY: as above. The table's parent has forgotten it before it is given away.
                    unsafe {
                        (*entry_of(path[above], self.cursor - 1, above)).clear();
                        frames::give(path[above - 1]);
                    }
                }
            }
        }
        self.cursor >= USER_END
    }
}

/// Levels of a Sv39 table; level 0 holds pages.
const LEVELS: usize = 3;

/// Bits of an address below the index of this level.
const fn shift(level: usize) -> usize {
    12 + 9 * level
}

/// Where the entry for `address` is, in a table page of this level.
fn entry_of(table: u64, address: usize, level: usize) -> *mut Entry {
    (to_virtual(table) + (address >> shift(level) & 511) * 8) as *mut Entry
}
