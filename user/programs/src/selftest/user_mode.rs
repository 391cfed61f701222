//! System calls answer as the contract says, good and bad ones.

use antler_rt::abi::{PAGE, Syscall, ThreadHandle};
use antler_rt::thread::Builder;
use antler_rt::{Error, Qos, sys};

use super::STACK;
use super::check::{check, must, refused};
use super::orders::become_class;

pub fn run(cpus: usize) {
    numbers();
    clock_and_cpus(cpus);
    files_and_arguments();
    memory();
    threads();
    classes();
}

/// Numbers that are no system call.
fn numbers() {
    for number in [Syscall::ALL.len(), 1000, usize::MAX] {
        // SAFETY: the numbers stand for no call, so nothing is done.
        let (status, _) = unsafe { sys::raw(number, [0; 6]) };
        check!(Error::from_code(status) == Some(Error::NoSuchCall), "call {number} answers {status}");
    }
}

fn clock_and_cpus(cpus: usize) {
    let mut before = 0;
    for _ in 0..100 {
        let now = must("read the clock", sys::clock());
        check!(now >= before, "the clock went back from {before} to {now}");
        before = now;
    }
    let here = must("ask for the CPU", sys::cpu());
    let online = must("count CPUs", sys::cpus_online());
    check!(here < cpus && online <= cpus, "on cpu{here} of {cpus}, {online} of them online");
}

fn files_and_arguments() {
    let index = must("find bin/selftest", sys::file_find(b"bin/selftest"));
    let size = must("ask for its size", sys::file_info(index, &mut []));
    let mut magic = [0; 4];
    let read = must("read it", sys::file_read(index, 0, &mut magic));
    check!(read == 4 && magic == *b"\x7fELF", "bin/selftest begins with {magic:x?}");
    let at_end = must("read past its end", sys::file_read(index, size, &mut magic));
    check!(at_end == 0, "{at_end} bytes past the end of a file");
    refused("find a file that is not there", sys::file_find(b"no such file"), Error::NoFile);
    refused("read a file that is not there", sys::file_read(usize::MAX, 0, &mut magic), Error::NoFile);
    let mut block = [1; 256];
    let len = must("read the arguments", sys::args(&mut block));
    let whole = block.get(..len).is_none_or(|block| block.last().is_none_or(|&last| last == 0));
    check!(whole, "the arguments do not end with NUL");
}

/// Pages come zeroed, hold what is written, and come zeroed again.
fn memory() {
    const LEN: usize = 2 * PAGE;
    let base = must("reserve", sys::reserve(LEN));
    for round in 1..=2u64 {
        let mapped = must("map", sys::map(base, LEN));
        check!(mapped == LEN, "{mapped} of {LEN} bytes mapped");
        let words = core::ptr::with_exposed_provenance_mut::<u64>(base);
        // SAFETY: mapped read-write right here, for this function alone, until it is unmapped below.
        let words = unsafe { core::slice::from_raw_parts_mut(words, LEN / 8) };
        check!(words.iter().all(|&word| word == 0), "fresh memory is not zero");
        let value = |at: usize| round << 32 | at as u64;
        words.iter_mut().enumerate().for_each(|(at, word)| *word = value(at));
        let kept = core::hint::black_box(words).iter().enumerate().all(|(at, &word)| word == value(at));
        check!(kept, "memory does not hold what was written");
        refused("map twice", sys::map(base, PAGE), Error::Exists);
        refused("map part of a page", sys::map(base, PAGE / 2), Error::BadArgument);
        // SAFETY: nothing refers to the pages any more.
        let gone = must("unmap", unsafe { sys::unmap(base, LEN) });
        check!(gone == LEN, "{gone} of {LEN} bytes unmapped");
    }
}

/// What the thread answers to an argument.
const MASK: usize = 0x5a5a_1234;

/// First function of a thread made by hand.
extern "C" fn answer(argument: usize) -> ! {
    // SAFETY: this frame holds nothing, and nobody borrows from it.
    unsafe { sys::thread_exit(argument ^ MASK) }
}

fn threads() {
    let value = must("start a thread", Builder::new().stack_size(STACK).spawn(|| 42)).join();
    check!(value == Ok(42), "a thread that returns 42 answers {value:?}");

    let stack = must("reserve a stack", sys::reserve(STACK));
    must("map a stack", sys::map(stack, STACK));
    let argument = 0x1_0000_0007;
    let spawn = sys::Spawn {
        entry: answer as extern "C" fn(usize) -> ! as usize,
        arg: argument,
        stack_top: stack + STACK,
        qos: Qos::Normal,
        cpu: None,
        local: false,
    };
    // SAFETY: `answer` takes any argument, and the stack is its own until it was joined.
    let thread = must("start a thread by hand", unsafe { sys::spawn(spawn) });
    let value = must("join it", sys::join(thread));
    check!(value == argument ^ MASK, "the thread answers {value:#x}");
    refused("join a thread twice", sys::join(thread), Error::BadHandle);
    for raw in [0, u64::MAX, thread.to_raw() + (1 << 32)] {
        refused("join a thread that is not there", sys::join(ThreadHandle::from_raw(raw)), Error::BadHandle);
    }
    // SAFETY: its thread has ended.
    must("unmap the stack", unsafe { sys::unmap(stack, STACK) });
}

fn classes() {
    become_class(Qos::Normal);
    become_class(Qos::PerfBurst);
    become_class(Qos::Interactive);
    // SAFETY: the call takes a number only.
    let (status, _) = unsafe { sys::raw(Syscall::SetQos.number(), [Qos::COUNT, 0, 0, 0, 0, 0]) };
    check!(Error::from_code(status) == Some(Error::BadArgument), "a class that is none: {status}");
}
