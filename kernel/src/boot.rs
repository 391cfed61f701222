//! The boot story, on the boot hart: read the board, set up memory, bring every hart online, load programs, run.

use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize};

use antler_abi::{MachineExit, Qos};
use antler_facts::{Event, Hart, Marker};
use antler_nucleus::{Config, CpuId, CpuSet, HartId, Machine, Scheduler};
use antler_parse::board::{self, Board, Range};
use antler_parse::bootargs::BootArgs;
use antler_parse::initrd::Archive;
use antler_parse::manifest;
use antler_sync::{Brand, HartToken, PerHart};
use spin::Once;

use crate::faults::{self, Fault};
use crate::hart::HartBlock;
use crate::machine::Here;
use crate::memory::layout::{OFFSET, to_physical, to_virtual};
use crate::memory::paging::{self, PageTable};
use crate::memory::{frames, heap, layout, stacks};
use crate::program::{self, Program};
use crate::sbi::{self, Extension};
use crate::state::{self, Kernel, WORDS, kernel};
use crate::thread::{Thread, Threads};
use crate::{bringup, console, counters, cpu, demands, doorbell, end, entry, evidence, hart, time, timer};

use page_table_entry::MappingFlags;

/// Tasks that can exist.
const TASKS: usize = 4096;

/// How long a task runs while others of its class wait, in ns.
const SLICE: u64 = 10_000_000;

/// Lists that waiting tasks are spread over: as many as tasks, so that a wake does not walk past those of other keys.
const WAIT_LISTS: usize = TASKS;

/// What boot knows before the kernel's state exists, for after the change of stacks.
struct Handover {
    hart: u64,
    board: Board,
    args: BootArgs,
    table: PageTable,
}

// SAFETY: the page table's memory is reachable from every hart; the value is used by the boot hart only.
unsafe impl Send for Handover {}
// SAFETY: as above: after `call_once` it is read by the boot hart only.
unsafe impl Sync for Handover {}

static HANDOVER: Once<Handover> = Once::new();

/// First Rust code of the kernel, on the boot stack: `hart` is the boot hart's id as firmware passed it, `dtb` the
/// device tree's physical address, `instret` the instructions that had been executed.
pub(crate) extern "C" fn boot_main(hart: u64, dtb: u64, instret: u64) -> ! {
    counters::handed_over(instret);
    sbi::init();
    let board = read_board(dtb);
    time::init(board.timebase);
    console::init(board.uart);
    end::init(board.test.map(|range| range.base));
    greet(&board, hart);
    demands::check_firmware(&board);
    #[cfg(feature = "faults")]
    let board = Board { bootargs: faults::take(&board.bootargs), ..board };
    let args = BootArgs::parse(&board.bootargs)
        .unwrap_or_else(|error| end::refuse(MachineExit::BadInput, format_args!("{error}")));
    let harts = demands::number_harts(&board, hart);
    timer::init(&board, args.timers);
    let doorbells = doorbell::init(&board, &harts, args.doorbells);
    say!(
        "KINIT: console: {}; doorbells: {}; timers: {}",
        console::port_name(),
        doorbell::name(),
        timer::name()
    );
    #[cfg(feature = "faults")]
    faults::demand(harts.len());
    set_up_memory(&board, dtb, harts.len());
    let mut table = map_kernel(&board, doorbells.as_deref().unwrap_or(&[]));
    let blocks = make_blocks(&board, &mut table, &harts, doorbells.as_deref());
    let own = blocks[0];
    let kernel = make_kernel(&board, &args, &table, blocks);
    state::init(kernel);
    HANDOVER.call_once(|| Handover { hart, board, args, table });
    // SAFETY: the final table maps the kernel as the boot table does, only with the right permissions; the block is
    // this hart's own and its stack is mapped there.
    unsafe {
        paging::switch_to(own.satp);
        entry::enter_own_stack(own, boot_on_own_stack)
    }
}

/// The second half, on the boot hart's own stack.
extern "C" fn boot_on_own_stack() -> ! {
    let handover = HANDOVER.get().expect("boot_main has filled it");
    let k = kernel();
    open_evidence(handover, k);
    bringup::report(handover.hart, k.blocks[0]);
    {
        // SAFETY: `report` has dropped its token, and the next one is made after this block.
        let mut here = unsafe { HartToken::claim(0) };
        set_ceilings(handover, k);
        start_secondaries(&mut here, k);
        say!("KINIT: boot ok");
        if !faults::commits(Fault::BootUnstated) {
            Here.fact(Event::Marker { marker: Marker::Boot });
        }
        #[cfg(feature = "faults")]
        faults::reached(Marker::Boot);
        let starts = load_programs(handover, k);
        if let Err(error) = program::start_all(&mut here, &starts) {
            end::refuse(MachineExit::BadInput, format_args!("programs cannot be started: {error}"));
        }
    }
    cpu::enter_scheduler()
}

fn read_board(dtb: u64) -> Board {
    let fail = |why: &dyn core::fmt::Display| -> ! {
        // The UART of the tree is not known: firmware's console, if there is one, is all there is.
        console::init(None);
        end::init(Some(entry::QEMU_TEST_DEVICE));
        end::refuse(MachineExit::BootRefused, format_args!("device tree at {dtb:#x}: {why}"))
    };
    let bytes = |len| {
        // SAFETY: firmware passed the address of a device tree, and the boot page table maps the first 128 GiB.
        unsafe { core::slice::from_raw_parts(to_virtual(dtb) as *const u8, len) }
    };
    let size = board::total_size(bytes(board::HEADER_SIZE)).unwrap_or_else(|error| fail(&error));
    let board = Board::read(bytes(size)).unwrap_or_else(|error| fail(&error));
    if let Some(device) = devices(&board).find(|device| device.end() > layout::DIRECT_MAX) {
        fail(&format_args!(
            "the registers at {:#x} lie beyond the {} GiB that the kernel maps",
            device.base,
            layout::DIRECT_MAX >> 30
        ))
    }
    board
}

/// The registers of the devices that we use.
fn devices(board: &Board) -> impl Iterator<Item = Range> {
    board.uart.map(|uart| uart.range).into_iter().chain(board.test).chain(board.virtio.iter().copied())
}

fn greet(board: &Board, hart: u64) {
    let (major, minor, implementation, version) = sbi::version();
    say!("KINIT: Antler {} on {}", env!("CARGO_PKG_VERSION"), board.model);
    let found = |e: &Extension| if sbi::has(*e) { "" } else { " (missing)" };
    let names: String = Extension::ALL.iter().flat_map(|e| [" ", e.name(), found(e)]).collect();
    say!("KINIT: SBI {major}.{minor}, implementation {implementation:#x} version {version:#x}:{names}");
    let enabled = board.harts.iter().filter(|hart| hart.enabled).count();
    say!("KINIT: {enabled} of {} harts enabled, hart {hart} boots", board.harts.len());
}

/// Heap bytes that `cpus` CPUs and all tasks need, with room to spare for programs and their arguments.
fn heap_size(cpus: usize) -> usize {
    let for_tasks = TASKS * (size_of::<Thread>() + 256);
    let for_queues = TASKS * (2 * Qos::COUNT * 4 + 40);
    let for_facts = 8192 * antler_facts::RECORD + 4096;
    (4 << 20) + for_tasks + cpus * (for_queues + for_facts + cpus * 16 + 4096)
}

fn set_up_memory(board: &Board, dtb: u64, cpus: usize) {
    let [text, _, data] = layout::image();
    let image = Range { base: to_physical(text.start), size: (data.end - text.start) as u64 };
    // Firmware loads the kernel at the start of its memory; what lies below is its own, named in the tree or not.
    let below = Range { base: 0, size: image.base };
    let mut taken: Vec<Range> = board.reserved.clone();
    taken.extend([below, image, Range { base: dtb, size: board::MAX_TREE as u64 }]);
    taken.extend(board.initrd);
    frames::init(&board.memory, &taken);
    let size = heap_size(cpus);
    let (free, _) = frames::free_and_total();
    match frames::take_contiguous(size) {
        // SAFETY: fresh frames, ours; the boot table and the final one map them at their direct address.
        Some(base) => unsafe { heap::add(base, size) },
        None => end::refuse(
            MachineExit::BootRefused,
            format_args!(
                "{cpus} harts need {} MiB in one piece for the kernel, and {} MiB are free: give the machine more memory",
                size >> 20,
                (free * layout::PAGE) >> 20
            ),
        ),
    }
}

/// The final page table: every part of the image with its own permissions, all memory behind it writable and not
/// executable, what lies before it (firmware's) not at all, and the registers of the devices that we use, `doorbells` among
/// them.
fn map_kernel(board: &Board, doorbells: &[u64]) -> PageTable {
    let fail = |error| -> ! {
        end::refuse(
            MachineExit::BootRefused,
            format_args!("the kernel's page table cannot be made: {error:?}"),
        )
    };
    let mut table = PageTable::try_new().unwrap_or_else(|error| fail(error));
    let read = MappingFlags::READ;
    let [text, rodata, data] = layout::image();
    let end = data.end;
    let parts = [(text, read | MappingFlags::EXECUTE), (rodata, read), (data, read | MappingFlags::WRITE)];
    for (part, flags) in parts {
        let size = part.end - part.start;
        paging::map_direct(&mut table, to_physical(part.start), size, flags)
            .unwrap_or_else(|error| fail(error));
    }
    for range in &board.memory {
        let from = range.base.max(to_physical(end)).next_multiple_of(layout::PAGE as u64);
        let to = range.end().min(layout::DIRECT_MAX) & !(layout::PAGE as u64 - 1);
        if from < to {
            let size = (to - from) as usize;
            paging::map_direct(&mut table, from, size, read | MappingFlags::WRITE)
                .unwrap_or_else(|error| fail(error));
        }
    }
    let doorbells = doorbells.iter().map(|&base| Range { base, size: 4 });
    let mut devices: Vec<Range> = devices(board).chain(doorbells).collect();
    devices.sort_unstable();
    // Several may share a page: what lies below is mapped.
    let mut mapped = 0;
    for device in devices {
        let page = (device.base & !(layout::PAGE as u64 - 1)).max(mapped);
        let end = device.end().next_multiple_of(layout::PAGE as u64);
        if page < end {
            paging::map_direct(&mut table, page, (end - page) as usize, read | MappingFlags::WRITE)
                .unwrap_or_else(|error| fail(error));
            mapped = end;
        }
    }
    table
}

fn make_blocks(
    board: &Board,
    table: &mut PageTable,
    harts: &[HartId],
    doorbells: Option<&[u64]>,
) -> Vec<&'static HartBlock> {
    let satp = paging::satp_of(table);
    let test_device = board.test.map_or(0, |range| to_virtual(range.base) as u64);
    let mut first = None;
    let make = |(index, &hart): (usize, &HartId)| {
        let mut stacks = stacks::map(table, index).unwrap_or_else(|_| {
            end::refuse(MachineExit::BootRefused, format_args!("no memory for the stacks of {hart}"))
        });
        if faults::commits(Fault::StacksShared) {
            stacks = *first.get_or_insert(stacks);
        }
        let block = HartBlock {
            scratch: Default::default(),
            frame: core::cell::UnsafeCell::new(core::ptr::null_mut()),
            stack_top: stacks.top as u64,
            emergency_top: stacks.emergency_top as u64,
            nested: Default::default(),
            reservation: Default::default(),
            satp,
            test_device,
            doorbell: doorbells.map_or(0, |registers| to_virtual(registers[index]) as u64),
            caller: Default::default(),
            dump: Default::default(),
            stray: AtomicU64::new(0),
            cpu: CpuId::new(index),
            hart,
            stack_bottom: stacks.bottom as u64,
            guard_bottom: stacks.guard_bottom as u64,
            seen: hart::SeenPage::new(),
            program: AtomicPtr::new(core::ptr::null_mut()),
            syscalls: AtomicU64::new(0),
            task: AtomicU64::new(0),
            report: hart::Report::default(),
        };
        &*alloc::boxed::Box::leak(alloc::boxed::Box::new(block))
    };
    harts.iter().enumerate().map(make).collect()
}

fn make_kernel(board: &Board, args: &BootArgs, table: &PageTable, blocks: Vec<&'static HartBlock>) -> Kernel {
    let cpus = blocks.len();
    let files = board.initrd.map(|range| {
        if !board.memory.iter().any(|memory| memory.base <= range.base && range.end() <= memory.end()) {
            end::refuse(
                MachineExit::BadInput,
                format_args!("the initrd at {:#x} is not in memory", range.base),
            );
        }
        // SAFETY: the initrd lies in memory that both tables map and that the frame allocator leaves alone.
        unsafe { core::slice::from_raw_parts(to_virtual(range.base) as *const u8, range.size as usize) }
    });
    let files = files.map(|bytes| {
        Archive::new(bytes)
            .unwrap_or_else(|error| end::refuse(MachineExit::BadInput, format_args!("initrd: {error}")))
    });
    Kernel {
        sched: Scheduler::new(Config {
            brand: Brand::MACHINE,
            cpus,
            tasks: TASKS,
            slice: SLICE,
            wait_lists: WAIT_LISTS,
        }),
        threads: Threads::new(TASKS),
        blocks,
        contexts: PerHart::new(Brand::MACHINE, cpus, |_| cpu::Context::default()),
        satp: paging::satp_of(table),
        selftest: args.selftest,
        stats: args.stats,
        counters: args.counters,
        files,
        programs: Once::new(),
        running: AtomicUsize::new(0),
        reaping: AtomicU64::new(0),
    }
}

/// Opens the way for facts, if they are wanted, and states what the board is.
fn open_evidence(handover: &Handover, k: &'static Kernel) {
    if !handover.args.facts {
        return;
    }
    let port = match evidence::find_port(&handover.board.virtio) {
        Ok(port) => port,
        Err(error) => {
            // Runs without facts go on, and cannot be green: no judge sees what happened.
            say!("KINIT: no facts will be recorded: {error}");
            return;
        }
    };
    let version = port.version();
    evidence::init(k.blocks.len(), port);
    Here.fact(Event::BootHart { hart: Hart(handover.hart) });
    Here.fact(Event::Transport { version });
    for block in &k.blocks {
        Here.fact(Event::Present { cpu: block.cpu.fact(), hart: Hart(block.hart.0) });
    }
}

fn set_ceilings(handover: &Handover, k: &'static Kernel) {
    for &(cpu, class) in &handover.args.ceilings {
        if let Err(error) = k.sched.set_ceiling(usize::from(cpu), class) {
            let why = match error {
                antler_nucleus::CeilingError::InvalidTarget => "there is no such CPU",
                antler_nucleus::CeilingError::BootCpu => "cpu0 runs every class",
            };
            end::refuse(MachineExit::BadInput, format_args!("boot argument ceiling=cpu{cpu}:{class}: {why}"));
        }
        Here.fact(Event::Ceiling { cpu: antler_facts::Cpu(cpu), class });
    }
}

/// Starts all harts at once, then waits for all, then says who is there, in order.
fn start_secondaries(here: &mut HartToken, k: &'static Kernel) {
    let secondaries: CpuSet<WORDS> = k.blocks[1..].iter().map(|block| block.cpu).collect();
    let result = secondaries
        .iter()
        .try_for_each(bringup::start)
        .and_then(|()| bringup::await_online(here, &secondaries));
    if let Err(error) = result {
        end::refuse(MachineExit::BootRefused, format_args!("{error}"));
    }
    for cpu in secondaries.iter() {
        say!("KINIT: {cpu} online");
    }
}

/// Loads what the initrd's manifest names; returns entry point and class of each program's first thread.
fn load_programs(handover: &Handover, k: &'static Kernel) -> Vec<(u64, Qos)> {
    let refuse = |why: core::fmt::Arguments<'_>| -> ! { end::refuse(MachineExit::BadInput, why) };
    let Some(files) = &k.files else { refuse(format_args!("no initrd: pass one with -initrd")) };
    let Some(text) = files.data("manifest") else {
        refuse(format_args!("the initrd has no file named manifest"))
    };
    let entries = manifest::parse(text).unwrap_or_else(|error| refuse(format_args!("initrd: {error}")));
    if entries.is_empty() {
        refuse(format_args!("the initrd's manifest names no program"));
    }
    let (mut programs, mut starts) = (Vec::new(), Vec::new());
    for (number, entry) in entries.iter().enumerate() {
        let path = alloc::format!("bin/{}", entry.name);
        let Some(file) = files.data(&path) else {
            refuse(format_args!("the initrd has no file named {path}"))
        };
        match Program::load(number, entry, file, &handover.table) {
            Ok((program, start)) => {
                programs.push(program);
                starts.push((start, entry.qos));
            }
            Err(error) => refuse(format_args!("program {}: {error}", entry.name)),
        }
    }
    program::install(programs);
    starts
}

/// The kernel's half of the address space begins here in every page table.
const _: () = assert!(OFFSET >> 38 == usize::MAX >> 38);
