//! What the shortest paths cost, in instructions: a line for each row. For virtual time and the boot argument `counters`;
//! `cargo xtask bench` runs it.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

extern crate alloc;

mod calls;
mod meter;
mod metric;
mod switches;
mod threads;

use antler_programs::options;
use antler_rt::args::args;
use antler_rt::thread::Builder;
use antler_rt::{Error, println};

use meter::Samples;

/// What a row gives: what each sample took, and how many operations a sample is.
type Row = Result<(Samples, usize), Error>;

/// Measures a row beside that many further tasks.
type Measure = fn(usize) -> Row;

/// Every row: its name, and what measures it. Each runs in a thread of its own on cpu0.
const ROWS: [(&str, Measure); 15] = [
    ("null", calls::null),
    ("clock", calls::clock),
    ("signal-wait", calls::signal_and_wait),
    ("yield-thread", switches::yield_to_thread),
    ("yield-space", switches::yield_to_space),
    ("round-trip", switches::round_trip),
    ("round-trip-harts", switches::round_trip_harts),
    ("preempt", threads::preempt),
    ("thread", threads::make_and_end),
    ("cooperative", metric::cooperative),
    ("preemptive", metric::preemptive),
    ("interrupt", metric::interrupt),
    ("message", metric::message),
    ("synchronisation", metric::synchronisation),
    ("memory", metric::memory),
];

const USAGE: &str = "usage: bench ROW [TASKS]\n       bench follow";

fn run() -> i32 {
    let mut args = args();
    let Some(name) = args.next() else { return usage("no row given") };
    if name == "follow" {
        return ended(on_cpu0(switches::follow));
    }
    let Some((name, row)) = ROWS.into_iter().find(|(row, _)| *row == name) else {
        println!("bench: {name}: no such row");
        return usage(&ROWS.map(|(row, _)| row).join(" "));
    };
    let tasks = match options::number(args, "TASKS", 0, 4000) {
        Ok(tasks) => tasks as usize,
        Err(error) => return usage(&error),
    };
    let measured = threads::beside(tasks, || on_cpu0(move || row(tasks)));
    ended(measured.map(|(samples, per)| {
        let count = samples.len();
        let (middle, worst) = samples.middle_and_worst();
        println!("bench {name} tasks {tasks} samples {count} per {per} p50 {middle} worst {worst}");
    }))
}

/// Runs it in a thread that stays on cpu0.
fn on_cpu0<T: Send + 'static>(body: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    Builder::new().cpu(0).spawn(body)?.join()?
}

fn ended(outcome: Result<(), Error>) -> i32 {
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            println!("bench: {error}");
            1
        }
    }
}

fn usage(error: &str) -> i32 {
    println!("bench: {error}\n{USAGE}");
    2
}

antler_rt::main!(run);
