//! What the self-test program asks of the kernel. Every call needs the right `selftest` and the boot argument of that
//! name; without them it answers `Denied`. [`Probe`] says what each does.

use antler_abi::{Error, Probe, Qos, Syscall};

use super::call;

fn probe<const N: usize>(probe: Probe, given: [usize; N]) -> Result<usize, Error> {
    const { assert!(N <= 5) };
    let mut args = [0; 6];
    args[0] = probe.number();
    args[1..=N].copy_from_slice(&given);
    // SAFETY: no probe writes to the program's memory, and only `Fail` reads it: a slice borrowed for the call.
    unsafe { call(Syscall::Probe, args) }
}

/// States that the self-test with this marker number passed.
pub fn marker(marker: usize) -> Result<(), Error> {
    probe(Probe::Marker, [marker]).map(|_| ())
}

/// Prints `KSELFTEST: FAIL <why>`; the machine will exit with a failure.
pub fn fail(why: &str) -> Result<(), Error> {
    probe(Probe::Fail, [why.as_ptr() as usize, why.len()]).map(|_| ())
}

/// Sends a batch of facts to the host; whether more remain.
pub fn drain() -> Result<bool, Error> {
    probe(Probe::Drain, []).map(|more| more != 0)
}

/// Posts a reschedule request to `cpu` and withholds the doorbell.
pub fn post_silent(cpu: usize) -> Result<(), Error> {
    probe(Probe::PostSilent, [cpu]).map(|_| ())
}

/// The id of the last request that the caller's CPU posted to `cpu`.
pub fn posted(cpu: usize) -> Result<u64, Error> {
    probe(Probe::Posted, [cpu]).map(|id| id as u64)
}

/// The id of the last request of the caller's CPU that `cpu` acknowledged.
pub fn acked(cpu: usize) -> Result<u64, Error> {
    probe(Probe::Acked, [cpu]).map(|id| id as u64)
}

/// Rings a doorbell that was withheld.
pub fn ring_now(cpu: usize) -> Result<(), Error> {
    probe(Probe::RingNow, [cpu]).map(|_| ())
}

/// Every online CPU answers a Call with its identity, which the kernel records.
pub fn call_all() -> Result<(), Error> {
    probe(Probe::CallAll, []).map(|_| ())
}

/// The kernel itself tries to address `cpu`. Errors: `InvalidTarget`, `Offline`.
pub fn target(cpu: usize) -> Result<(), Error> {
    probe(Probe::Target, [cpu]).map(|_| ())
}

/// A steal of `count` tasks from `victim` by the caller's CPU: how many moved. Errors: `AboveBound`, `InvalidTarget`.
pub fn steal(victim: usize, count: usize) -> Result<usize, Error> {
    probe(Probe::Steal, [victim, count])
}

/// Sets the highest class that `cpu` may run.
pub fn set_ceiling(cpu: usize, qos: Qos) -> Result<(), Error> {
    probe(Probe::SetCeiling, [cpu, qos.index()]).map(|_| ())
}

/// How many tasks are queued on `cpu`, all classes.
pub fn queued(cpu: usize) -> Result<usize, Error> {
    probe(Probe::Queued, [cpu])
}

/// HSM state of the hart of `cpu`, as firmware reports it.
pub fn hart_state(cpu: usize) -> Result<usize, Error> {
    probe(Probe::HartState, [cpu])
}

/// How many system calls were made on `cpu` so far.
pub fn syscalls(cpu: usize) -> Result<u64, Error> {
    probe(Probe::Syscalls, [cpu]).map(|count| count as u64)
}

/// How many CPUs are idle now and have no doorbell under way.
pub fn idle_count() -> Result<usize, Error> {
    probe(Probe::IdleCount, [])
}

/// Whether `cpu` has a doorbell under way that it has not seen yet.
pub fn is_rung(cpu: usize) -> Result<bool, Error> {
    probe(Probe::Rung, [cpu]).map(|rung| rung != 0)
}

/// How many programs are not over yet, the caller's included.
pub fn programs() -> Result<usize, Error> {
    probe(Probe::Programs, [])
}
