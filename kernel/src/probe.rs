//! What the self-test program may ask beyond the system calls of every program: the production path, split at its seams,
//! and the means to say how it went. Only under the boot argument `selftest`, only with the right.

use antler_abi::{Error, MachineExit, Probe, Qos};
use antler_facts::{Event, Hart, Marker};
use antler_nucleus::{CeilingError, CpuId, Machine, OnlineCpu, Steal};
use core::sync::atomic::{AtomicBool, Ordering};

use crate::faults::{self, Fault};
use crate::machine::Here;
use crate::memory::user::copy_in;
use crate::state::kernel;
use crate::syscall::Call;
use crate::{calls, end, evidence, sbi};

/// The lines of the contract (RFC-0021, "Deterministic markers") and of the base tests.
const fn line(marker: Marker) -> &'static str {
    match marker {
        Marker::Boot => "KINIT: boot ok",
        Marker::Trap => "KSELFTEST: trap ok",
        Marker::UserMode => "KSELFTEST: user mode ok",
        Marker::Timer => "KSELFTEST: timer ok",
        Marker::Isolation => "KSELFTEST: isolation ok",
        Marker::SmpOnline => "KSELFTEST: smp online ok",
        Marker::IpiCounterfactual => "KSELFTEST: ipi counterfactual ok",
        Marker::IpiResched => "KSELFTEST: ipi resched ok",
        Marker::RejectInvalidTarget => "KSELFTEST: test_reject_invalid_ipi_target_cpu ok",
        Marker::RejectOffline => "KSELFTEST: test_reject_offline_cpu_resched ok",
        Marker::WorkStealing => "KSELFTEST: work stealing ok",
        Marker::RejectStealAboveBound => "KSELFTEST: test_reject_steal_above_bound ok",
        Marker::RejectStealHigherQos => "KSELFTEST: test_reject_steal_higher_qos ok",
        Marker::Done => "KSELFTEST: done",
    }
}

/// Longest text of a failure.
const TEXT: usize = 200;

static FAILED: AtomicBool = AtomicBool::new(false);

/// Handles one probe.
pub(crate) fn handle(call: &mut Call<'_>) -> Result<u64, Error> {
    let k = kernel();
    let probe = Probe::from_number(call.size(0)).ok_or(Error::BadArgument)?;
    match probe {
        Probe::Marker => marker(call),
        Probe::Fail => fail(call),
        Probe::Drain => evidence::drain().map(u64::from).map_err(|_| Error::Hardware),
        Probe::PostSilent => {
            let target = online(call)?;
            k.sched.post_silently(&Here, call.here, target).map_err(|error| error.to_abi())
        }
        Probe::Posted => Ok(k.sched.posted(call.here, present(call)?)),
        Probe::Acked => Ok(k.sched.acked(call.here, present(call)?)),
        Probe::RingNow => {
            let target = online(call)?;
            k.sched.ring_now(&Here, call.here, target);
            Ok(0)
        }
        Probe::CallAll => call_all(call),
        Probe::Target => online(call).map(|target| target.cpu().index() as u64),
        Probe::Steal => {
            let (victim, count) = (online(call)?, call.size(2));
            match k.sched.steal(&Here, call.here, victim, count) {
                Ok(Steal::Took(n)) => Ok(n as u64),
                Ok(Steal::Nothing | Steal::Lost) => Ok(0),
                Err(refused) => Err(refused.to_abi()),
            }
        }
        Probe::SetCeiling => set_ceiling(call),
        Probe::Queued => Ok(k.sched.queued(present(call)?) as u64),
        Probe::HartState => hart_state(call),
        Probe::Syscalls => Ok(k.blocks[present(call)?.index()].syscalls.load(Ordering::Relaxed)),
        Probe::IdleCount => Ok(k.sched.idle().iter().filter(|&cpu| !k.sched.is_rung(cpu)).count() as u64),
        Probe::Rung => Ok(u64::from(k.sched.is_rung(present(call)?))),
        Probe::Programs => Ok(k.running.load(Ordering::Acquire) as u64),
    }
}

fn present(call: &Call<'_>) -> Result<CpuId, Error> {
    let number = call.size(1);
    if number < kernel().sched.cpus_present() { Ok(CpuId::new(number)) } else { Err(Error::InvalidTarget) }
}

fn online(call: &Call<'_>) -> Result<OnlineCpu, Error> {
    kernel().sched.target(call.size(1)).map_err(|error| {
        Here.fact(Event::TargetRefused { target: call.args[1], error: error.to_abi() });
        error.to_abi()
    })
}

fn marker(call: &Call<'_>) -> Result<u64, Error> {
    let marker = Marker::ALL.iter().copied().find(|marker| *marker as usize == call.size(1));
    let marker = marker.filter(|marker| *marker != Marker::Boot).ok_or(Error::BadArgument)?;
    if FAILED.load(Ordering::Relaxed) {
        return Err(Error::Denied);
    }
    if !faults::commits(Fault::MarkerSilent) {
        say!("{}", line(marker));
    }
    if faults::commits(Fault::MarkerTwice) {
        say!("{}", line(marker));
    }
    if !faults::commits(Fault::MarkerUnbacked) {
        Here.fact(Event::Marker { marker });
    }
    #[cfg(feature = "faults")]
    faults::reached(marker);
    Ok(0)
}

fn fail(call: &mut Call<'_>) -> Result<u64, Error> {
    let (start, len) = (call.size(1), call.size(2).min(TEXT));
    let mut text = [0; TEXT];
    copy_in(call.program, &mut call.here.unlocked(), start, &mut text[..len])?;
    FAILED.store(true, Ordering::Relaxed);
    let text = core::str::from_utf8(&text[..len]).unwrap_or("(not text)");
    say!("KSELFTEST: FAIL {text}");
    end::finish(call.here, MachineExit::SelftestFailed)
}

fn call_all(call: &mut Call<'_>) -> Result<u64, Error> {
    let k = kernel();
    let me = CpuId::here(call.here);
    let mut others = k.sched.online();
    others.remove(me);
    calls::call(call.here, calls::IDENTIFY, 0, &others);
    // The caller answers like everybody else, only without a doorbell.
    calls::answer(call.here, me, antler_nucleus::Call { op: calls::IDENTIFY, argument: 0 });
    Ok(others.len() as u64 + 1)
}

fn set_ceiling(call: &mut Call<'_>) -> Result<u64, Error> {
    let class = Qos::from_index(call.size(2)).ok_or(Error::BadArgument)?;
    let (number, k) = (call.size(1), kernel());
    let cpu = antler_facts::Cpu(number as u16);
    if !faults::commits(Fault::CeilingIgnored) {
        k.sched.set_ceiling(number, class).map_err(|error| match error {
            CeilingError::InvalidTarget => Error::InvalidTarget,
            CeilingError::BootCpu => Error::Denied,
        })?;
    }
    Here.fact(Event::Ceiling { cpu, class });
    // What is queued here may have found a taker; what is queued there may have to go, or there is more to steal now.
    k.sched.look_again(call.here);
    if let Ok(target) = k.sched.target(number)
        && target.cpu() != CpuId::here(call.here)
    {
        // A CPU that left meanwhile has nothing any more.
        let _left = k.sched.resched(&Here, call.here, target);
    }
    Ok(0)
}

fn hart_state(call: &Call<'_>) -> Result<u64, Error> {
    let cpu = present(call)?;
    let hart = kernel().blocks[cpu.index()].hart;
    let state = sbi::hart_status(hart).map_err(|_| Error::Hardware)?;
    Here.fact(Event::HartState { cpu: cpu.fact(), hart: Hart(hart.0), state });
    Ok(state)
}
