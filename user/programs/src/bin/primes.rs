//! Counts primes on every CPU: a fork-join tree whose leaves are chunks of the range. Each fork is queued where it was
//! made, so that whatever runs elsewhere was stolen.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

extern crate alloc;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering};

use antler_programs::{options, sieve};
use antler_rt::args::args;
use antler_rt::thread::Builder;
use antler_rt::{Error, println, sys};

/// Largest limit that is counted in a time somebody may wait for.
const LIMIT_MAX: u64 = 100_000_000_000;

/// What every thread reads.
struct Job {
    chunks: Vec<Range<u64>>,
    base: Vec<u32>,
    /// Chunks counted on each CPU.
    shares: Vec<AtomicU32>,
}

fn run() -> i32 {
    let limit = match options::number(args(), "LIMIT", 2_000_000, LIMIT_MAX) {
        Ok(limit) => limit,
        Err(error) => {
            println!("primes: {error}\nusage: primes [LIMIT]");
            return 2;
        }
    };
    match count(limit) {
        Ok(()) => 0,
        Err(error) => {
            println!("primes: {error}");
            1
        }
    }
}

fn count(limit: u64) -> Result<(), Error> {
    let chunks = sieve::plan(limit);
    let all = 0..chunks.len();
    let shares = (0..sys::cpus_present()?).map(|_| AtomicU32::new(0)).collect();
    let job = Arc::new(Job { chunks, base: sieve::base_primes(limit), shares });
    let primes = fork(&job, all)?;
    println!("primes: {primes} primes up to {limit}");
    println!("primes: {} chunks:{}", job.chunks.len(), Shares(&job.shares));
    Ok(())
}

/// Counts the primes of those chunks: half of them in a new thread, half in this one, until one is left.
fn fork(job: &Arc<Job>, chunks: Range<usize>) -> Result<u64, Error> {
    if chunks.len() == 1 {
        return leaf(job, chunks.start);
    }
    let middle = chunks.start + chunks.len() / 2;
    let theirs = {
        let job = Arc::clone(job);
        Builder::new().local().spawn(move || fork(&job, middle..chunks.end))
    };
    let ours = fork(job, chunks.start..middle)?;
    let theirs = match theirs {
        Ok(thread) => thread.join()??,
        // No room for another thread, so this one does both halves.
        Err(Error::NoTask | Error::NoMemory) => fork(job, middle..chunks.end)?,
        Err(error) => return Err(error),
    };
    Ok(ours + theirs)
}

fn leaf(job: &Job, chunk: usize) -> Result<u64, Error> {
    let primes = sieve::count(job.chunks[chunk].clone(), &job.base);
    if let Some(share) = job.shares.get(sys::cpu()?) {
        share.fetch_add(1, Ordering::Relaxed);
    }
    Ok(primes)
}

/// The chunks of each CPU that counted any.
struct Shares<'a>(&'a [AtomicU32]);

impl fmt::Display for Shares<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = self.0.iter().map(|share| share.load(Ordering::Relaxed)).enumerate();
        for (cpu, share) in shares.filter(|&(_, share)| share > 0) {
            write!(f, " cpu{cpu} {share}")?;
        }
        Ok(())
    }
}

antler_rt::main!(run);
