//! A page that was there a moment ago: whatever harts knew of it must be forgotten.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use antler_rt::abi::{PAGE, Syscall};
use antler_rt::thread::Builder;
use antler_rt::{Error, sys};

use super::check::{check, look_until, must, spin_until};
use super::isolation::words;

/// A word that a page begins with, and one that it does not.
const WORD: u32 = 7;
const OTHER: usize = 1;

/// What the director and its witness have come to.
const KNOWS_NOTHING: u32 = 0;
const MAPPED: u32 = 1;
const KNOWS: u32 = 2;
const UNMAPPED: u32 = 3;

/// By the hart that unmaps it. The page is mapped, before and after.
pub fn here(page: usize) {
    unmap(page);
    map(page);
    knows(page);
    unmap(page);
    words("a page that was unmapped", page);
    map(page);
}

/// By another hart, which has run on meanwhile, or has slept.
pub fn elsewhere(cpu: usize) {
    let page = must("reserve", sys::reserve(PAGE));
    for sleeps in [false, true] {
        let state = Arc::new(AtomicU32::new(KNOWS_NOTHING));
        let theirs = Arc::clone(&state);
        let witness = Builder::new().cpu(cpu).spawn(move || witness(page, sleeps, &theirs));
        let witness = must("spawn a witness", witness);
        map(page);
        state.store(MAPPED, Ordering::Release);
        look_until("a hart that knows the page", || state.load(Ordering::Acquire) == KNOWS);
        unmap(page);
        state.store(UNMAPPED, Ordering::Release);
        must("join", witness.join());
    }
}

/// Asks for a word of the page while it is there, and once more when it is not. In between it makes no call that is about
/// another word.
fn witness(page: usize, sleeps: bool, state: &AtomicU32) {
    look_until("a page", || state.load(Ordering::Acquire) == MAPPED);
    knows(page);
    state.store(KNOWS, Ordering::Release);
    let gone = || state.load(Ordering::Acquire) == UNMAPPED;
    if sleeps {
        look_until("a page that is gone", gone);
    } else {
        spin_until("a page that is gone", gone);
    }
    words("a page that another CPU unmapped", page);
}

/// Asks for a word of the page, which is there: from then on the hart knows where the page is.
fn knows(page: usize) {
    for _ in 0..2 {
        // SAFETY: at most reads the word, which is there.
        let (status, _) = unsafe { sys::raw(Syscall::Wait.number(), [page, OTHER, usize::MAX, 0, 0, 0]) };
        let error = Error::from_code(status);
        check!(error == Some(Error::Changed), "waiting for {WORD} to change from {OTHER}: {error:?}");
    }
}

fn map(page: usize) {
    must("map a page", sys::map(page, PAGE));
    // SAFETY: the page has just been mapped, and nothing else refers to it.
    unsafe { (page as *mut u32).write_volatile(WORD) };
}

fn unmap(page: usize) {
    // SAFETY: nothing refers to the page.
    must("unmap", unsafe { sys::unmap(page, PAGE) });
}
