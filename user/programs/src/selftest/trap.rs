//! Traps from U-mode return to where they came from with every register intact: system calls, one that gives the CPU
//! away, and the timer that ends a slice.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use antler_rt::Qos;
use antler_rt::abi::Syscall;
use antler_rt::thread::Builder;

use super::STACK;
use super::check::{check, fail, must};
use super::floats::{self, Floats, call_with_floats, spin_with_floats};
use super::registers::{NUMBERS, Registers};

/// Rounds of each call.
const ROUNDS: u64 = 16;

/// Registers that a call does not preserve: they are 0 behind it, so that nothing of the kernel's is in them.
const GONE: [usize; 13] = [5, 6, 7, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31];

/// Slices that end under the spinning thread.
const SLICES: u32 = 5;

/// Turns after which spinning is given up: some seconds.
pub const TURNS: u64 = 1 << 29;

pub fn run(_: usize) {
    for round in 0..ROUNDS {
        call("Null", Syscall::Null, round);
        call("Yield", Syscall::Yield, round);
    }
    slices();
}

/// A value for each register that no other register or round has.
pub fn pattern(round: u64) -> Registers {
    core::array::from_fn(|n| (round * 32 + n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Fails unless every register holds what it was given; `but` are those that may not.
pub fn compare(what: &str, given: &Registers, found: &Registers, but: &[usize]) {
    for n in NUMBERS.into_iter().filter(|n| !but.contains(n)) {
        check!(given[n] == found[n], "{what}: x{n} was {:#x} and is {:#x}", given[n], found[n]);
    }
}

/// A value for each floating-point register that no other register or round has.
pub fn float_pattern(round: u64) -> Floats {
    core::array::from_fn(|n| !(round * 32 + n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Fails unless every floating-point register holds what it was given.
pub fn compare_floats(what: &str, given: &Floats, found: &Floats) {
    for (n, (given, found)) in given.iter().zip(found).enumerate() {
        check!(given == found, "{what}: f{n} was {given:#x} and is {found:#x}");
    }
}

fn call(name: &str, call: Syscall, round: u64) {
    let mut given = pattern(round);
    given[17] = call.number() as u64;
    let floats = float_pattern(round);
    let (mut found, mut found_floats) = (given, floats);
    call_with_floats(&mut found, &mut found_floats);
    compare_floats(name, &floats, &found_floats);
    check!(found[10] == 0, "{name} answers {}", found[10]);
    for gone in GONE {
        given[gone] = 0;
    }
    // The answer's own registers.
    compare(name, &given, &found, &[10, 11]);
}

/// What the spinning assembly reads and counts; their order is its contract.
#[repr(C)]
#[derive(Default)]
pub struct Spin {
    /// Not 0: the loop ends.
    pub stop: AtomicU32,
    /// Turns of the loop so far.
    pub turns: AtomicU32,
}

/// The director spins in U-mode while another thread of its class and CPU has its turns: each turn but the first
/// began with the end of a slice of the director's.
fn slices() {
    let spin = Arc::new(Spin::default());
    let theirs = Arc::clone(&spin);
    let other = Builder::new().cpu(0).qos(Qos::Interactive).stack_size(STACK);
    let other = must("start the other thread", other.spawn(move || take_turns(&theirs)));
    let mut given = pattern(ROUNDS);
    given[10] = (&raw const *spin).expose_provenance() as u64;
    given[12] = TURNS;
    let floats = float_pattern(ROUNDS);
    let (mut found, mut found_floats) = (given, floats);
    spin_with_floats(&mut found, &mut found_floats);
    check!(found[12] != 0, "{TURNS} turns in U-mode, and no {SLICES} slices ended");
    // Counter and scratch of the loop.
    compare("timer", &given, &found, &[11, 12]);
    compare_floats("timer", &floats, &found_floats);
    must("join the other thread", other.join());
    let fresh = must("look into a new thread's registers", floats::fresh(0));
    check!(fresh == [0; 32], "a thread that never used floating point finds {:#x} in f0", fresh[0]);
}

fn take_turns(spin: &Spin) {
    let mut before = spin.turns.load(Ordering::Relaxed);
    let mut ended = 0;
    // Every turn that finds the director further on is a slice ended; a few may find it not yet spinning.
    for _ in 0..100 * SLICES {
        call("Yield", Syscall::Yield, ROUNDS + 1);
        let now = spin.turns.load(Ordering::Relaxed);
        ended += u32::from(now != before);
        before = now;
        if ended == SLICES {
            spin.stop.store(1, Ordering::Relaxed);
            return;
        }
    }
    fail(format_args!("{ended} slices of a spinning thread ended in {} turns of another", 100 * SLICES))
}
