//! WFI, doorbells, timers and virtual time. A CPU at rest hands in its hart; the last one to come to rest has them all
//! and looks whether everything is as it must be.

use std::time::Duration;

use antler_sync::VirtualHart;
use shuttle::thread::{self, Thread};

use super::cpu::Cpu;
use super::world::{World, lock};

/// What a CPU waits for in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// Its Call's answers; a doorbell ends the wait.
    Answers,
    /// Another CPU's stop or start; looked at from time to time.
    Hotplug,
}

/// Where a CPU is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// In the kernel or in a task.
    Awake,
    /// In WFI with nothing to run.
    Idle,
    /// In WFI in the middle of a system call.
    Waiting(For),
    /// In a task, stopped for the audit.
    Meeting,
    /// Its hart has stopped.
    Off,
}

/// The hardware, and who is at rest.
pub(crate) struct Rest {
    pub now: u64,
    pub timer: Vec<Option<u64>>,
    pub bell: Vec<bool>,
    pub at: Vec<Where>,
    pub harts: Vec<Option<VirtualHart>>,
    pub threads: Vec<Option<Thread>>,
    /// All are asked to meet.
    pub meet: bool,
    /// System calls left before all tasks are to end.
    pub calls: u32,
    /// cpu0 is to wake everybody, as some device might.
    pub outside: bool,
    /// Times that it was, in a row, without a task's end in between.
    pub outside_in_vain: u32,
    pub over: bool,
    /// Kernel entries so far.
    pub entries: u64,
    /// Quiet points so far.
    pub audits: u64,
}

impl Rest {
    pub fn new(cpus: usize, calls: u32) -> Rest {
        Rest {
            now: 1,
            timer: vec![None; cpus],
            bell: vec![false; cpus],
            at: vec![Where::Awake; cpus],
            harts: (0..cpus).map(|_| None).collect(),
            threads: (0..cpus).map(|_| None).collect(),
            meet: false,
            calls,
            outside: false,
            outside_in_vain: 0,
            over: false,
            entries: 0,
            audits: 0,
        }
    }

    /// Whether the CPU's timer has fired.
    pub fn due(&self, cpu: usize) -> bool {
        self.timer[cpu].is_some_and(|at| at <= self.now)
    }

    fn asleep(&self, cpu: usize) -> bool {
        matches!(self.at[cpu], Where::Idle | Where::Waiting(_))
    }

    /// Lets the CPUs go on that `who` names; returns whom to unpark.
    pub fn release(&mut self, who: impl Fn(&Rest, usize) -> bool) -> Vec<Thread> {
        let chosen: Vec<usize> = (0..self.at.len()).filter(|&cpu| who(self, cpu)).collect();
        chosen.iter().for_each(|&cpu| self.at[cpu] = Where::Awake);
        chosen.iter().filter_map(|&cpu| self.threads[cpu].clone()).collect()
    }
}

/// A point where shuttle may switch, for what is no atomic: device writes, interrupts.
pub(crate) fn point() {
    thread::sleep(Duration::ZERO);
}

pub(crate) fn unpark(threads: Vec<Thread>) {
    threads.iter().for_each(Thread::unpark);
}

impl World {
    /// Rings a CPU's doorbell; it stays pending until its hart clears it.
    pub fn ring(&self, target: usize) {
        let threads = {
            let mut rest = lock(&self.rest);
            rest.bell[target] = true;
            rest.release(|rest, cpu| cpu == target && rest.asleep(cpu))
        };
        unpark(threads);
    }

    /// Lets virtual time pass.
    pub fn pass(&self, ns: u64) {
        let threads = {
            let mut rest = lock(&self.rest);
            rest.now += ns;
            rest.release(|rest, cpu| rest.asleep(cpu) && rest.due(cpu))
        };
        unpark(threads);
    }
}

impl Cpu {
    /// Comes to rest until somebody lets this CPU go on. A WFI with an interrupt pending does not wait.
    pub fn rest(&mut self, at: Where) {
        self.world.stop_if_red();
        point();
        let last = {
            let mut rest = lock(&self.world.rest);
            let sleeps = matches!(at, Where::Idle | Where::Waiting(_));
            if sleeps && (rest.bell[self.me] || rest.due(self.me)) {
                return;
            }
            rest.at[self.me] = at;
            rest.harts[self.me] = self.here.take().map(antler_sync::HartToken::leave);
            rest.at.iter().all(|&at| at != Where::Awake)
        };
        if last {
            self.world.quiet();
        }
        loop {
            {
                let mut rest = lock(&self.world.rest);
                if rest.at[self.me] == Where::Awake {
                    self.here = rest.harts[self.me].take().map(VirtualHart::enter);
                    return;
                }
            }
            thread::park();
        }
    }
}
