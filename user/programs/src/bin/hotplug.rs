//! Takes CPUs offline and online from several threads at once, while others compute and hand a word around. Whatever is
//! refused must be refused for a reason that fits, and nothing may be lost.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

extern crate alloc;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use antler_rt::{Error, args, println, sys, thread};

/// Changes each thread asks for, unless told otherwise.
const ROUNDS: u32 = 60;

/// Threads that change CPUs.
const CHANGERS: u32 = 3;

#[derive(Default)]
struct Tally {
    offlined: AtomicU32,
    onlined: AtomicU32,
    busy: AtomicU32,
    wrong: AtomicU32,
    over: AtomicBool,
}

/// Counts an answer; one that no rule allows is said and remembered.
fn count(tally: &Tally, done: &AtomicU32, what: &str, cpu: usize, answer: Result<(), Error>) {
    match answer {
        Ok(()) => done.fetch_add(1, Ordering::Relaxed),
        Err(Error::Busy) => tally.busy.fetch_add(1, Ordering::Relaxed),
        // Another thread was faster: it is offline, or online, already.
        Err(Error::Offline | Error::BadArgument) => 0,
        Err(error) => {
            println!("hotplug: {what} of cpu{cpu}: {error}");
            tally.wrong.fetch_add(1, Ordering::Relaxed)
        }
    };
}

fn change(tally: &Tally, mut seed: u32, rounds: u32, cpus: usize) {
    for _ in 0..rounds {
        // A linear congruence: enough to make the threads collide in ever new ways.
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let cpu = 1 + (seed >> 16) as usize % (cpus - 1);
        if seed & 0x800 == 0 {
            count(tally, &tally.offlined, "offline", cpu, sys::cpu_offline(cpu));
        } else {
            count(tally, &tally.onlined, "online", cpu, sys::cpu_online(cpu));
        }
        let _ = sys::yield_now();
    }
}

/// Computes until all changes are made: how often it went around.
fn compute(tally: &Tally) -> u32 {
    let mut rounds = 0u32;
    while !tally.over.load(Ordering::Acquire) {
        rounds = rounds.wrapping_add(1);
        if rounds.is_multiple_of(1024) {
            let _ = sys::yield_now();
        }
    }
    rounds
}

fn run() -> i32 {
    let cpus = sys::cpus_present().unwrap_or(1);
    if cpus < 2 {
        println!("hotplug: needs two CPUs");
        return 2;
    }
    let rounds = args::args().next().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let tally = Arc::new(Tally::default());
    let spawn = |body: fn(&Tally, u32, u32, usize) -> u32, seed: u32| {
        let tally = Arc::clone(&tally);
        thread::spawn(move || body(&tally, seed, rounds, cpus))
    };
    let workers: Vec<_> =
        (0..2 * cpus as u32).map(|seed| spawn(|tally, _, _, _| compute(tally), seed)).collect();
    let changers: Vec<_> = (0..CHANGERS)
        .map(|seed| {
            spawn(
                |tally, seed, rounds, cpus| {
                    change(tally, seed, rounds, cpus);
                    0
                },
                seed * 7919 + 1,
            )
        })
        .collect();
    let mut lost = 0;
    for changer in changers {
        lost += u32::from(changer.and_then(|thread| thread.join()).is_err());
    }
    tally.over.store(true, Ordering::Release);
    for worker in workers {
        lost += u32::from(worker.and_then(|thread| thread.join()).is_err());
    }
    for cpu in 1..cpus {
        count(&tally, &tally.onlined, "online", cpu, sys::cpu_online(cpu));
    }
    let [offlined, onlined, busy, wrong] = [&tally.offlined, &tally.onlined, &tally.busy, &tally.wrong]
        .map(|count| count.load(Ordering::Relaxed));
    let online = sys::cpus_online().unwrap_or(0);
    println!(
        "hotplug: {offlined} offline, {onlined} online, {busy} busy, {wrong} wrong, {lost} threads lost"
    );
    // With one CPU beside cpu0, the changers may run on it all the time, and a CPU does not take itself offline.
    let changed = offlined > 0 || cpus == 2;
    let whole = wrong == 0 && lost == 0 && online == cpus && offlined == onlined && changed;
    println!("hotplug: {}", if whole { "ok" } else { "NOT ok" });
    i32::from(!whole)
}

antler_rt::main!(run);
