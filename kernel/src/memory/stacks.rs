//! Kernel stacks: two for each hart, each over a hole that is never mapped.
//!
//! ```text
//! span + 1 MiB  ┬ trap stack top        TRAP bytes mapped
//!               ├ trap stack bottom     hole, to span + HALF: an overflow faults here
//! span + 512 KiB┬ emergency stack top   EMERGENCY bytes mapped
//!               ├ bottom                hole
//! span          ┴
//! ```
//!
//! The target has no stack probes, so a large frame can step over a single guard page; the hole is wide.

use memory_addr::{PhysAddr, VirtAddr};
use page_table_entry::MappingFlags;
use page_table_multiarch::PageSize;

use super::frames;
use super::layout::{PAGE, STACK_SPAN, STACKS};
use super::paging::PageTable;

const TRAP: usize = 64 * 1024;
/// Bytes of the emergency stack.
pub(crate) const EMERGENCY: usize = 32 * 1024;
const HALF: usize = STACK_SPAN / 2;

/// Addresses of one hart's stacks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stacks {
    pub top: usize,
    pub bottom: usize,
    pub guard_bottom: usize,
    pub emergency_top: usize,
}

/// Memory for page frames or tables is used up.
#[derive(Debug)]
pub(crate) struct NoMemory;

/// Maps the stacks of CPU `index`.
pub(crate) fn map(table: &mut PageTable, index: usize) -> Result<Stacks, NoMemory> {
    let span = STACKS + index * STACK_SPAN;
    let (top, emergency_top) = (span + STACK_SPAN, span + HALF);
    for (top, size) in [(top, TRAP), (emergency_top, EMERGENCY)] {
        for address in (top - size..top).step_by(PAGE) {
            let frame = frames::take_zeroed().ok_or(NoMemory)?;
            table
                .cursor()
                .map(
                    VirtAddr::from_usize(address),
                    PhysAddr::from_usize(frame as usize),
                    PageSize::Size4K,
                    MappingFlags::READ | MappingFlags::WRITE,
                )
                .map_err(|_| NoMemory)?;
        }
    }
    Ok(Stacks { top, bottom: top - TRAP, guard_bottom: emergency_top, emergency_top })
}
