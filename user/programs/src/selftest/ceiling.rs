//! A CPU under a class ceiling leaves higher tasks alone, though it has nothing else to do, and still steals lower
//! ones.

use alloc::sync::Arc;

use antler_rt::Qos;

use super::bound::{Run, queued_on_boot_cpu, set_ceilings};
use super::check::{all_others_idle, check, must, spin_until};
use super::orders::become_class;

/// The CPU under the ceiling.
const THIEF: usize = 1;

pub fn run(cpus: usize) {
    all_others_idle(cpus);
    set_ceilings([THIEF], Qos::Normal);
    set_ceilings(2..cpus, Qos::Idle);
    // Above all its tasks the director keeps cpu0, so whatever runs was stolen.
    become_class(Qos::PerfBurst);
    let higher: [Arc<Run>; 2] = Default::default();
    let lower: [Arc<Run>; 2] = Default::default();
    let kept = higher.each_ref().map(|run| Run::start(run, Qos::Interactive));
    let taken = lower.each_ref().map(|run| Run::start(run, Qos::Normal));
    spin_until("the lower tasks to be stolen", || lower.iter().all(|run| run.times() > 0));
    for run in &lower {
        check!(run.was_on(THIEF), "a task of the ceiling's class ran on another CPU than cpu{THIEF}");
    }
    for run in &higher {
        check!(run.times() == 0, "a task above every ceiling was stolen");
    }
    queued_on_boot_cpu(higher.len());

    become_class(Qos::Interactive);
    for task in kept.into_iter().chain(taken) {
        must("join a task", task.join());
    }
    for run in &higher {
        check!(run.was_on(0), "a task above every other CPU's ceiling did not run on cpu0");
    }
    for run in higher.iter().chain(&lower) {
        check!(run.times() == 1, "a task ran {} times", run.times());
    }
    set_ceilings(1..cpus, Qos::PerfBurst);
}
