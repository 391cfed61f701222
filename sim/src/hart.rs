use antler_abi::Qos;
use antler_facts::{Seen, WakeCause};
use antler_nucleus::{AuditError, Call, Config, CpuId, CpuSet, Key, Next, Placement, Scheduler};
use antler_sync::{Brand, HartToken};
use fastrand::Rng;

use crate::world::{View, World};

/// The one operation of Calls here: leave.
const LEAVE: u64 = 3;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Virtual harts, 1 to 512.
    pub harts: usize,
    /// Everything follows from it.
    pub seed: u64,
    /// Kernel entries before the workload is left to end.
    pub steps: usize,
    /// Task slots; a power of two.
    pub tasks: usize,
    /// Whether CPUs go offline and online meanwhile.
    pub hotplug: bool,
}

/// What a task may do in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Go on computing.
    Compute,
    /// Yield.
    Yield,
    /// Sleep for some time.
    Sleep,
    /// Wait on one of a few keys, perhaps with a deadline.
    Wait,
    /// Wake some waiters of a key.
    Wake,
    /// Spawn a task, pinned or not, of some class.
    Spawn,
    /// Change class.
    SetQos,
    /// End.
    Exit,
}

/// What a green run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Tasks made.
    pub spawned: u64,
    /// Tasks ended.
    pub ended: u64,
    /// Tasks stolen.
    pub stolen: u64,
    /// CPUs taken offline.
    pub offlined: u64,
    /// Kernel entries until all was over.
    pub steps: u64,
}

/// Why a run is red.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A task is nowhere, or somewhere twice.
    Audit(AuditError),
    /// Tasks are left, and no hart would ever do anything again.
    Stuck {
        /// Tasks made.
        spawned: u64,
        /// Tasks ended.
        ended: u64,
    },
    /// A hart sleeps while another has a task that it may take.
    Idle {
        /// The sleeper.
        sleeper: usize,
        /// The CPU with the task.
        victim: usize,
    },
}

/// One word is enough for 64 CPUs; the kernel uses eight.
const W: usize = 8;

/// Kernel entries after which a workload that only ends must have ended.
const END_BOUND: usize = 2_000_000;

struct Sim<'a> {
    sched: Scheduler<W>,
    world: &'a World,
    rng: Rng,
    tokens: Vec<HartToken>,
    leaving: Option<usize>,
    report: Report,
    ending: bool,
}

/// Runs a scenario to its end.
///
/// # Errors
/// [`Failure`]: what was found to be wrong.
pub fn run(scenario: Scenario) -> Result<Report, Failure> {
    let world = World::new(scenario.harts, scenario.tasks);
    let (brand, tokens) = Brand::virtual_harts(scenario.harts);
    let config = Config { brand, cpus: scenario.harts, tasks: scenario.tasks, slice: 10_000 };
    let mut sim = Sim {
        sched: Scheduler::new(config),
        world: &world,
        rng: Rng::with_seed(scenario.seed),
        tokens,
        leaving: None,
        report: Report::default(),
        ending: false,
    };
    sim.start();
    for _ in 0..scenario.steps {
        sim.step(scenario.hotplug)?;
    }
    sim.ending = true;
    for _ in 0..END_BOUND {
        if sim.report.ended == sim.report.spawned {
            return sim.finish();
        }
        sim.step(false)?;
    }
    Err(Failure::Stuck { spawned: sim.report.spawned, ended: sim.report.ended })
}

impl<'a> Sim<'a> {
    fn view(&self, cpu: usize) -> View<'a> {
        View { world: self.world, cpu }
    }

    fn start(&mut self) {
        for cpu in 0..self.tokens.len() {
            let view = self.view(cpu);
            self.sched.come_online(&view, &mut self.tokens[cpu]);
        }
        for _ in 0..self.tokens.len() * 2 {
            self.spawn(0);
        }
        for cpu in 0..self.tokens.len() {
            self.enter(cpu);
        }
    }

    fn spawn(&mut self, cpu: usize) {
        let qos = Qos::ALL[self.rng.usize(0..Qos::COUNT)];
        let online: Vec<CpuId> = self.sched.online().iter().collect();
        let placement = match self.rng.u8(0..4) {
            0 => Placement::Here,
            1 => Placement::Pinned(online[self.rng.usize(0..online.len())]),
            _ => Placement::Anywhere,
        };
        let view = self.view(cpu);
        if self.sched.spawn(&view, &mut self.tokens[cpu], 1, qos, placement, |_| ()).is_ok() {
            self.report.spawned += 1;
        }
    }

    /// One kernel entry of one hart, or a leap in time when nobody has anything to do before the next timer.
    fn step(&mut self, hotplug: bool) -> Result<(), Failure> {
        self.report.steps += 1;
        self.world.now.set(self.world.now.get() + self.rng.u64(1..200));
        let now = self.world.now.get();
        let due = |cpu: usize| self.world.timer[cpu].get().is_some_and(|at| at <= now);
        let online = self.sched.online();
        let ready: Vec<usize> = online
            .iter()
            .map(CpuId::index)
            .filter(|&cpu| {
                self.world.rung[cpu].get() || due(cpu) || self.sched.current(&mut self.tokens[cpu]).is_some()
            })
            .collect();
        if hotplug && self.leaving.is_none() && self.rng.u8(..) < 4 {
            self.change_a_cpu();
        }
        let Some(&cpu) = ready.get(self.rng.usize(0..ready.len().max(1))) else { return self.leap() };
        self.enter(cpu);
        Ok(())
    }

    /// Every hart sleeps: nobody may be asleep beside work, and only a timer can go on.
    fn leap(&mut self) -> Result<(), Failure> {
        self.nobody_sleeps_beside_work()?;
        match self.world.timer.iter().filter_map(|timer| timer.get()).min() {
            Some(at) => self.world.now.set(self.world.now.get().max(at)),
            // All wait for wakes that no task is left to give: the outside world gives them.
            None => self.wake(0),
        }
        Ok(())
    }

    fn nobody_sleeps_beside_work(&self) -> Result<(), Failure> {
        let online = self.sched.online();
        let victim = online.iter().find(|&cpu| self.sched.queued(cpu) > 0);
        let sleeper = online.iter().find(|&cpu| Some(cpu) != victim);
        match (victim, sleeper) {
            (Some(victim), Some(sleeper)) => {
                Err(Failure::Idle { sleeper: sleeper.index(), victim: victim.index() })
            }
            _ => Ok(()),
        }
    }

    /// A kernel entry of `cpu`: its interrupts, or else what its task does; then what runs next.
    fn enter(&mut self, cpu: usize) {
        let view = self.view(cpu);
        let mut leave = false;
        if self.world.rung[cpu].take() {
            let kinds = self.sched.doorbell(&view, &mut self.tokens[cpu], Seen::Trap, |_, _, call| {
                leave |= call.op == LEAVE;
            });
            let _ = kinds;
        } else if self.world.timer[cpu].get().is_some_and(|at| at <= self.world.now.get()) {
            self.world.timer[cpu].set(None);
            self.sched.timer(&view, &mut self.tokens[cpu]);
        } else if self.sched.current(&mut self.tokens[cpu]).is_some() {
            self.act(cpu);
        }
        if leave {
            self.sched.leave(&view, &mut self.tokens[cpu], |_, _, _| ());
            self.world.rung[cpu].set(false);
            self.leaving = None;
            self.report.offlined += 1;
            return;
        }
        match self.sched.next(&view, &mut self.tokens[cpu]) {
            Next::Same | Next::Run(_) | Next::Idle => {}
        }
    }

    fn act(&mut self, cpu: usize) {
        let acts =
            [Act::Compute, Act::Yield, Act::Sleep, Act::Wait, Act::Wake, Act::Spawn, Act::SetQos, Act::Exit];
        let act =
            if self.ending && self.rng.bool() { Act::Exit } else { acts[self.rng.usize(0..acts.len())] };
        let view = self.view(cpu);
        let deadline = self.world.now.get() + self.rng.u64(1..100_000);
        let key = Key::Address(1, self.rng.u64(0..4) * 4);
        match act {
            Act::Compute => {}
            Act::Yield => self.sched.yield_now(&mut self.tokens[cpu]),
            Act::Sleep => self.sched.sleep(&view, &mut self.tokens[cpu], deadline),
            Act::Wait => {
                let deadline = self.rng.bool().then_some(deadline);
                let changed = self.rng.u8(..) < 32;
                let (Ok(()) | Err(())) = self.sched.wait(&view, &mut self.tokens[cpu], key, deadline, |_| {
                    if changed { Err(()) } else { Ok(()) }
                });
            }
            Act::Wake => self.wake(cpu),
            Act::Spawn if !self.ending => self.spawn(cpu),
            Act::Spawn => {}
            Act::SetQos => {
                let qos = Qos::ALL[self.rng.usize(0..Qos::COUNT)];
                self.sched.set_qos(&mut self.tokens[cpu], qos);
            }
            Act::Exit => self.exit(cpu),
        }
    }

    fn wake(&mut self, cpu: usize) {
        let view = self.view(cpu);
        let count = if self.ending { usize::MAX } else { self.rng.usize(1..4) };
        for key in 0..4 {
            let key = Key::Address(1, key * 4);
            self.sched.wake(&view, &mut self.tokens[cpu], key, count, WakeCause::Signal);
        }
        // A CPU that was woken from outside looks at its queues.
        self.world.rung[cpu].set(true);
    }

    fn exit(&mut self, cpu: usize) {
        let view = self.view(cpu);
        let Some(slot) = self.sched.current(&mut self.tokens[cpu]) else { return };
        let handle = self.sched.tasks.handle(slot);
        self.sched.exit(&view, &mut self.tokens[cpu], 7);
        assert_eq!(self.sched.tasks.reap(handle), Some(7));
        self.report.ended += 1;
    }

    fn change_a_cpu(&mut self) {
        let cpu = self.rng.usize(0..self.tokens.len());
        let online = self.sched.online();
        if cpu == 0 {
            return;
        }
        if online.contains(CpuId::new(cpu)) {
            self.leaving = Some(cpu);
            let only: CpuSet<W> = [CpuId::new(cpu)].into_iter().collect();
            let view = self.view(0);
            let reached = self.sched.call(&view, &self.tokens[0], Call { op: LEAVE, argument: 0 }, &only);
            assert_eq!(reached.len(), 1, "an online CPU is reached");
        } else {
            let view = self.view(cpu);
            self.sched.come_online(&view, &mut self.tokens[cpu]);
            self.enter(cpu);
        }
    }

    fn finish(mut self) -> Result<Report, Failure> {
        self.sched.audit(&mut self.tokens).map_err(Failure::Audit)?;
        let cpus = (0..self.tokens.len()).map(CpuId::new);
        self.report.stolen = cpus.map(|cpu| self.sched.counters(cpu).tasks_stolen.get()).sum();
        Ok(self.report)
    }
}
