//! Taking CPUs offline and online again: one at a time, never cpu0.

use core::sync::atomic::{AtomicBool, Ordering};

use antler_abi::Error;
use antler_facts::Event;
use antler_nucleus::{CpuId, CpuSet, Machine};
use antler_sync::HartToken;

use crate::faults::{self, Fault};
use crate::interrupts::wait_until;
use crate::machine::Here;
use crate::sbi::{self, hart_state};
use crate::state::kernel;
use crate::{bringup, calls, cpu, end};

/// How long firmware may take to stop a hart, in ns.
const PATIENCE: u64 = 20_000_000_000;

/// How often firmware is asked, in ns.
const STEP: u64 = 200_000;

/// One CPU changes at a time, because each leaves its tasks to those that stay.
static CHANGING: AtomicBool = AtomicBool::new(false);

struct Turn;

impl Turn {
    fn take() -> Result<Turn, Error> {
        let free = CHANGING.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok();
        // Made only by who has it: dropping one gives the turn back.
        free.then(|| Turn).ok_or(Error::Busy)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        CHANGING.store(false, Ordering::Release);
    }
}

/// Takes a CPU offline and waits until firmware says that its hart has stopped.
///
/// # Errors
/// `InvalidTarget`, `Offline` already, `BadArgument` for cpu0, `Busy` while another changes or when the caller runs on that
/// very CPU (pinned to cpu0 it never does), `Hardware` if firmware does not stop it.
pub(crate) fn offline(here: &mut HartToken, number: usize) -> Result<(), Error> {
    let k = kernel();
    // Before the look at the CPU, so that nobody changes it in between.
    let _turn = Turn::take()?;
    let target = k.sched.target(number).map_err(|error| error.to_abi())?.cpu();
    if target == CpuId::BOOT {
        return Err(Error::BadArgument);
    }
    if target == CpuId::here(here) {
        return Err(Error::Busy);
    }
    let only: CpuSet<_> = [target].into_iter().collect();
    calls::call(here, calls::LEAVE, 0, &only);
    await_stopped(here, target)
}

/// Waits until a CPU has left and firmware reports its hart as stopped, and states it.
fn await_stopped(here: &mut HartToken, target: CpuId) -> Result<(), Error> {
    let k = kernel();
    let hart = k.blocks[target.index()].hart;
    // Both: firmware may say so too early, and the CPU cannot say it of its hart.
    let gone = || k.sched.target(target.index()).is_err();
    let stopped = || gone() && sbi::hart_status(hart) == Ok(hart_state::STOPPED);
    if wait_until(here, PATIENCE, STEP, |_| stopped()).is_err() {
        let state = match sbi::hart_status(hart) {
            Ok(state) => hart_state::name(state),
            Err(error) => sbi::error_name(error),
        };
        let seconds = PATIENCE / 1_000_000_000;
        say!("antler: {target} ({hart}) did not stop within {seconds} s; HSM state {state}");
        return Err(Error::Hardware);
    }
    let (cpu, hart) = (target.fact(), antler_facts::Hart(hart.0));
    Here.fact(Event::HartState { cpu, hart, state: hart_state::STOPPED });
    Ok(())
}

/// Brings a CPU back.
///
/// # Errors
/// `InvalidTarget`, `BadArgument` if it is online, `Busy` while another changes, `Hardware` if firmware refuses or the
/// hart does not come.
pub(crate) fn online(here: &mut HartToken, number: usize) -> Result<(), Error> {
    let k = kernel();
    let _turn = Turn::take()?;
    let target = match k.sched.target(number) {
        Ok(_) => return Err(Error::BadArgument),
        Err(antler_nucleus::TargetError::Offline) => CpuId::new(number),
        Err(error) => return Err(error.to_abi()),
    };
    // Restarting a hart that has not quite stopped yet fails more often than not.
    await_stopped(here, target)?;
    let came =
        bringup::start(target).and_then(|()| bringup::await_online(here, &[target].into_iter().collect()));
    came.map_err(|error| {
        say!("antler: {target} cannot be brought back: {error}");
        Error::Hardware
    })
}

/// This CPU leaves: everything it has goes to others, then the hart stops itself. Its next life begins in
/// [`crate::entry::secondary_start`].
pub(crate) fn leave(here: &mut HartToken) {
    let k = kernel();
    k.contexts.mine(here).leave = false;
    k.sched.leave(&Here, here, calls::answer);
    cpu::use_kernel_space(here);
    let block = crate::hart::HartBlock::mine();
    Here.fact(Event::Offline { hart: antler_facts::Hart(block.hart.0) });
    if faults::commits(Fault::HartNotStopped) {
        end::sleep_for_ever();
    }
    let error = sbi::hart_stop();
    panic!("{} cannot stop {}: {}", block.cpu, block.hart, sbi::error_name(error));
}
