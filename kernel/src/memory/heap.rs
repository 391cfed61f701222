//! The kernel's heap, for what is made at boot: tables, rings, programs. Nothing on a trap, dispatch, wake or steal
//! path allocates.

use talc::TalcLock;
use talc::source::Claim;

use super::layout::to_virtual;

/// Enough to read the device tree and to set up memory.
const EARLY: usize = 1 << 20;

static mut EARLY_HEAP: [u8; EARLY] = [0; EARLY];

#[global_allocator]
// SAFETY: the array is named here and nowhere else, so the allocator is its only user.
static HEAP: TalcLock<spin::Mutex<()>, Claim> = TalcLock::new(unsafe { Claim::array(&raw mut EARLY_HEAP) });

/// Adds a range of memory to the heap for good.
///
/// # Safety
/// The physical range is mapped at its direct address, writable, and nobody else's.
pub(crate) unsafe fn add(physical: u64, size: usize) {
    // SAFETY: the caller gives the range away.
    let claimed = unsafe { HEAP.lock().claim(to_virtual(physical) as *mut u8, size) };
    assert!(claimed.is_some(), "heap of {size} bytes is too small to manage");
}
