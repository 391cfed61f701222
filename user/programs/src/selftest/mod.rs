//! The director, its order of events, and who watches it.

mod bound;
mod ceiling;
mod check;
mod counterfactual;
mod floats;
mod invalid;
mod isolation;
mod migrant;
mod offline;
mod online;
mod orders;
mod registers;
mod rendezvous;
mod resched;
mod shootdown;
mod stealing;
mod timer;
mod trap;
mod user_mode;

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use antler_facts::Marker;
use antler_rt::sys::probe;
use antler_rt::thread::Builder;
use antler_rt::{Error, Qos, println, sys};

use check::{check, drain, fail, must};

/// When the whole run has failed, in ns after its start: so much, and so much more for each CPU. It only detects
/// failure, and lies beyond what any single wait allows itself.
const RUN: u64 = 60_000_000_000;
const RUN_PER_CPU: u64 = 1_000_000_000;

/// Stack of a thread that does little, in bytes: there are three for each CPU.
const STACK: usize = 16 * 1024;

/// When the run has failed, ns since boot. Far enough that no timer set to it goes off in a run that passes.
static END: AtomicU64 = AtomicU64::new(u64::MAX);

/// 1 once the director is done.
static OVER: AtomicU32 = AtomicU32::new(0);

/// Number of the marker that is worked on, for the watcher's report.
static STEP: AtomicU32 = AtomicU32::new(0);

/// The program: starts the director on cpu0 and watches that it gets there. Exit code 0 if every test passed.
pub fn run() -> i32 {
    let cpus = must("count the CPUs", sys::cpus_present());
    let end = must("read the clock", sys::clock()) + RUN + RUN_PER_CPU * cpus as u64;
    END.store(end, Ordering::Relaxed);
    let director = match Builder::new().cpu(0).qos(Qos::Interactive).spawn(move || direct(cpus)) {
        Ok(director) => director,
        Err(Error::Denied) => {
            println!(
                "selftest: needs every right; the boot argument `selftest` and `cargo xtask proof` give them"
            );
            return 2;
        }
        Err(error) => fail(format_args!("start the director: {error}")),
    };
    watch(end);
    must("join the director", director.join());
    0
}

/// Waits until the director is done. If it is not in time, a thread was lost somewhere, and this says at which test.
fn watch(end: u64) {
    while OVER.load(Ordering::Acquire) == 0 {
        match sys::wait(&OVER, 0, end) {
            Ok(()) | Err(Error::Changed) => {}
            Err(Error::TimedOut) => {
                let step = STEP.load(Ordering::Relaxed);
                let step = Marker::ALL.iter().find(|marker| **marker as u32 == step);
                fail(format_args!("no end in time, at the test {step:?}"))
            }
            Err(error) => fail(format_args!("wait for the director: {error}")),
        }
    }
}

/// One self-test: the marker that it earns, and the test, which is given the number of CPUs.
type Test = (Marker, fn(usize));

/// Tests of any machine.
const BASE: &[Test] = &[
    (Marker::Trap, trap::run),
    (Marker::UserMode, user_mode::run),
    (Marker::Timer, timer::run),
    (Marker::Isolation, isolation::run),
];

/// Tests that need two CPUs.
const SMP: &[Test] = &[
    (Marker::SmpOnline, online::run),
    (Marker::IpiCounterfactual, counterfactual::run),
    (Marker::IpiResched, resched::run),
    (Marker::RejectInvalidTarget, invalid::run),
    (Marker::RejectOffline, offline::run),
    (Marker::WorkStealing, stealing::run),
    (Marker::RejectStealAboveBound, bound::run),
    (Marker::RejectStealHigherQos, ceiling::run),
];

/// Runs every test in the contract's order. A check that fails ends the machine where it stands.
fn direct(cpus: usize) {
    let here = must("ask for the CPU", sys::cpu());
    check!(here == 0, "the director is pinned to cpu0 and runs on cpu{here}");
    let smp = if cpus >= 2 { SMP } else { &[] };
    for &(marker, test) in BASE.iter().chain(smp) {
        STEP.store(marker as u32, Ordering::Relaxed);
        test(cpus);
        state(marker);
    }
    state(Marker::Done);
    OVER.store(1, Ordering::Release);
    must("wake the watcher", sys::wake(&OVER, 1));
}

/// The test passed: facts to the host, and its line on the console.
fn state(marker: Marker) {
    drain();
    must("state a marker", probe::marker(marker as usize));
}
