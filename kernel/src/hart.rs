//! The block of memory that a hart finds through `tp` in the kernel and through `sscratch` otherwise.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use antler_nucleus::{CpuId, HartId};

use crate::faults::{Fault, commits};
use crate::program::Program;
use crate::thread::Frame;

/// One hart's block. It lives as long as the machine and never moves.
#[repr(C, align(64))]
pub(crate) struct HartBlock {
    // Touched by assembly of this hart only.
    /// `t0` and `t1` while a trap finds its way.
    pub scratch: UnsafeCell<[u64; 2]>,
    /// Frame of the task that U-mode runs: where a trap saves to.
    pub frame: UnsafeCell<*mut Frame>,
    /// Top of the trap stack.
    pub stack_top: u64,
    /// Top of the stack for traps from S-mode.
    pub emergency_top: u64,
    /// Not 0 once a trap from S-mode was taken: the next one stops the hart on the spot.
    pub nested: UnsafeCell<u64>,
    /// What the dummy store-conditional aims at.
    pub reservation: UnsafeCell<u64>,
    /// Kernel page table, as a `satp` value.
    pub satp: u64,
    /// Virtual address of the board's test device; 0: none.
    pub test_device: u64,
    /// Virtual address of the register that interrupts this hart; 0: firmware does it.
    pub doorbell: u64,
    /// `ra`, `sp` and `tp` of the task whose call is under way.
    pub caller: UnsafeCell<[u64; 3]>,
    /// Registers of the kernel when it trapped.
    pub dump: UnsafeCell<[u64; 32]>,
    /// Hart id plus one of a hart that firmware started with this block though it is another's; 0: none did.
    pub stray: AtomicU64,

    // Fixed when the block is made.
    /// Its CPU number.
    pub cpu: CpuId,
    /// Its hart id.
    pub hart: HartId,
    /// Lowest mapped address of the trap stack.
    pub stack_bottom: u64,
    /// Lowest address of the unmapped hole under the trap stack.
    pub guard_bottom: u64,

    /// The page of the running program that a call read last, and where it is in the direct map; see [`SeenPage`].
    pub seen: SeenPage,
    /// The program whose address space the hart has; null: it has the kernel's own. Only its own hart touches it.
    pub program: AtomicPtr<Program>,
    /// System calls made on this hart; written by it.
    pub syscalls: AtomicU64,
    /// Pool slot of the task that it runs, plus one; 0: none. For the post-mortem.
    pub task: AtomicU64,

    /// What the hart reports when it comes online.
    pub report: Report,
}

/// A translation that this hart found under the space's lock. It holds until the hart changes its address space, or is told
/// that something was unmapped, which whoever unmaps waits for before the frame is anybody else's. Only its own hart touches
/// it.
pub(crate) struct SeenPage {
    page: AtomicU64,
    at: AtomicU64,
}

const PAGE: u64 = antler_abi::PAGE as u64;

impl SeenPage {
    /// A page number that no address has.
    const NONE: u64 = u64::MAX;

    pub(crate) const fn new() -> SeenPage {
        SeenPage { page: AtomicU64::new(SeenPage::NONE), at: AtomicU64::new(0) }
    }

    /// Remembers where a page is.
    pub(crate) fn set(&self, page: u64, at: u64) {
        self.page.store(page, Ordering::Relaxed);
        self.at.store(at, Ordering::Relaxed);
    }

    /// Where the page is, if it is the one.
    fn find(&self, page: u64) -> Option<u64> {
        (self.page.load(Ordering::Relaxed) == page).then(|| self.at.load(Ordering::Relaxed))
    }

    /// The aligned word at an address of the program that the hart runs, if it is in that page.
    #[inline(always)]
    pub(crate) fn word(&self, address: u64) -> Option<u32> {
        if !address.is_multiple_of(4) {
            return None;
        }
        let at = self.find(address / PAGE)? + address % PAGE;
        // SAFETY: aligned, in a page that is mapped for this program. Volatile because user threads write it as they like; the
        // load is one instruction, as their store is.
        Some(unsafe { (at as *const u32).read_volatile() })
    }

    /// What was known may be wrong now.
    pub(crate) fn forget(&self) {
        self.page.store(SeenPage::NONE, Ordering::Relaxed);
    }
}

/// Written by the hart itself while it comes online, read by the CPU that started it.
#[derive(Default)]
pub(crate) struct Report {
    /// Hart id that firmware passed it.
    pub hart: AtomicU64,
    /// Its stack pointer.
    pub sp: AtomicU64,
    /// Its `tp`.
    pub tp: AtomicU64,
    /// Its `sscratch`.
    pub sscratch: AtomicU64,
    /// How often it came online; written last.
    pub times: AtomicU64,
}

/// Offsets that assembly uses, taken from the struct itself.
pub(crate) mod offsets {
    use super::HartBlock;
    use core::mem::offset_of;

    pub(crate) const T0: usize = offset_of!(HartBlock, scratch);
    pub(crate) const T1: usize = T0 + 8;
    pub(crate) const FRAME: usize = offset_of!(HartBlock, frame);
    pub(crate) const STACK_TOP: usize = offset_of!(HartBlock, stack_top);
    pub(crate) const EMERGENCY_TOP: usize = offset_of!(HartBlock, emergency_top);
    pub(crate) const NESTED: usize = offset_of!(HartBlock, nested);
    pub(crate) const RESERVATION: usize = offset_of!(HartBlock, reservation);
    pub(crate) const SATP: usize = offset_of!(HartBlock, satp);
    pub(crate) const TEST_DEVICE: usize = offset_of!(HartBlock, test_device);
    pub(crate) const CALLER_RA: usize = offset_of!(HartBlock, caller);
    pub(crate) const CALLER_SP: usize = CALLER_RA + 8;
    pub(crate) const CALLER_TP: usize = CALLER_RA + 16;
    pub(crate) const DUMP: usize = offset_of!(HartBlock, dump);
    pub(crate) const HART: usize = offset_of!(HartBlock, hart);
    pub(crate) const STRAY: usize = offset_of!(HartBlock, stray);
}

// SAFETY: the cells are touched by the block's own hart only (assembly of trap entry and exit, and `cpu`, which holds
// the hart's token), or after the machine has stopped; everything else is immutable or atomic.
unsafe impl Sync for HartBlock {}
// SAFETY: the raw pointer in `frame` is a plain value to every hart but its own.
unsafe impl Send for HartBlock {}

impl HartBlock {
    /// The block of the hart that we run on.
    pub(crate) fn mine() -> &'static HartBlock {
        let tp: *const HartBlock;
        // SAFETY: in the kernel `tp` always holds the address of this hart's block: entry sets it before any Rust code
        // runs after `enter_own_stack` or `secondary_start`, and the compiler never touches `tp`.
        unsafe {
            core::arch::asm!("mv {}, tp", out(reg) tp, options(nomem, nostack, preserves_flags));
            &*tp
        }
    }

    /// Counts one more system call.
    pub(crate) fn count_call(&self) {
        self.syscalls.store(self.syscalls.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// The program whose address space this hart has; `None`: it has the kernel's own.
    #[inline(always)]
    pub(crate) fn program(&self) -> Option<&'static Program> {
        // SAFETY: null, or stored by `has` from a reference that lives as long as the machine.
        unsafe { self.program.load(Ordering::Relaxed).as_ref() }
    }

    /// This hart has the program's address space now, or the kernel's own. What was known of another's memory is forgotten.
    pub(crate) fn has(&self, program: Option<&'static Program>) {
        // An unmapping elsewhere is told to who has the address space, and to nobody else.
        if !commits(Fault::SeenKeptOnLeave) {
            self.seen.forget();
        }
        let program = program.map_or(core::ptr::null(), core::ptr::from_ref);
        self.program.store(program.cast_mut(), Ordering::Relaxed);
    }

    /// Pool slot of the task that this hart runs.
    #[inline(always)]
    pub(crate) fn slot(&self) -> Option<usize> {
        self.task.load(Ordering::Relaxed).checked_sub(1).map(|slot| slot as usize)
    }

    /// The frame of the task that this hart ran in U-mode last.
    #[inline(always)]
    pub(crate) fn frame(&self) -> *mut Frame {
        // SAFETY: a plain value, which only `user_return` of this hart writes.
        unsafe { *self.frame.get() }
    }

    /// Whether an address is in the hole under the trap stack.
    pub(crate) fn is_guard(&self, address: u64) -> bool {
        (self.guard_bottom..self.stack_bottom).contains(&address)
    }

    /// How often the hart came online.
    pub(crate) fn times_online(&self) -> u64 {
        self.report.times.load(Ordering::Acquire)
    }
}
