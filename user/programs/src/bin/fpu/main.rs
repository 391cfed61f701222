//! Checks that floating-point registers stay a thread's own: across yields, sleeps and moves between CPUs, and that a
//! fresh thread finds zeros in them.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

extern crate alloc;

mod registers;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

use antler_programs::pattern::Registers;
use antler_rt::args::args;
use antler_rt::sync::Barrier;
use antler_rt::thread::Builder;
use antler_rt::{println, sys, time};

/// Times that all threads together fill their registers and look at them again, about.
const ROUNDS: u32 = 16_000;
/// Times that each thread does so at least, on a machine of many CPUs.
const ROUNDS_MIN: u32 = 100;
/// Every so many rounds a thread sleeps instead of yielding.
const SLEEP_EVERY: u32 = 50;
/// Fresh threads looked at, while the others run.
const FRESH: usize = 64;
/// How long threads wait for each other to begin. It only detects failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one thread found: how many checks, and which CPUs it was on.
struct Report {
    checks: u32,
    cpus: Vec<bool>,
}

fn run() -> i32 {
    if args().next().is_some() {
        println!("usage: fpu");
        return 2;
    }
    match check() {
        Ok(report) => {
            let cpus = report.cpus.iter().filter(|&&seen| seen).count();
            println!("fpu: ok, {} checks over {cpus} CPUs", report.checks);
            0
        }
        Err(error) => {
            println!("fpu: {error}");
            1
        }
    }
}

fn check() -> Result<Report, String> {
    let cpus = sys::cpus_present().map_err(|error| format!("cannot count CPUs: {error}"))?;
    let online = sys::cpus_online().map_err(|error| format!("cannot count CPUs: {error}"))?;
    let parties = 2 * online as u32;
    let start = Arc::new(Barrier::new(parties));
    let rounds = (ROUNDS / parties).max(ROUNDS_MIN);
    let failed = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    for thread in 0..parties {
        let (start, failed) = (Arc::clone(&start), Arc::clone(&failed));
        // Queued here, so that the other CPUs steal them.
        let spawned = Builder::new().local().spawn(move || {
            let began = start.wait_until(time::deadline(PATIENCE));
            let outcome = match began {
                Ok(_) => hold(thread, rounds, cpus, &failed),
                Err(error) => Err(format!("thread {thread} cannot start: {error}")),
            };
            if outcome.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            outcome
        });
        threads.push(spawned.map_err(|error| format!("cannot start a thread: {error}"))?);
    }
    let mut total = Report { checks: 0, cpus: vec![false; cpus] };
    let fresh = (0..FRESH).try_for_each(|_| {
        let found = registers::fresh().map_err(|error| format!("cannot start a fresh thread: {error}"))?;
        total.checks += 1;
        match Registers::ZERO.difference(&found) {
            None => Ok(()),
            Some(difference) => Err(format!("in a fresh thread {difference}")),
        }
    });
    for thread in threads {
        let report = thread.join().map_err(|error| format!("cannot join a thread: {error}"))??;
        total.checks += report.checks;
        total.cpus.iter_mut().zip(report.cpus).for_each(|(all, one)| *all |= one);
    }
    fresh.map(|()| total)
}

/// Fills the registers, lets others run, looks at them; and again. Ends early when another thread has failed.
fn hold(thread: u32, rounds: u32, cpus: usize, failed: &AtomicBool) -> Result<Report, String> {
    let mut report = Report { checks: 0, cpus: vec![false; cpus] };
    for round in 0..rounds {
        if failed.load(Ordering::Relaxed) {
            break;
        }
        let pattern = Registers::pattern(thread, round);
        let pause = if round % SLEEP_EVERY == SLEEP_EVERY - 1 {
            // Longer than it takes others to use these registers, and short enough for hundreds of them.
            registers::Pause::SleepUntil(time::now_ns() + 200_000)
        } else {
            registers::Pause::Yield
        };
        let found = registers::hold(&pattern, pause).map_err(|error| format!("cannot pause: {error}"))?;
        if let Some(difference) = pattern.difference(&found) {
            return Err(format!("in thread {thread}, round {round}: {difference}"));
        }
        report.checks += 1;
        let cpu = sys::cpu().map_err(|error| format!("cannot ask for the CPU: {error}"))?;
        if let Some(seen) = report.cpus.get_mut(cpu) {
            *seen = true;
        }
    }
    Ok(report)
}

antler_rt::main!(run);
