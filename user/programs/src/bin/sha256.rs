//! Hashes files in parallel and prints what `sha256sum` prints.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

extern crate alloc;

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use antler_programs::digest::Line;
use antler_programs::options;
use antler_rt::abi::CHUNK;
use antler_rt::args::args;
use antler_rt::file::File;
use antler_rt::sync::{Event, Mutex};
use antler_rt::thread::{self, JoinHandle};
use antler_rt::{Error, println, sys};
use sha2::{Digest, Sha256};

type Outcome = Result<[u8; 32], Error>;

/// A file's place in the output.
struct Place {
    name: &'static str,
    outcome: Mutex<Option<Outcome>>,
    done: Event,
}

/// What the workers share.
struct Work {
    places: Vec<Place>,
    /// First place that nobody has taken.
    next: AtomicUsize,
}

fn run() -> i32 {
    let asked = match options::sha256(args()) {
        Ok(asked) => asked,
        Err(error) => {
            println!("sha256: {error}\nusage: sha256 [--threads N] FILE...");
            return 2;
        }
    };
    let place = |name| Place { name, outcome: Mutex::new(None), done: Event::new() };
    let places: Vec<_> = asked.files.into_iter().map(place).collect();
    let work = Arc::new(Work { places, next: AtomicUsize::new(0) });
    let _workers = match start(&work, asked.threads) {
        Ok(workers) => workers,
        Err(error) => {
            println!("sha256: cannot start a thread: {error}");
            return 1;
        }
    };
    let mut code = 0;
    for place in &work.places {
        place.done.wait();
        let name = place.name;
        match place.outcome.lock().take() {
            Some(Ok(digest)) => println!("{}", Line { digest, name }),
            Some(Err(error)) => {
                println!("sha256: {name}: {error}");
                code = 1;
            }
            None => unreachable!("a place is done when its outcome is there"),
        }
    }
    code
}

/// Starts the workers: as many as there are CPUs online, files, or asked for, whichever is least. Some are enough;
/// the error of the first is returned when there are none.
fn start(work: &Arc<Work>, asked: Option<usize>) -> Result<Vec<JoinHandle<()>>, Error> {
    let count = sys::cpus_online()?.min(work.places.len()).min(asked.unwrap_or(usize::MAX));
    let mut workers = Vec::new();
    for _ in 0..count {
        let work = Arc::clone(work);
        match thread::spawn(move || serve(&work)) {
            Ok(worker) => workers.push(worker),
            Err(error) if workers.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(workers)
}

/// Takes files until none is left.
fn serve(work: &Work) {
    let mut buffer = vec![0; CHUNK];
    while let Some(place) = work.places.get(work.next.fetch_add(1, Ordering::Relaxed)) {
        let outcome = hash(place.name, &mut buffer);
        *place.outcome.lock() = Some(outcome);
        place.done.set();
    }
}

fn hash(name: &str, buffer: &mut [u8]) -> Outcome {
    let file = File::find(name)?;
    let mut hasher = Sha256::new();
    let mut offset = 0;
    loop {
        match file.read_at(offset, buffer)? {
            0 => return Ok(hasher.finalize().into()),
            read => {
                hasher.update(&buffer[..read]);
                offset += read as u64;
            }
        }
    }
}

antler_rt::main!(run);
