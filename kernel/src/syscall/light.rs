//! Calls that give the hart straight back to their caller: nothing of the caller was saved but what the entry itself needs,
//! and nothing else may run before it. What cannot be answered so is left to [`super::handle`], which begins from the start.

use core::sync::atomic::Ordering;

use antler_abi::{Error, Syscall};
use antler_facts::Event;
use antler_nucleus::{Key, Machine};

use crate::hart::HartBlock;
use crate::machine::Here;
use crate::state::kernel;
use crate::thread::{A0, A7, Frame};
use crate::{evidence, faults, time};

/// What the entry gets: status and value, for the caller's `a0` and `a1`, or a negative status: not to be answered so.
#[repr(C)]
pub(crate) struct Answer {
    status: i64,
    value: u64,
}

/// The call is to be handled with everything saved; its arguments are in the caller's frame.
const WHOLE: i64 = -1;

const CLOCK: u64 = Syscall::Clock as u64;
const CPU: u64 = Syscall::Cpu as u64;

/// `Null`. A call's arguments are as they were in `a0` to `a7`.
///
/// Each kind has a function of its own, which the entry chooses: one for all of them would need a stack for the rarest.
pub(crate) extern "C" fn null(a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64, a6: u64, a7: u64) -> Answer {
    match faults::meddles() {
        true => whole(a0, a1, a2, a3, a4, a5, a6, a7),
        false => done(a0, 0, 0, a7),
    }
}

/// `Wake`, if nobody waits.
pub(crate) extern "C" fn wake(a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64, a6: u64, a7: u64) -> Answer {
    match !faults::meddles() && nobody_waits(a0) {
        true => done(a0, 0, 0, a7),
        false => whole(a0, a1, a2, a3, a4, a5, a6, a7),
    }
}

/// `Wait`, if the word has changed already.
pub(crate) extern "C" fn wait(a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64, a6: u64, a7: u64) -> Answer {
    match !faults::meddles() && has_changed(a0, a1) {
        true => done(a0, Error::Changed.code() as i64, 0, a7),
        false => whole(a0, a1, a2, a3, a4, a5, a6, a7),
    }
}

/// Every other call.
pub(crate) extern "C" fn other(a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64, a6: u64, a7: u64) -> Answer {
    match a7 {
        CLOCK if !faults::meddles() => done(a0, 0, time::now(), a7),
        CPU if !faults::meddles() => done(a0, 0, HartBlock::mine().cpu.index() as u64, a7),
        _ => whole(a0, a1, a2, a3, a4, a5, a6, a7),
    }
}

/// The call is answered; its facts are stated if anybody wants them.
#[inline(always)]
fn done(argument: u64, status: i64, value: u64, number: u64) -> Answer {
    HartBlock::mine().count_call();
    if evidence::is_on() {
        return state(argument, status, value, number);
    }
    Answer { status, value }
}

/// Leaves the call to those who handle it with everything saved.
#[cold]
#[inline(never)]
extern "C" fn whole(a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64, a6: u64, number: u64) -> Answer {
    // SAFETY: the entry left the address of the running task's frame there; nobody else touches it while it runs here.
    let frame: &mut Frame = unsafe { &mut **HartBlock::mine().frame.get() };
    frame.x[A0..A7 + 1].copy_from_slice(&[a0, a1, a2, a3, a4, a5, a6, number]);
    Answer { status: WHOLE, value: 0 }
}

/// Whether the word is the program's and no list that its waiters would be in has any.
#[inline(always)]
fn nobody_waits(address: u64) -> bool {
    let (k, block) = (kernel(), HartBlock::mine());
    block.seen.word(address).is_some() && k.sched.nobody_waits(Key::Address(block.program(), address))
}

/// Whether the word is the program's and not what the caller would wait for.
#[inline(always)]
fn has_changed(address: u64, expected: u64) -> bool {
    HartBlock::mine().seen.word(address).is_some_and(|word| word != expected as u32)
}

/// The facts of a call that was answered so.
#[cold]
#[inline(never)]
extern "C" fn state(argument: u64, status: i64, value: u64, number: u64) -> Answer {
    if let Some(slot) = HartBlock::mine().task.load(Ordering::Relaxed).checked_sub(1) {
        let task = kernel().sched.tasks.fact(slot as usize);
        Here.fact(Event::TrapUser { cause: crate::trap::USER_CALL, task });
        Here.fact(Event::Syscall { number, task });
        if let Some(error) = Error::from_code(status as usize) {
            Here.fact(Event::Refused { number, error, argument });
        }
    }
    Answer { status, value }
}
