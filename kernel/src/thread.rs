//! What a task's registers are kept in while no hart has them: one frame for each pool slot.

use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use antler_nucleus::{Runnable, Running};

/// Integer registers of a task in U-mode. `x[0]` holds the program counter, since x0 needs no place.
#[repr(C)]
pub(crate) struct Frame {
    /// pc, then x1 to x31.
    pub x: [u64; 32],
    /// Not 0: all of them are the task's. 0: it made a call, and those that a call does not preserve are not here.
    pub whole: u64,
}

/// Index of the argument and result registers in [`Frame::x`].
pub(crate) const A0: usize = 10;
pub(crate) const A1: usize = 11;
pub(crate) const A7: usize = 17;
const SP: usize = 2;
const PC: usize = 0;

/// Length of `ecall`, in bytes.
pub(crate) const ECALL: u64 = 4;

/// Floating-point registers of a task that uses them.
#[repr(C)]
pub(crate) struct FpState {
    /// f0 to f31, once `used` is set.
    pub f: [MaybeUninit<u64>; 32],
    /// `fcsr`, once `used` is set.
    pub fcsr: MaybeUninit<u64>,
    /// Whether the task has used floating point at all.
    pub used: bool,
}

impl FpState {
    /// Of a task that begins to use floating point. What another task left in the slot goes here, not when a thread is made:
    /// most never get so far.
    pub(crate) const NEW: FpState =
        FpState { f: [MaybeUninit::new(0); 32], fcsr: MaybeUninit::new(0), used: true };
}

/// Everything the kernel keeps of one task beside the scheduler's slot.
#[repr(C, align(64))]
pub(crate) struct Thread {
    pub frame: Frame,
    pub fp: FpState,
}

/// All threads, by pool slot. A cell is written when its first thread is made, so that the boot need not write them all.
pub(crate) struct Threads {
    cells: Box<[MaybeUninit<UnsafeCell<Thread>>]>,
}

// SAFETY: a cell is reached with the task's token only, of which there is one, or by assembly of the one hart that
// runs the task. Tokens pass between harts by Release and Acquire (inbox, ring, claim), which orders the accesses.
unsafe impl Sync for Threads {}

impl Threads {
    pub(crate) fn new(count: usize) -> Threads {
        Threads { cells: Box::new_uninit_slice(count) }
    }

    /// Makes the thread of a task that has just been made: it starts like one that returns from a call, and has not used
    /// floating point.
    pub(crate) fn start(&self, task: &Runnable, pc: u64, sp: u64, argument: u64) {
        let thread = self.address(task.slot());
        let mut frame = Frame { x: [0; 32], whole: 0 };
        (frame.x[PC], frame.x[SP], frame.x[A0]) = (pc, sp, argument);
        // SAFETY: the token is the only one of its task, and no hart has the task's registers. What is left unwritten of the
        // floating-point state is not looked at before it is used.
        unsafe {
            (&raw mut (*thread).frame).write(frame);
            (&raw mut (*thread).fp.used).write(false);
        }
    }

    /// The thread of a task that waits for a CPU.
    #[allow(clippy::mut_from_ref, reason = "the token, not the container, grants the access")]
    pub(crate) fn waiting<'a>(&'a self, task: &'a Runnable) -> &'a mut Thread {
        // SAFETY: the token is the only one of its task, and no hart has the task's registers; `start` has written it.
        unsafe { &mut *self.address(task.slot()) }
    }

    /// The thread of the task that this hart runs.
    #[allow(clippy::mut_from_ref, reason = "the token, not the container, grants the access")]
    pub(crate) fn running<'a>(&'a self, task: &'a Running) -> &'a mut Thread {
        // SAFETY: the token is the only one of its task; assembly touches the frame only outside of Rust code; `start` has
        // written it.
        unsafe { &mut *self.address(task.slot()) }
    }

    /// Where the thread of a slot is.
    pub(crate) fn address(&self, slot: usize) -> *mut Thread {
        UnsafeCell::raw_get(self.cells[slot].as_ptr())
    }
}

impl Frame {
    /// The call that is under way is made again, with the arguments that it has.
    pub(crate) fn again(&mut self) {
        self.x[PC] = self.x[PC].wrapping_sub(ECALL);
        self.whole = 1;
    }

    pub(crate) fn pc(&self) -> u64 {
        self.x[PC]
    }

    /// What a system call returns: status and value.
    pub(crate) fn set_result(&mut self, result: Result<u64, antler_abi::Error>) {
        (self.x[A0], self.x[A1]) = match result {
            Ok(value) => (0, value),
            Err(error) => (error.code() as u64, 0),
        };
    }
}
