//! Bad pointers are refused and wild programs ended, and this one runs on. The manifest starts the wild programs
//! beside this one; each commits one fault.

use core::sync::atomic::AtomicU32;

use antler_rt::abi::{PAGE, Syscall, USER_END};
use antler_rt::sys::probe;
use antler_rt::{Error, sys};

use super::check::{check, fail, must, poll_until};
use super::shootdown;

/// Inside the kernel: mapped, but not for programs.
const KERNEL: usize = 0xffff_ffc0_8020_0000;

/// Bytes that the calls are told to be at the pointer.
const LEN: usize = 64;

pub fn run(_: usize) {
    // Not mapped, like the page behind the one that is.
    let reserved = must("reserve", sys::reserve(3 * PAGE));
    must("map a page", sys::map(reserved, PAGE));
    let everywhere = [
        ("null", 0),
        ("a kernel address", KERNEL),
        ("an unmapped address", reserved + 2 * PAGE),
        ("the end of user memory", USER_END - 4),
        ("the end of all memory", usize::MAX - 3),
    ];
    for (what, pointer) in everywhere {
        reads(what, pointer);
        writes(what, pointer);
        words(what, pointer);
    }
    let edge = reserved + PAGE - 8;
    reads("the edge of mapped memory", edge);
    writes("the edge of mapped memory", edge);
    writes("program text", run as fn(usize) as usize & !7);
    misaligned();
    shootdown::here(reserved);
    // SAFETY: nothing refers to the page.
    must("unmap", unsafe { sys::unmap(reserved, 3 * PAGE) });
    poll_until("every other program to be over", || must("count programs", probe::programs()) == 1);
}

/// Fails unless the call with these arguments is refused with `BadAddress`.
fn bad(what: &str, call: Syscall, args: [usize; 3]) {
    let [a, b, c] = args;
    // SAFETY: the pointer among the arguments is nothing of the program's, or a page that nobody uses; the kernel is
    // to refuse it, and if it does not, the next line ends the program.
    let (status, value) = unsafe { sys::raw(call.number(), [a, b, c, LEN, 0, 0]) };
    match Error::from_code(status) {
        Some(Error::BadAddress) => {}
        Some(error) => fail(format_args!("{call:?} with {what}: {error:?} instead of BadAddress")),
        None => fail(format_args!("{call:?} with {what} answers {status}, {value}")),
    }
}

/// Calls that read from the pointer.
fn reads(what: &str, pointer: usize) {
    bad(what, Syscall::Write, [pointer, LEN, 0]);
    bad(what, Syscall::FileFind, [pointer, LEN, 0]);
}

/// Calls that write to the pointer.
fn writes(what: &str, pointer: usize) {
    let file = must("find bin/selftest", sys::file_find(b"bin/selftest"));
    bad(what, Syscall::FileInfo, [file, pointer, LEN]);
    // The length is the fourth argument, which `bad` gives.
    bad(what, Syscall::FileRead, [file, 0, pointer]);
    // Without arguments nothing is copied, and any pointer will do.
    if must("read the arguments", sys::args(&mut [0; LEN])) > 0 {
        bad(what, Syscall::Args, [pointer, LEN, 0]);
    }
}

/// Calls about a word at the pointer.
pub(super) fn words(what: &str, pointer: usize) {
    bad(what, Syscall::Wait, [pointer, 0, usize::MAX]);
    bad(what, Syscall::Wake, [pointer, 1, 0]);
}

/// Words that are not aligned.
fn misaligned() {
    let words = [AtomicU32::new(0), AtomicU32::new(0)];
    let pointer = (&raw const words) as usize + 1;
    for call in [Syscall::Wait, Syscall::Wake] {
        // SAFETY: at most reads the words, which live.
        let (status, _) = unsafe { sys::raw(call.number(), [pointer, 0, 0, 0, 0, 0]) };
        let error = Error::from_code(status);
        let refused = matches!(error, Some(Error::BadAddress | Error::BadArgument));
        check!(refused, "{call:?} with a pointer that is not aligned: {error:?}");
    }
}
