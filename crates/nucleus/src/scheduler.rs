//! The scheduler's state, and who may see what of it. Its verbs are in the files beside this one.

use alloc::boxed::Box;
use alloc::vec::Vec;
use antler_abi::Qos;
use antler_sync::{Brand, HartToken, PerHart};

use crate::calls::CallBlock;
use crate::counters::Counters;
use crate::cpu::{self, Local, Shared};
use crate::cpuset::{AtomicCpuSet, CpuSet};
use crate::ids::{CpuId, OnlineCpu, TargetError};
use crate::presence::State;
use crate::task::TaskPool;
use crate::waits::WaitTable;

/// Sizes and times that are fixed when the scheduler is made.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Whose tokens it takes.
    pub brand: Brand,
    /// CPUs of the machine, online or not.
    pub cpus: usize,
    /// Tasks that can exist; a power of two.
    pub tasks: usize,
    /// How long a task runs before others of its class have their turn, ns.
    pub slice: u64,
    /// Lists that waiting tasks are spread over; a power of two.
    pub wait_lists: usize,
}

/// Where a new task goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// To an idle CPU if there is one.
    Anywhere,
    /// To the spawner's own queue, for others to steal.
    Here,
    /// To this CPU, for good.
    Pinned(CpuId),
}

/// Why a ceiling was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CeilingError {
    /// No such CPU.
    InvalidTarget,
    /// cpu0 must run every class, so that there is always a place for a task.
    BootCpu,
}

/// Sets of CPUs that placement and stealing look at.
#[derive(Debug)]
pub(crate) struct Sets<const W: usize> {
    /// Those that run the scheduler.
    pub online: AtomicCpuSet<W>,
    /// Those that may be given tasks: online, and not about to leave.
    pub placeable: AtomicCpuSet<W>,
    /// Those that offer to be claimed for work.
    pub idle: AtomicCpuSet<W>,
    /// By class: those that may have a queued task to spare.
    pub surplus: [AtomicCpuSet<W>; Qos::COUNT],
}

/// Everything there is to know about which task runs where. `W` words name up to `64 * W` CPUs.
#[derive(Debug)]
pub struct Scheduler<const W: usize> {
    /// The tasks.
    pub tasks: TaskPool,
    pub(crate) waits: WaitTable,
    pub(crate) sets: Sets<W>,
    pub(crate) cpus: Box<[Shared<W>]>,
    pub(crate) calls: Box<[CallBlock<W>]>,
    pub(crate) locals: PerHart<Local>,
    pub(crate) slice: u64,
}

impl<const W: usize> Scheduler<W> {
    /// A scheduler with no CPU online.
    pub fn new(config: Config) -> Self {
        assert!((1..=CpuSet::<W>::CAPACITY).contains(&config.cpus));
        let mut locals = Vec::with_capacity(config.cpus);
        let cpus = (0..config.cpus)
            .map(|_| {
                let (shared, local) = cpu::new(config.cpus, config.tasks);
                locals.push(local);
                shared
            })
            .collect();
        let mut locals = locals.into_iter();
        Scheduler {
            tasks: TaskPool::new(config.tasks),
            waits: WaitTable::new(config.wait_lists),
            sets: Sets {
                online: AtomicCpuSet::default(),
                placeable: AtomicCpuSet::default(),
                idle: AtomicCpuSet::default(),
                surplus: Qos::ALL.map(|_| AtomicCpuSet::default()),
            },
            cpus,
            calls: (0..config.cpus).map(|_| CallBlock::default()).collect(),
            locals: PerHart::new(config.brand, config.cpus, |_| locals.next().expect("one for each CPU")),
            slice: config.slice,
        }
    }

    pub(crate) fn shared(&self, cpu: CpuId) -> &Shared<W> {
        &self.cpus[cpu.index()]
    }

    /// CPUs of the machine; they are numbered from 0.
    pub fn cpus_present(&self) -> usize {
        self.cpus.len()
    }

    /// CPUs online now.
    pub fn online(&self) -> CpuSet<W> {
        self.sets.online.load()
    }

    /// CPUs that found nothing to do.
    pub fn idle(&self) -> CpuSet<W> {
        self.sets.idle.load()
    }

    /// Checks that `number` names an online CPU: the only way from an integer to an IPI.
    ///
    /// # Errors
    /// [`TargetError`]: no such CPU, or not online.
    pub fn target(&self, number: usize) -> Result<OnlineCpu, TargetError> {
        if number >= self.cpus.len() {
            return Err(TargetError::InvalidTarget);
        }
        let cpu = CpuId::new(number);
        if self.sets.online.contains(cpu) { Ok(OnlineCpu(cpu)) } else { Err(TargetError::Offline) }
    }

    /// A CPU's counters.
    pub fn counters(&self, cpu: CpuId) -> &Counters {
        &self.shared(cpu).counters
    }

    /// A CPU's published state.
    pub fn presence(&self, cpu: CpuId) -> State {
        self.shared(cpu).presence.read()
    }

    /// Stealable tasks queued on a CPU, as far as visible from here.
    pub fn queued(&self, cpu: CpuId) -> usize {
        self.shared(cpu).rings.iter().map(|ring| ring.len()).sum()
    }

    /// Slot of the task that runs here.
    pub fn current(&self, here: &mut HartToken) -> Option<usize> {
        self.locals.mine(here).current.as_ref().map(|task| task.slot())
    }

    /// Highest class that a CPU may run.
    pub fn ceiling(&self, cpu: CpuId) -> Qos {
        self.shared(cpu).ceiling()
    }

    /// Sets a CPU's ceiling. Tasks above it that the CPU has already are moved when it next looks at its queues; to have
    /// it look at once is the caller's to ask for ([`Scheduler::resched`]).
    ///
    /// # Errors
    /// [`CeilingError`]: no such CPU, or a ceiling for cpu0.
    pub fn set_ceiling(&self, number: usize, class: Qos) -> Result<(), CeilingError> {
        match self.cpus.get(number) {
            None => Err(CeilingError::InvalidTarget),
            Some(_) if number == CpuId::BOOT.index() && class != Qos::PerfBurst => Err(CeilingError::BootCpu),
            Some(shared) => {
                shared.set_ceiling(class);
                Ok(())
            }
        }
    }
}
