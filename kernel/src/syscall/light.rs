//! Calls as the entry finds them: of the caller nothing is saved yet but what the entry itself needs. Most of the shortest
//! ones are answered so, and give the hart straight back. The others name who goes on with them once all that survives a call
//! is in the caller's frame: from then on another task may run.
//!
//! Each kind has a function of its own, which the entry chooses: one for all of them would need a stack for the rarest.

use antler_abi::{Error, Syscall};
use antler_facts::Event;
use antler_nucleus::{Key, Machine};

use super::direct;
use crate::hart::HartBlock;
use crate::machine::Here;
use crate::state::{Kernel, kernel};
use crate::thread::{A0, A7, Frame};
use crate::trap::call_from_user;
use crate::{evidence, faults, time};

/// What the entry gets: status and value, for the caller's `a0` and `a1`; or a negative status, and who goes on.
#[repr(C)]
pub(crate) struct Answer {
    status: i64,
    value: u64,
}

/// Goes on with a call whose caller is saved; returns the frame to go on with.
type GoOn = extern "C" fn() -> *mut Frame;

impl Answer {
    pub(super) fn result(result: Result<u64, Error>) -> Answer {
        match result {
            Ok(value) => Answer { status: 0, value },
            Err(error) => Answer { status: error.code() as i64, value: 0 },
        }
    }

    pub(super) fn later(go_on: GoOn) -> Answer {
        Answer { status: -1, value: go_on as usize as u64 }
    }
}

const CLOCK: u64 = Syscall::Clock as u64;
const CPU: u64 = Syscall::Cpu as u64;

/// `Null`. A call's arguments are as they were in `a0` to `a7`.
pub(crate) extern "C" fn null(
    a0: u64,
    a1: u64,
    a2: u64,
    a3: u64,
    a4: u64,
    a5: u64,
    a6: u64,
    a7: u64,
) -> Answer {
    match faults::meddles() {
        true => whole(a0, a1, a2, a3, a4, a5, a6, a7),
        false => done(a0, Ok(0), a7),
    }
}

/// `Wake`: if nobody waits, without any lock.
pub(crate) extern "C" fn wake(
    a0: u64,
    a1: u64,
    a2: u64,
    a3: u64,
    a4: u64,
    a5: u64,
    a6: u64,
    a7: u64,
) -> Answer {
    if faults::meddles() {
        return whole(a0, a1, a2, a3, a4, a5, a6, a7);
    }
    if nobody_waits(a0) {
        return done(a0, Ok(0), a7);
    }
    match evidence::is_on() {
        true => direct::wake_stated(a0, a1),
        false => direct::wake_quietly(a0, a1),
    }
}

/// `Wait`: not at all, if the word has changed already.
pub(crate) extern "C" fn wait(
    a0: u64,
    a1: u64,
    a2: u64,
    a3: u64,
    a4: u64,
    a5: u64,
    a6: u64,
    a7: u64,
) -> Answer {
    if faults::meddles() {
        return whole(a0, a1, a2, a3, a4, a5, a6, a7);
    }
    if has_changed(a0, a1) {
        return done(a0, Err(Error::Changed), a7);
    }
    // SAFETY: as in `whole`.
    let frame = unsafe { &mut *HartBlock::mine().frame() };
    frame.x[A0..A0 + 3].copy_from_slice(&[a0, a1, a2]);
    Answer::later(direct::wait)
}

/// Every other call.
pub(crate) extern "C" fn other(
    a0: u64,
    a1: u64,
    a2: u64,
    a3: u64,
    a4: u64,
    a5: u64,
    a6: u64,
    a7: u64,
) -> Answer {
    match a7 {
        CLOCK if !faults::meddles() => done(a0, Ok(time::now()), a7),
        CPU if !faults::meddles() => done(a0, Ok(HartBlock::mine().cpu.index() as u64), a7),
        _ => whole(a0, a1, a2, a3, a4, a5, a6, a7),
    }
}

/// The call is answered; its facts are stated if anybody wants them.
#[inline(always)]
fn done(argument: u64, result: Result<u64, Error>, number: u64) -> Answer {
    HartBlock::mine().count_call();
    if evidence::is_on() {
        return state(argument, Answer::result(result), number);
    }
    Answer::result(result)
}

/// Leaves the call to [`super::handle`], which begins from the start.
#[cold]
#[inline(never)]
extern "C" fn whole(a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64, a6: u64, number: u64) -> Answer {
    // SAFETY: the running task's frame; nobody else touches it while the task runs here.
    let frame = unsafe { &mut *HartBlock::mine().frame() };
    frame.x[A0..A7 + 1].copy_from_slice(&[a0, a1, a2, a3, a4, a5, a6, number]);
    Answer::later(call_from_user)
}

/// Whether the word is the program's and no list that its waiters would be in has any.
#[inline(always)]
fn nobody_waits(address: u64) -> bool {
    let block = HartBlock::mine();
    block.seen.word(address).is_some()
        && block
            .program()
            .is_some_and(|program| kernel().sched.nobody_waits(Key::Address(program.number, address)))
}

/// Whether the word is the program's and not what the caller would wait for.
#[inline(always)]
fn has_changed(address: u64, expected: u64) -> bool {
    HartBlock::mine().seen.word(address).is_some_and(|word| word != expected as u32)
}

/// The facts of a call that was answered so.
#[cold]
#[inline(never)]
extern "C" fn state(argument: u64, answer: Answer, number: u64) -> Answer {
    let (k, block) = (kernel(), HartBlock::mine());
    state_call(&Here, k, block, number);
    if let Some(error) = Error::from_code(answer.status as usize) {
        Here.fact(Event::Refused { number, error, argument });
    }
    answer
}

/// States that the running task made a call.
#[inline(always)]
pub(super) fn state_call<M: Machine>(m: &M, k: &Kernel, block: &HartBlock, number: u64) {
    if let Some(slot) = block.slot() {
        let task = k.sched.tasks.fact(slot);
        m.fact(Event::TrapUser { cause: crate::trap::USER_CALL, task });
        m.fact(Event::Syscall { number, task });
    }
}
