//! What firmware keeps of each hart, and its stacks.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::hsm::state;
use crate::orders::{Order, Orders, What};

/// Harts that are served; ids from here on are invalid.
pub(crate) const MAX_HARTS: usize = 128;

/// Bytes of a hart's stack.
pub(crate) const STACK: usize = 4096;

#[repr(C, align(16))]
pub(crate) struct Stacks(UnsafeCell<[[u8; STACK]; MAX_HARTS]>);

// SAFETY: only assembly takes addresses of it, and each hart that of its own part.
unsafe impl Sync for Stacks {}

/// The harts' stacks.
pub(crate) static STACKS: Stacks = Stacks(UnsafeCell::new([[0; STACK]; MAX_HARTS]));

/// Top of a hart's stack.
pub(crate) fn stack_top(hart: usize) -> usize {
    (&raw const STACKS) as usize + (hart + 1) * STACK
}

/// One hart. Under some orders the hart that runs is another than the one that was asked for: `state` and `opaque` go by
/// the id that S-mode used, `go` to `runs_as` by the hart that really runs.
pub(crate) struct Hart {
    /// It has entered firmware once.
    pub arrived: AtomicBool,
    /// Its HSM state, as S-mode is to see it.
    pub state: AtomicU64,
    /// `opaque` of its last `hart_start`.
    pub opaque: AtomicUsize,
    /// IPIs sent to it, and those of them that were refused.
    pub sent: AtomicU64,
    /// See `sent`.
    pub refused: AtomicU64,

    /// Set last, with the start that it announces.
    pub go: AtomicBool,
    /// Where to start.
    pub entry: AtomicUsize,
    /// What to find in `a0`.
    pub a0: AtomicUsize,
    /// What to find in `a1`.
    pub a1: AtomicUsize,
    /// When, in ticks.
    pub not_before: AtomicU64,
    /// Which id's start this is.
    pub runs_as: AtomicUsize,
    /// IPIs that nobody sent and that are still to come.
    pub spurious: AtomicU64,
}

impl Hart {
    const fn new() -> Hart {
        Hart {
            arrived: AtomicBool::new(false),
            state: AtomicU64::new(state::STOPPED),
            opaque: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            go: AtomicBool::new(false),
            entry: AtomicUsize::new(0),
            a0: AtomicUsize::new(0),
            a1: AtomicUsize::new(0),
            not_before: AtomicU64::new(0),
            runs_as: AtomicUsize::new(0),
            spurious: AtomicU64::new(0),
        }
    }
}

/// All harts, by id.
pub(crate) static HARTS: [Hart; MAX_HARTS] = [const { Hart::new() }; MAX_HARTS];

struct Given(UnsafeCell<Orders>);

// SAFETY: written once, by the boot hart before any other leaves `hsm::wait_for_start`, which it does by an Acquire that
// follows the boot hart's Release; read only afterwards.
unsafe impl Sync for Given {}

static GIVEN: Given = Given(UnsafeCell::new(Orders::none()));

/// Takes the orders over; by the boot hart, once.
pub(crate) fn give(orders: Orders) {
    // SAFETY: see `Given`.
    unsafe { *GIVEN.0.get() = orders };
}

/// All orders.
pub(crate) fn orders() -> &'static Orders {
    // SAFETY: see `Given`.
    unsafe { &*GIVEN.0.get() }
}

/// The order of that kind for that hart, if there is one.
pub(crate) fn told(what: What, hart: usize) -> Option<&'static Order> {
    orders().find(what, hart as u64)
}

/// A hart has entered firmware.
pub(crate) fn arrives(hart: usize) {
    HARTS[hart].arrived.store(true, Ordering::Relaxed);
}

/// The hart of an id that S-mode gives.
pub(crate) fn get(id: usize) -> Option<&'static Hart> {
    HARTS.get(id)
}
