//! For every ordered pair of CPUs (a, b): b is busy in U-mode, a wakes a thread of higher class that is pinned to b,
//! and that one IPI makes b run it. Everybody else is idle, and nothing but the IPI can get b out of U-mode.
//!
//! Three threads on each CPU, made in advance, each with a class of its own: equals on one CPU would take turns by a
//! timer, and a timer is what must not come. The director takes the class below them all. Then, when every other CPU
//! is idle, nothing can be runnable on cpu0 either, for it would run before the director: everybody sleeps on their
//! word.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use antler_rt::sys::probe;
use antler_rt::thread::{Builder, JoinHandle};
use antler_rt::{Qos, sys};

use super::STACK;
use super::check::{all_others_idle, check, drain, look_until, must, poll_until, spin_until};
use super::orders::{OVER, Orders, become_class};

/// Sleep with which a sender begins, in ns.
const NAP: u64 = 50_000;

/// The words on which the three threads of one CPU sleep.
#[derive(Default)]
struct Lane {
    sender: Orders,
    busy: Orders,
    runner: Orders,
}

/// What all threads share. Numbers are those of the pair that is on, from 1.
struct Stage {
    cpus: usize,
    lanes: Vec<Lane>,
    /// Threads that are about to wait for their first order.
    ready: AtomicUsize,
    /// The target of the pair.
    to: AtomicUsize,
    /// The pair for which the target spins in U-mode.
    spinning: AtomicU32,
    /// The pair for which it may stop.
    stop: AtomicU32,
    /// The pair for which it is about to sleep again.
    resting: AtomicU32,
    /// Where the runner ran.
    ran_on: AtomicUsize,
    /// The runner's word to the sender.
    reported: Orders,
    /// The sender's word to the director.
    done: Orders,
}

pub fn run(cpus: usize) {
    let stage = Arc::new(Stage {
        cpus,
        lanes: (0..cpus).map(|_| Lane::default()).collect(),
        ready: AtomicUsize::new(0),
        to: AtomicUsize::new(0),
        spinning: AtomicU32::new(0),
        stop: AtomicU32::new(0),
        resting: AtomicU32::new(0),
        ran_on: AtomicUsize::new(usize::MAX),
        reported: Orders::default(),
        done: Orders::default(),
    });
    let threads: Vec<_> = (0..cpus).flat_map(|cpu| start(&stage, cpu)).collect();
    become_class(Qos::Idle);
    poll_until("every thread to be ready", || stage.ready.load(Ordering::Acquire) == threads.len());
    let pairs = (0..cpus).flat_map(|a| (0..cpus).map(move |b| (a, b))).filter(|(a, b)| a != b);
    for (pair, (a, b)) in (1..).zip(pairs) {
        drain();
        all_others_idle(cpus);
        stage.to.store(b, Ordering::Relaxed);
        stage.lanes[a].sender.give_sleeper(format_args!("cpu{a}'s sender"), pair);
        let done = stage.done.next(pair - 1);
        check!(done == pair, "pair {pair} (cpu{a} to cpu{b}) ended as {done}");
    }
    become_class(Qos::Interactive);
    for lane in &stage.lanes {
        for word in [&lane.sender, &lane.busy, &lane.runner] {
            word.give(OVER);
        }
    }
    for thread in threads {
        must("join a thread", thread.join());
    }
}

/// What a thread does, given its CPU.
type Part = fn(&Stage, usize);

/// The three threads of one CPU.
fn start(stage: &Arc<Stage>, cpu: usize) -> [JoinHandle<()>; 3] {
    let parts: [(Qos, Part); 3] =
        [(Qos::Interactive, send), (Qos::Normal, be_busy), (Qos::PerfBurst, report)];
    parts.map(|(qos, part)| {
        let stage = Arc::clone(stage);
        let builder = Builder::new().cpu(cpu).qos(qos).stack_size(STACK);
        must("start a thread", builder.spawn(move || part(&stage, cpu)))
    })
}

/// The sender: makes the target busy, sees that everybody else is idle, and wakes the target's runner.
fn send(stage: &Stage, cpu: usize) {
    // A sleep ends by this CPU's timer, so whatever the timer was set to before has gone off by then, and cannot
    // later.
    must("nap", sys::sleep_until(must("read the clock", sys::clock()) + NAP));
    stage.ready.fetch_add(1, Ordering::Release);
    let mut last = 0;
    loop {
        let pair = stage.lanes[cpu].sender.next(last);
        if pair == OVER {
            return;
        }
        last = pair;
        let to = stage.to.load(Ordering::Relaxed);
        let target = &stage.lanes[to];
        target.busy.give_sleeper(format_args!("cpu{to}'s busy thread"), pair);
        // A doorbell that is still under way to the target, ours for its busy thread or an older one, would carry the
        // coming request along, and there would be no IPI of its own to see.
        look_until("the target to be busy, its doorbell silent, and all others idle", || {
            stage.spinning.load(Ordering::Acquire) == pair
                && !must("look at the target's doorbell", probe::is_rung(to))
                && must("count idle CPUs", probe::idle_count()) == stage.cpus - 2
        });
        // This is the one: its wake puts the runner on the target's queue and rings.
        target.runner.give_sleeper(format_args!("cpu{to}'s runner"), pair);
        stage.reported.next(pair - 1);
        let ran_on = stage.ran_on.load(Ordering::Relaxed);
        check!(ran_on == to, "cpu{to}'s runner ran on cpu{ran_on}");
        look_until("the target to rest", || stage.resting.load(Ordering::Acquire) == pair);
        stage.done.give(pair);
    }
}

/// The busy thread: spins in U-mode, without a system call, until the runner has run.
fn be_busy(stage: &Stage, cpu: usize) {
    stage.ready.fetch_add(1, Ordering::Release);
    let mut last = 0;
    loop {
        let pair = stage.lanes[cpu].busy.next(last);
        if pair == OVER {
            return;
        }
        last = pair;
        stage.spinning.store(pair, Ordering::Release);
        spin_until("the runner to come by an IPI", || stage.stop.load(Ordering::Acquire) == pair);
        stage.resting.store(pair, Ordering::Release);
    }
}

/// The runner: says where it is.
fn report(stage: &Stage, cpu: usize) {
    stage.ready.fetch_add(1, Ordering::Release);
    let mut last = 0;
    loop {
        let pair = stage.lanes[cpu].runner.next(last);
        if pair == OVER {
            return;
        }
        last = pair;
        stage.ran_on.store(must("ask for the CPU", sys::cpu()), Ordering::Relaxed);
        stage.stop.store(pair, Ordering::Release);
        stage.reported.give(pair);
    }
}
