//! The kernel's one global: made by the boot hart before any other hart runs kernel code, and not moved after.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use antler_nucleus::{CpuId, HartId, Scheduler};
use antler_parse::initrd::Archive;
use antler_sync::PerHart;
use spin::Once;

use crate::cpu::Context;
use crate::hart::HartBlock;
use crate::program::Program;
use crate::thread::Threads;

/// Words of a CPU set: 512 CPUs.
pub(crate) const WORDS: usize = 8;

/// Everything that lives as long as the machine.
pub(crate) struct Kernel {
    /// Which task runs where.
    pub sched: Scheduler<WORDS>,
    /// Registers of tasks, by pool slot.
    pub threads: Threads,
    /// Each hart's block, by CPU number.
    pub blocks: Vec<&'static HartBlock>,
    /// What each CPU knows of itself.
    pub contexts: PerHart<Context>,
    /// The kernel's own page table, as a `satp` value.
    pub satp: u64,
    /// Boot arguments.
    pub selftest: bool,
    /// Whether the table of counters is printed at the end.
    pub stats: bool,
    /// Whether programs may count instructions.
    pub counters: bool,
    /// The initrd's files.
    pub files: Option<Archive<'static>>,
    /// Programs, by number.
    pub programs: Once<Box<[Program]>>,
    /// How many of them are not over.
    pub running: AtomicUsize,
    /// Programs that are over and whose memory is being freed, by bit.
    pub reaping: AtomicU64,
}

static KERNEL: Once<Kernel> = Once::new();
/// Where it is, once it is: asked for several times in every trap, so that the asking is two instructions.
static PLACE: AtomicPtr<Kernel> = AtomicPtr::new(core::ptr::null_mut());

/// Puts the kernel in its place; by the boot hart, once.
pub(crate) fn init(kernel: Kernel) {
    let kernel: *const Kernel = KERNEL.call_once(|| kernel);
    PLACE.store(kernel.cast_mut(), Ordering::Release);
}

/// The kernel.
pub(crate) fn kernel() -> &'static Kernel {
    try_kernel().expect("the kernel's state is made before anything asks for it")
}

/// The kernel, or nothing if boot has not come that far.
pub(crate) fn try_kernel() -> Option<&'static Kernel> {
    // Relaxed: the boot hart wrote it all before it asked firmware to start any other hart, and a started hart sees what its
    // starter wrote, or it would find neither its block nor its stack.
    let place = PLACE.load(Ordering::Relaxed);
    // SAFETY: null, or the address of a static that nobody changes any more.
    unsafe { place.as_ref() }
}

/// The hart that a CPU is.
pub(crate) fn hart_of(cpu: CpuId) -> HartId {
    kernel().blocks[cpu.index()].hart
}

impl Kernel {
    /// The programs, once they are loaded.
    pub(crate) fn programs(&self) -> &[Program] {
        self.programs.get().map_or(&[], |programs| programs)
    }
}
