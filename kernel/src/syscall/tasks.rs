//! Threads: their making, waiting, waking and end.

use antler_abi::{Error, Qos, Rights, SpawnFlags, ThreadHandle, USER_END};
use antler_facts::{Event, WakeCause};
use antler_nucleus::{CpuId, Key, Machine, Placement, TargetError};
use antler_sync::HartToken;
use core::sync::atomic::{Ordering, fence};

use super::{Call, Outcome};
use crate::faults::{self, Fault};
use crate::machine::Here;
use crate::memory::user::read_word;
use crate::program::{self, Program};
use crate::state::kernel;
use crate::time;

pub(super) fn exit(call: &mut Call<'_>) -> Outcome {
    program::end_program(call.here, call.program, call.args[0] as i32);
    program::end_thread(call.here, call.args[0]);
    Outcome::Gone
}

pub(super) fn thread_exit(call: &mut Call<'_>) -> Outcome {
    program::end_thread(call.here, call.args[0]);
    Outcome::Gone
}

fn class(number: u64) -> Result<Qos, Error> {
    usize::try_from(number).ok().and_then(Qos::from_index).ok_or(Error::BadArgument)
}

/// A class at or below the caller's own is free; one above it needs the right.
fn allowed(call: &Call<'_>, qos: Qos) -> Result<(), Error> {
    if qos > kernel().sched.tasks.qos(call.slot) { call.need(Rights::QOS) } else { Ok(()) }
}

pub(super) fn spawn(call: &mut Call<'_>) -> Result<u64, Error> {
    let [entry, argument, stack, qos, flags, cpu] = call.args;
    let qos = class(qos)?;
    let flags = SpawnFlags::from_bits(flags as usize).ok_or(Error::BadArgument)?;
    if entry as usize >= USER_END || stack as usize >= USER_END {
        return Err(Error::BadAddress);
    }
    allowed(call, qos)?;
    let k = kernel();
    let placement = if flags.contains(SpawnFlags::PINNED) {
        call.need(Rights::PIN)?;
        let number = usize::try_from(cpu).map_err(|_| Error::InvalidTarget)?;
        let target = k.sched.target(number).map_err(|error| error.to_abi())?.cpu();
        if qos > k.sched.ceiling(target) {
            return Err(Error::BadArgument);
        }
        Placement::Pinned(target)
    } else if flags.contains(SpawnFlags::LOCAL) {
        Placement::Here
    } else {
        Placement::Anywhere
    };
    let mut handle = 0;
    call.program.thread_added();
    let made = k.sched.spawn(&Here, call.here, call.program.number, qos, placement, |task| {
        k.threads.start(task, entry, stack, argument);
        handle = k.sched.tasks.handle(task.slot()).to_raw();
    });
    if made.is_err() {
        call.program.thread_not_added();
        return Err(Error::NoTask);
    }
    Ok(handle)
}

pub(super) fn join(call: &mut Call<'_>) -> Outcome {
    let k = kernel();
    let handle = ThreadHandle::from_raw(call.args[0]);
    let Some(slot) =
        k.sched.tasks.find(handle).filter(|&slot| k.sched.tasks.owner(slot) == call.program.number)
    else {
        return Err(Error::BadHandle).into();
    };
    if slot == call.slot {
        return Err(Error::Deadlock).into();
    }
    if let Some(value) = k.sched.tasks.reap(handle) {
        return Ok(value).into();
    }
    // Woken by the thread's end, the caller makes the call again and finds the value.
    let frame = call.frame();
    frame.again();
    let waits = k.sched.wait(&Here, call.here, Key::End(handle.to_raw()), None, |_| {
        if k.sched.has_ended(handle) || k.sched.tasks.find(handle).is_none() { Err(()) } else { Ok(()) }
    });
    // Ended meanwhile: then the call is made again right away.
    if waits.is_ok() {
        parked(&Here, call.here, call.program);
    }
    Outcome::Again
}

/// The caller has parked. If its program was ended at the same time, whoever did that may have looked for parked threads
/// too early to find this one: then it is up to us. Mirror of `program::end_program` (doom, fence, look).
#[inline(always)]
fn parked<M: Machine>(m: &M, here: &mut HartToken, program: &Program) {
    fence(Ordering::SeqCst);
    if program.is_doomed() {
        kernel().sched.rouse(m, here, program.number);
    }
}

pub(super) fn sleep(call: &mut Call<'_>) -> Outcome {
    let deadline = call.args[0];
    if deadline <= time::now() {
        return Ok(0).into();
    }
    call.frame().set_result(Ok(0));
    kernel().sched.sleep(&Here, call.here, deadline);
    parked(&Here, call.here, call.program);
    Outcome::Gone
}

pub(super) fn wait(call: &mut Call<'_>) -> Outcome {
    let (word, deadline) = ((call.args[0], call.args[1] as u32), call.args[2]);
    // Written before the thread can be reached by a waker; a deadline that ends the wait writes over it.
    call.frame().set_result(Ok(0));
    match wait_on(&Here, call.here, call.program, word, deadline) {
        Ok(()) => Outcome::Gone,
        Err(error) => Err(error).into(),
    }
}

/// Parks the caller on a word of its program until a wake or the deadline (`u64::MAX`: none), while it holds `expected`.
///
/// # Errors
/// `BadAddress`, `Changed`; the caller runs on.
#[inline(always)]
pub(super) fn wait_on<M: Machine>(
    m: &M,
    here: &mut HartToken,
    program: &'static Program,
    (address, expected): (u64, u32),
    deadline: u64,
) -> Result<(), Error> {
    let deadline = (deadline != u64::MAX).then_some(deadline);
    kernel().sched.wait(m, here, Key::Address(program.number, address), deadline, |held| {
        let word = read_word(program, held, address as usize)?;
        if word == expected { Ok(()) } else { Err(Error::Changed) }
    })?;
    parked(m, here, program);
    Ok(())
}

pub(super) fn wake(call: &mut Call<'_>) -> Result<u64, Error> {
    wake_on(&Here, call.here, call.program, call.args[0], call.args[1])
}

/// Wakes up to `count` threads that wait on a word of the caller's program: how many.
///
/// # Errors
/// `BadAddress`.
#[inline(always)]
pub(super) fn wake_on<M: Machine>(
    m: &M,
    here: &mut HartToken,
    program: &'static Program,
    address: u64,
    count: u64,
) -> Result<u64, Error> {
    // The word must be the caller's, so that a wild pointer is noticed here and not as a wait that never ends.
    read_word(program, &mut here.unlocked(), address as usize)?;
    let key = Key::Address(program.number, address);
    Ok(kernel().sched.wake(m, here, key, count as usize, WakeCause::Signal) as u64)
}

pub(super) fn set_qos(call: &mut Call<'_>) -> Result<u64, Error> {
    let k = kernel();
    let qos = class(call.args[0])?;
    allowed(call, qos)?;
    if k.sched.tasks.pinned(call.slot) && qos > k.sched.ceiling(CpuId::here(call.here)) {
        return Err(Error::BadArgument);
    }
    k.sched.set_qos(call.here, qos);
    Ok(0)
}

pub(super) fn resched(call: &mut Call<'_>) -> Result<u64, Error> {
    let k = kernel();
    let target = k.sched.target(call.size(0)).inspect_err(|error| {
        Here.fact(Event::TargetRefused { target: call.args[0], error: error.to_abi() });
    });
    let target = match target {
        Err(TargetError::InvalidTarget) if faults::commits(Fault::TargetUnchecked) => return Ok(0),
        Err(TargetError::Offline) if faults::commits(Fault::OfflineAccepted) => return Ok(0),
        Err(error) if faults::commits(Fault::RefusedRings) => {
            let other = (CpuId::here(call.here).index() + 1) % k.sched.cpus_present();
            if let Ok(other) = k.sched.target(other) {
                k.sched.resched(&Here, call.here, other).map_err(|error| error.to_abi())?;
            }
            return Err(error.to_abi());
        }
        target => target.map_err(|error| error.to_abi())?,
    };
    k.sched.resched(&Here, call.here, target).map(|()| 0).map_err(|error| error.to_abi())
}
