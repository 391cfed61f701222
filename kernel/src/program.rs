//! Programs: loaded at boot from the initrd, each with an address space of its own; over when their last thread ends.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use antler_abi::{ARGS_MAX, Error, MAP_BASE, MAP_END, MachineExit, PAGE, Rights, STACK_SIZE, STACK_TOP};
use antler_nucleus::{AtomicCpuSet, Placement};
use antler_parse::elf::{self, ElfError};
use antler_parse::manifest;
use antler_sync::{HartToken, Lock};

use crate::hart::HartBlock;
use crate::machine::Here;
use crate::memory::paging::PageTable;
use crate::memory::space::Space;
use crate::state::{WORDS, kernel};
use crate::{calls, cpu, end};

/// Rank of a space's lock: it may be taken under a wait bucket's.
pub(crate) const SPACE_RANK: u8 = 2;

/// Pages freed in one go when a program is over.
const REAP_PAGES: usize = 64;

/// `Kernel::reaping` has a bit for each program.
const _: () = assert!(manifest::MAX_PROGRAMS <= 64);

/// One program.
pub(crate) struct Program {
    /// Position in the kernel's list.
    pub number: u32,
    /// As in the manifest.
    pub name: String,
    /// What it may do.
    pub rights: Rights,
    /// Argument block: NUL-terminated strings.
    pub args: Vec<u8>,
    /// Its memory; `None` once it is freed.
    pub space: Lock<Option<Space>, SPACE_RANK>,
    /// Its page table as a `satp` value; valid until the space is freed.
    pub satp: u64,
    /// CPUs that have the space in `satp` or translations of it.
    pub active: AtomicCpuSet<WORDS>,
    /// Threads that are not over.
    live: AtomicU32,
    /// Set when the program must end; its threads find out when their CPUs next decide what to run.
    doomed: AtomicU32,
    /// Exit code, offset so that 0 means "none yet".
    exit: AtomicU64,
    /// Next address that `Reserve` gives out.
    reserve: AtomicU64,
}

/// Why a program cannot be loaded.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The file is no program of ours.
    Elf(ElfError),
    /// Memory is used up.
    NoMemory,
}

impl core::fmt::Display for LoadError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            LoadError::Elf(error) => error.fmt(f),
            LoadError::NoMemory => f.write_str("not enough memory to load it"),
        }
    }
}

impl Program {
    /// Loads a program of the manifest: its segments and the stack of its first thread. Returns it with its entry point.
    pub(crate) fn load(
        number: usize,
        entry: &manifest::Program,
        file: &[u8],
        kernel_table: &PageTable,
    ) -> Result<(Program, u64), LoadError> {
        let image = elf::load(file).map_err(LoadError::Elf)?;
        let no_memory = |_| LoadError::NoMemory;
        let mut space = Space::new(kernel_table).map_err(no_memory)?;
        for segment in &image.segments {
            let (start, end) = (segment.vaddr as usize, segment.end() as usize);
            for page in (start & !(PAGE - 1)..end).step_by(PAGE) {
                let direct = match space.map_page(page, segment.flags.w, segment.flags.x) {
                    Ok(frame) => crate::memory::layout::to_virtual(frame),
                    // Segments with the same permissions may share a page.
                    Err(Error::Exists) => space.translate(page, false).ok_or(LoadError::NoMemory)?,
                    Err(_) => return Err(LoadError::NoMemory),
                };
                let (from, to) = (page.max(start), (page + PAGE).min(start + segment.data.len()));
                if from < to {
                    let part = &segment.data[from - start..to - start];
                    // SAFETY: the target is a frame of this space that nobody else knows yet; the range is within it.
                    unsafe {
                        core::ptr::copy_nonoverlapping(
                            part.as_ptr(),
                            (direct + (from - page)) as *mut u8,
                            part.len(),
                        );
                    }
                }
            }
        }
        for page in (STACK_TOP - STACK_SIZE..STACK_TOP).step_by(PAGE) {
            space.map_page(page, true, false).map_err(no_memory)?;
        }
        let args: Vec<u8> = entry.args.iter().flat_map(|arg| arg.bytes().chain([0])).collect();
        debug_assert!(args.len() <= ARGS_MAX);
        let program = Program {
            number: number as u32,
            name: entry.name.clone(),
            rights: entry.rights,
            args,
            satp: space.satp(),
            space: Lock::new(Some(space)),
            active: AtomicCpuSet::default(),
            live: AtomicU32::new(1),
            doomed: AtomicU32::new(0),
            exit: AtomicU64::new(0),
            reserve: AtomicU64::new(MAP_BASE as u64),
        };
        Ok((program, image.entry))
    }

    /// Whether its threads are to end.
    pub(crate) fn is_doomed(&self) -> bool {
        self.doomed.load(Ordering::Acquire) != 0
    }

    /// Counts a thread that is about to be made.
    pub(crate) fn thread_added(&self) {
        self.live.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes back what [`Program::thread_added`] counted, when the thread was not made after all.
    pub(crate) fn thread_not_added(&self) {
        self.live.fetch_sub(1, Ordering::Relaxed);
    }

    /// Address range of `len` bytes (page-aligned) that was never given out before.
    pub(crate) fn reserve(&self, len: usize) -> Result<u64, Error> {
        let room = |at: &u64| at.checked_add(len as u64).is_some_and(|end| end <= MAP_END as u64);
        self.reserve
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |at| room(&at).then(|| at + len as u64))
            .map_err(|_| Error::NoMemory)
    }

    /// The program's exit code; the first one given counts.
    fn set_exit(&self, code: i32) {
        let word = 1 << 32 | u64::from(code as u32);
        // A later code of another thread does not replace it.
        let _ = self.exit.compare_exchange(0, word, Ordering::AcqRel, Ordering::Relaxed);
    }

    fn exit_code(&self) -> i32 {
        self.exit.load(Ordering::Acquire) as u32 as i32
    }
}

/// The program that a live slot's task belongs to.
pub(crate) fn of_slot(slot: usize) -> &'static Program {
    let k = kernel();
    &k.programs()[k.sched.tasks.owner(slot) as usize]
}

/// Ends the whole program of the current thread with `code`: its other threads end when their CPUs next decide what to run,
/// which waking and ringing brings about at once. The caller's own ends when this CPU next looks at what it runs.
pub(crate) fn end_program(here: &mut HartToken, program: &'static Program, code: i32) {
    program.set_exit(code);
    // Release: whoever finds the program doomed finds its exit code set. The doorbells rung by `rouse` order it before
    // the look that every other CPU takes at its current task.
    // Only its own threads make more of them, so a thread that is alone has nobody to rouse.
    if program.doomed.swap(1, Ordering::AcqRel) == 0 && program.live.load(Ordering::Acquire) > 1 {
        // A thread that parks right now is either found parked by `rouse`, or finds its program doomed (`tasks::parked`).
        fence(Ordering::SeqCst);
        kernel().sched.rouse(&Here, here, program.number);
    }
}

/// Ends the current thread; with the last one, its program.
pub(crate) fn end_thread(here: &mut HartToken, value: u64) {
    let k = kernel();
    let Some(slot) = k.sched.current(here) else { return };
    let program = of_slot(slot);
    k.sched.exit(&Here, here, value);
    HartBlock::mine().task.store(0, Ordering::Relaxed);
    // This CPU keeps the page table until it runs something else, or sleeps: most threads leave others behind.
    if program.live.fetch_sub(1, Ordering::AcqRel) == 1 {
        cpu::use_kernel_space(here);
        over(here, program);
    }
}

/// The program's last thread has ended: nobody will enter its space again.
fn over(here: &mut HartToken, program: &'static Program) {
    let k = kernel();
    program.set_exit(0);
    calls::await_unused(here, program);
    for slot in 0..k.sched.tasks.capacity() {
        // The handle first: if the slot changes hands meanwhile, it names a thread that is gone, and nothing is reaped.
        let handle = k.sched.tasks.handle(slot);
        if k.sched.tasks.owner(slot) == program.number {
            // Threads that nobody joined; a slot that holds none is left alone.
            let _unjoined = k.sched.tasks.reap(handle);
        }
    }
    k.reaping.fetch_or(1 << program.number, Ordering::AcqRel);
    if k.running.fetch_sub(1, Ordering::AcqRel) == 1 {
        end::finish(here, outcome());
    }
}

/// How the machine ends, by what its programs returned.
fn outcome() -> MachineExit {
    let k = kernel();
    let failed = k.programs().iter().filter(|program| program.exit_code() != 0);
    let mut exit = MachineExit::Success;
    for program in failed {
        if k.selftest {
            // Programs that are there to be ended do not decide; the self-test program does.
            if program.rights.contains(Rights::SELFTEST) {
                exit = MachineExit::SelftestFailed;
            }
        } else {
            say!("antler: program {} ended with exit code {}", program.name, program.exit_code());
            exit = MachineExit::ProgramFailed;
        }
    }
    exit
}

/// Frees some memory of a program that is over; called by CPUs with nothing better to do, and when memory runs out.
/// True if there was something to free; another CPU may be at it.
pub(crate) fn reap_some() -> bool {
    let k = kernel();
    let reaping = k.reaping.load(Ordering::Acquire);
    if reaping == 0 {
        return false;
    }
    let number = reaping.trailing_zeros();
    let program = &k.programs()[number as usize];
    program.space.try_with(|space| {
        let Some(memory) = space else { return };
        if memory.free_some(REAP_PAGES) {
            *space = None;
            k.reaping.fetch_and(!(1 << number), Ordering::AcqRel);
        }
    });
    true
}

/// Starts the first thread of each program, with its entry point and class. That of the first program is put on this
/// CPU's own queue: a program that watches over a run gets going even if no doorbell works.
pub(crate) fn start_all(here: &mut HartToken, starts: &[(u64, antler_abi::Qos)]) -> Result<(), Error> {
    let k = kernel();
    for (program, &(entry, qos)) in k.programs().iter().zip(starts) {
        let placement = if program.number == 0 { Placement::Here } else { Placement::Anywhere };
        k.sched
            .spawn(&Here, here, program.number, qos, placement, |task| {
                k.threads.start(task, entry, STACK_TOP as u64, 0);
            })
            .map_err(|_| Error::NoTask)?;
    }
    Ok(())
}

/// Makes the list of programs final.
pub(crate) fn install(programs: Vec<Program>) {
    let k = kernel();
    k.running.store(programs.len(), Ordering::Release);
    k.programs.call_once(|| programs.into_boxed_slice() as Box<[Program]>);
}
