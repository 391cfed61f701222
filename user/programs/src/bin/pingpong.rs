//! Two threads bounce a word by `Wait` and `Wake`, on two CPUs if they may be pinned there.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

extern crate alloc;

use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use antler_programs::options;
use antler_rt::args::args;
use antler_rt::sync::Barrier;
use antler_rt::thread::{Builder, JoinHandle};
use antler_rt::{Error, println, sys, time};

/// How long a player waits for one return before the game is declared lost. It only detects failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// The word that bounces: even, it is the first player's turn; odd, the second's.
struct Game {
    turn: AtomicU32,
    start: Barrier,
    rounds: u32,
}

fn run() -> i32 {
    let rounds = match options::number(args(), "ROUNDS", 10_000, 1_000_000_000) {
        Ok(rounds) => rounds as u32,
        Err(error) => {
            println!("pingpong: {error}\nusage: pingpong [ROUNDS]");
            return 2;
        }
    };
    match game(rounds) {
        Ok((ns, where_to)) => {
            println!("pingpong: {rounds} round trips, {} ns each, {where_to}", ns / u64::from(rounds));
            0
        }
        Err(error) => {
            println!("pingpong: {error}");
            1
        }
    }
}

/// Plays: nanoseconds of all rounds, and where.
fn game(rounds: u32) -> Result<(u64, Pair), Error> {
    let pair = pair()?;
    let game = Arc::new(Game { turn: AtomicU32::new(0), start: Barrier::new(2), rounds });
    let second = player(&game, 1, pair.0.map(|cpus| cpus.1))?;
    let first = player(&game, 0, pair.0.map(|cpus| cpus.0));
    // Without the first the second waits at the barrier for ever; ending the program ends it too.
    let ns = first.unwrap_or_else(|error| {
        println!("pingpong: {error}");
        sys::exit(1)
    });
    let ns = ns.join()??;
    second.join()??;
    Ok((ns, pair))
}

fn player(
    game: &Arc<Game>,
    parity: u32,
    cpu: Option<usize>,
) -> Result<JoinHandle<Result<u64, Error>>, Error> {
    let game = Arc::clone(game);
    let builder = cpu.map_or(Builder::new(), |cpu| Builder::new().cpu(cpu));
    builder.spawn(move || play(&game, parity))
}

/// Returns the word `rounds` times: nanoseconds from the start to the last return.
fn play(game: &Game, parity: u32) -> Result<u64, Error> {
    game.start.wait_until(time::deadline(PATIENCE))?;
    let start = time::now_ns();
    for _ in 0..game.rounds {
        let turn = my_turn(game, parity)?;
        game.turn.store(turn.wrapping_add(1), Ordering::Release);
        sys::wake(&game.turn, 1)?;
    }
    // The first player's last round trip ends when the word is back.
    if parity == 0 {
        my_turn(game, parity)?;
    }
    Ok(time::now_ns() - start)
}

/// Waits for this player's turn: the word. Errors: `TimedOut`.
fn my_turn(game: &Game, parity: u32) -> Result<u32, Error> {
    let mut deadline = None;
    loop {
        let turn = game.turn.load(Ordering::Acquire);
        if turn % 2 == parity {
            return Ok(turn);
        }
        let deadline = *deadline.get_or_insert_with(|| time::deadline(PATIENCE));
        match sys::wait(&game.turn, turn, deadline) {
            Ok(()) | Err(Error::Changed) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Where the players are: two CPUs, or wherever the scheduler puts them.
struct Pair(Option<(usize, usize)>);

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((first, second)) => write!(f, "cpu{first} and cpu{second}"),
            None => f.write_str("not pinned"),
        }
    }
}

/// The first two CPUs that threads may be pinned to. The kernel is asked by pinning one, since only it knows who is
/// online and what this program may do.
fn pair() -> Result<Pair, Error> {
    let mut found = None;
    for cpu in 0..sys::cpus_present()? {
        match Builder::new().cpu(cpu).spawn(|| ()) {
            Ok(thread) => thread.join()?,
            Err(Error::Offline) => continue,
            Err(Error::Denied) => return Ok(Pair(None)),
            Err(error) => return Err(error),
        }
        match found {
            None => found = Some(cpu),
            Some(first) => return Ok(Pair(Some((first, cpu)))),
        }
    }
    Ok(Pair(None))
}

antler_rt::main!(run);
