//! A steal above the bound is refused and changes nothing; and a real one, tempted by more than twice the bound,
//! happens. That it moves no more than the bound is for the judge to count.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use antler_rt::sys::probe;
use antler_rt::thread::{Builder, JoinHandle};
use antler_rt::{Error, Qos, sys};

use super::STACK;
use super::check::{all_others_idle, check, must, poll_until, refused, spin_until};
use super::orders::Orders;

/// More than one steal may take, by one.
const TOO_MANY: usize = 5;

/// Tasks that tempt: twice the bound, and one.
const TASKS: usize = 9;

/// The CPU that steals.
const THIEF: usize = 1;

/// Sets the highest class of several CPUs.
pub fn set_ceilings(cpus: impl IntoIterator<Item = usize>, class: Qos) {
    for cpu in cpus {
        must("set a ceiling", probe::set_ceiling(cpu, class));
    }
}

/// How often a task ran, and where it ran last.
#[derive(Default)]
pub struct Run {
    times: AtomicU32,
    cpu: AtomicUsize,
}

impl Run {
    /// Starts a task of this class on this CPU's queue, for others to steal. It notes its run and ends.
    pub fn start(run: &Arc<Run>, class: Qos) -> JoinHandle<()> {
        let run = Arc::clone(run);
        let builder = Builder::new().qos(class).local().stack_size(STACK);
        let body = move || {
            run.cpu.store(must("ask for the CPU", sys::cpu()), Ordering::Relaxed);
            run.times.fetch_add(1, Ordering::Release);
        };
        must("start a task", builder.spawn(body))
    }

    /// How often it ran.
    pub fn times(&self) -> u32 {
        self.times.load(Ordering::Acquire)
    }

    /// Whether it ran, on that CPU.
    pub fn was_on(&self, cpu: usize) -> bool {
        self.times() > 0 && self.cpu.load(Ordering::Relaxed) == cpu
    }
}

/// Fails unless so many tasks are queued on cpu0.
pub fn queued_on_boot_cpu(meant: usize) {
    let queued = must("count queued tasks", probe::queued(0));
    check!(queued == meant, "{queued} tasks are queued on cpu0 instead of {meant}");
}

/// What thief and director tell each other.
#[derive(Default)]
struct Talk {
    ready: AtomicBool,
    go: Orders,
    refused: AtomicBool,
    leave: AtomicBool,
}

pub fn run(cpus: usize) {
    let talk = Arc::new(Talk::default());
    let theirs = Arc::clone(&talk);
    // Of the lowest class, which every ceiling allows.
    let thief = Builder::new().cpu(THIEF).qos(Qos::Idle).stack_size(STACK);
    let thief = must("start the thief", thief.spawn(move || ask_too_much(&theirs)));
    poll_until("the thief to be ready", || talk.ready.load(Ordering::Acquire));
    all_others_idle(cpus);
    set_ceilings(1..cpus, Qos::Idle);

    // From here on the director does not leave cpu0, so its tasks stay where they are unless somebody steals them.
    let runs: Vec<Arc<Run>> = (0..TASKS).map(|_| Arc::default()).collect();
    let tasks: Vec<_> = runs.iter().map(|run| Run::start(run, Qos::Normal)).collect();
    queued_on_boot_cpu(TASKS);
    talk.go.give_sleeper(format_args!("the thief"), 1);
    spin_until("the refusal", || talk.refused.load(Ordering::Acquire));
    queued_on_boot_cpu(TASKS);

    // With its ceiling raised and nothing more to run, the thief's CPU steals as any CPU does.
    set_ceilings([THIEF], Qos::PerfBurst);
    talk.leave.store(true, Ordering::Release);
    // The oldest task is the first to be taken, and the first to run there.
    spin_until("a task on the thief's CPU", || runs[0].times() > 0);
    check!(runs[0].was_on(THIEF), "a task ran on another CPU than cpu{THIEF}, which alone may steal");

    must("join the thief", thief.join());
    for task in tasks {
        must("join a task", task.join());
    }
    for (index, run) in runs.iter().enumerate() {
        check!(run.times() == 1, "task {index} ran {} times", run.times());
    }
    set_ceilings(1..cpus, Qos::PerfBurst);
}

/// The thief asks for more than the bound.
fn ask_too_much(talk: &Talk) {
    talk.ready.store(true, Ordering::Release);
    talk.go.next(0);
    queued_on_boot_cpu(TASKS);
    refused("a steal above the bound", probe::steal(0, TOO_MANY), Error::AboveBound);
    queued_on_boot_cpu(TASKS);
    talk.refused.store(true, Ordering::Release);
    spin_until("the ceiling to be raised", || talk.leave.load(Ordering::Acquire));
}
