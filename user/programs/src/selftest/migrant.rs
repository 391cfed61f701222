//! A task with all its registers in use is taken from one CPU against its will, stolen by another, and goes on there with
//! every register as it was.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use antler_rt::thread::Builder;
use antler_rt::{Qos, sys};

use super::STACK;
use super::bound::set_ceilings;
use super::check::{all_others_idle, check, must, poll_until, spin_until};
use super::floats::{self, spin_with_floats};
use super::trap::{Spin, TURNS, compare, compare_floats, float_pattern, pattern};

/// The CPU that steals.
const THIEF: usize = 1;

/// The director runs it on cpu0, above the migrant's class.
pub fn run(cpus: usize) {
    all_others_idle(cpus);
    set_ceilings(1..cpus, Qos::Idle);
    let shared = Arc::new((Spin::default(), AtomicU32::new(0)));
    let theirs = Arc::clone(&shared);
    let builder = Builder::new().qos(Qos::Normal).local().stack_size(STACK);
    let migrant = must("start the migrant", builder.spawn(move || wander(&theirs.0, &theirs.1)));
    let (spin, begun) = &*shared;
    // Asleep between looks, the director gives it cpu0; awake, it takes cpu0 away from it.
    poll_until("the migrant to run", || spin.turns.load(Ordering::Relaxed) > 0);
    let turns = spin.turns.load(Ordering::Relaxed);
    set_ceilings([THIEF], Qos::PerfBurst);
    spin_until("the migrant to go on elsewhere", || spin.turns.load(Ordering::Relaxed) != turns);
    spin.stop.store(1, Ordering::Relaxed);
    let cpu = must("join the migrant", migrant.join());
    check!(cpu == THIEF, "the migrant ended on cpu{cpu} instead of cpu{THIEF}");
    let begun = begun.load(Ordering::Relaxed);
    check!(begun == 1, "the migrant began {begun} times");
    let found = must("look into a new thread's registers", floats::fresh(THIEF));
    check!(found == [0; 32], "a thread that never used floating point finds {:#x} in f0", found[0]);
    set_ceilings(1..cpus, Qos::PerfBurst);
}

/// Spins with every register in use until told to stop; answers the CPU it is on then.
fn wander(spin: &Spin, begun: &AtomicU32) -> usize {
    begun.fetch_add(1, Ordering::Relaxed);
    let mut given = pattern(77);
    given[10] = core::ptr::from_ref(spin).expose_provenance() as u64;
    given[12] = TURNS;
    let floats = float_pattern(77);
    let (mut found, mut found_floats) = (given, floats);
    spin_with_floats(&mut found, &mut found_floats);
    // Counter and scratch of the loop.
    compare("migration", &given, &found, &[11, 12]);
    compare_floats("migration", &floats, &found_floats);
    must("ask for the CPU", sys::cpu())
}
