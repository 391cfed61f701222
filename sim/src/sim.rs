//! A run: harts take turns by virtual time, each turn one kernel entry, until the workload has ended and nothing moves.

use antler_nucleus::{CpuId, Key, Scheduler};
use antler_sync::HartToken;

use crate::book::{At, CLASSES, Wrong};
use crate::choices::Choices;
use crate::note::Note;
use crate::oracles::check_counts;
use crate::outcome::Report;
use crate::plan::Fault;
use crate::scenario::Scenario;
use crate::waits::Hold;
use crate::world::{NEVER, View, World};

/// What a virtual hart is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Stopped.
    Off,
    /// Firmware starts it.
    Starting,
    /// In WFI, with nothing to run.
    Sleep,
    /// Its task runs.
    User,
    /// In WFI in the kernel, for others.
    Held(Hold),
    /// It will never do anything again, and nobody was told.
    Dead,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Hart {
    pub mode: Mode,
    /// So many times slower than the fastest.
    pub speed: u64,
    /// When its task makes its next system call.
    pub act_at: u64,
    /// Its last entry ends then.
    pub busy_until: u64,
    /// A Call asked it to leave.
    pub leave: bool,
}

/// What the simulator knows of a task's program, by slot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Job {
    /// The child it joins, by raw handle.
    pub joining: Option<u64>,
    /// Its parent joins it, and fetches its value.
    pub joined: bool,
}

pub(crate) struct Sim<'a, const W: usize> {
    pub scenario: Scenario,
    pub world: &'a World,
    pub sched: &'a Scheduler<W>,
    pub tokens: Vec<HartToken>,
    pub harts: Vec<Hart>,
    /// By hart: when it enters the kernel next.
    next_at: Vec<u64>,
    pub choices: Choices,
    pub jobs: Vec<Job>,
    /// Tasks that there should be about.
    pub crowd: u64,
    pub live: u64,
    /// Most tasks are of this class.
    favourite: Option<usize>,
    /// Some CPU comes or goes.
    pub changing: bool,
    pub ending: bool,
    pub programs: u32,
    pub doomed: Vec<u32>,
    pub report: Report,
    dies_at: Option<u64>,
    /// The dead hart, and whether anybody needed it.
    dead: Option<(usize, bool)>,
}

/// Kernel entries between two looks at what should have happened.
const SWEEP: u64 = 16;

/// Kernel entries between two audits of the scheduler's queues.
const AUDIT: u64 = 512;

impl<'a, const W: usize> Sim<'a, W> {
    /// Every hart is stopped, and there is no task. What is drawn here, and all that follows, does not depend on how many
    /// steps the scenario has, up to its last.
    pub(crate) fn new(
        scenario: Scenario,
        world: &'a World,
        sched: &'a Scheduler<W>,
        tokens: Vec<HartToken>,
        speeds: &[u64],
        crowd: u64,
        mut choices: Choices,
    ) -> Self {
        let Scenario { plan, harts, .. } = scenario;
        let hart = |&speed: &u64| Hart { mode: Mode::Off, speed, act_at: NEVER, busy_until: 0, leave: false };
        Sim {
            scenario,
            world,
            sched,
            tokens,
            harts: speeds.iter().map(hart).collect(),
            next_at: vec![NEVER; harts],
            jobs: vec![Job::default(); sched.tasks.capacity()],
            crowd,
            live: 0,
            favourite: choices.once_in(3).then(|| choices.index(CLASSES)),
            changing: false,
            ending: false,
            programs: 1 + choices.below(3) as u32,
            doomed: Vec::new(),
            report: Report::default(),
            dies_at: (plan.fault == Some(Fault::Dead))
                .then(|| choices.within(1, Scenario::usual_steps(harts))),
            dead: None,
            choices,
        }
    }

    pub(crate) fn view(&self, cpu: usize) -> View<'a, W> {
        View { world: self.world, sched: self.sched, cpu }
    }

    pub(crate) fn now(&self) -> u64 {
        self.world.now.get()
    }

    /// Something that the simulator sees for itself must hold.
    pub(crate) fn expect(
        &self,
        cpu: usize,
        holds: bool,
        oracle: &'static str,
        words: impl FnOnce() -> String,
    ) {
        if !holds {
            self.world.watch.borrow_mut().fail(self.world.at(cpu), oracle, Wrong { cpu, words: words() });
        }
    }

    /// Whom the fault struck.
    pub(crate) fn struck(&self) -> Option<usize> {
        self.dead.map(|(cpu, _)| cpu).or_else(|| self.world.wires.borrow().struck)
    }

    /// Whether the fault surely did harm. A hart that died with deadlines may not have been needed: its sleepers can have
    /// been woken by others.
    pub(crate) fn harm(&self) -> bool {
        self.dead.is_none_or(|(_, needed)| needed)
    }

    fn failed(&self) -> bool {
        self.world.watch.borrow().failure.is_some()
    }

    pub(crate) fn all(&mut self) {
        for cpu in 0..self.harts.len() {
            self.harts[cpu].mode = Mode::Starting;
            self.next_at[cpu] = self.choices.below(500);
        }
        self.next_at[0] = 0;
        // An end has a bound: what is left are tasks that exit when they run, and as many entries as get them there.
        let more = 20_000 + 200 * (self.jobs.len() + self.harts.len()) as u64;
        let bound = self.scenario.steps.saturating_add(more);
        while self.report.entries < bound {
            self.ending = self.report.entries >= self.scenario.steps;
            if !self.step() || self.failed() {
                return;
            }
        }
        let live = self.live;
        self.expect(0, false, "end", || format!("{live} tasks are left, and the run does not end"));
    }

    /// One kernel entry, or the outside world's turn when no hart has anything to wait for; false at the end.
    fn step(&mut self) -> bool {
        let next = self.next_at.iter().enumerate().min_by_key(|&(_, at)| *at);
        let (cpu, at) = next.map_or((0, NEVER), |(cpu, &at)| (cpu, at));
        self.world.step.set(self.world.step.get() + 1);
        self.report.entries += 1;
        if at == NEVER {
            return self.rest();
        }
        self.world.now.set(at);
        self.world.cpu.set(cpu);
        self.world.began.set(at);
        if self.scenario.plan.fault.is_some() && self.struck().is_some() {
            // After a fault everything goes wrong in the end: looked at always, what is late first shows first.
            self.world.watch.borrow_mut().sweep(self.world.at(cpu));
            if self.failed() {
                return false;
            }
        }
        if self.dies_at.is_some_and(|step| step <= self.report.entries) && self.is_online(cpu) {
            self.dies_at = None;
            self.die(cpu);
            return true;
        }
        self.enter(cpu);
        self.close(cpu);
        true
    }

    /// The end of an entry: oracles look, and everybody who was rung gets its next turn.
    fn close(&mut self, cpu: usize) {
        let at = self.world.at(cpu);
        let received = self.sched.counters(CpuId::new(cpu)).wakes_received.get();
        let mut watch = self.world.watch.borrow_mut();
        watch.entry(at, received);
        let counts = check_counts(&watch.book, self.sched, cpu);
        let current = self.sched.current(&mut self.tokens[cpu]);
        if watch.failure.is_none() {
            if let Err(wrong) = counts {
                watch.fail(at, "counts", wrong);
            } else if current != watch.book.cpus[cpu].current {
                let words = format!(
                    "cpu{cpu} runs {current:?}, but {:?} was dispatched",
                    watch.book.cpus[cpu].current
                );
                watch.fail(at, "places", at.wrong(words));
            }
        }
        if at.step.is_multiple_of(SWEEP) {
            watch.sweep(At { time: at.began, ..at });
        }
        drop(watch);
        if at.step.is_multiple_of(AUDIT) {
            self.audit(cpu);
        }
        self.harts[cpu].busy_until = at.time + 1;
        self.next_at[cpu] = self.next_of(cpu);
        let touched = std::mem::take(&mut self.world.wires.borrow_mut().touched);
        for target in touched {
            self.next_at[target] = self.next_of(target);
            if let Some((dead, needed)) = &mut self.dead {
                *needed |= *dead == target;
            }
        }
    }

    fn audit(&mut self, cpu: usize) {
        let audit = self.sched.audit(&mut self.tokens);
        self.expect(cpu, audit.is_ok(), "places", || format!("the scheduler's own audit: {audit:?}"));
    }

    /// When a hart enters the kernel next.
    fn next_of(&self, cpu: usize) -> u64 {
        let hart = &self.harts[cpu];
        match hart.mode {
            Mode::Off | Mode::Dead => return NEVER,
            Mode::Starting => return self.next_at[cpu],
            Mode::Sleep | Mode::User | Mode::Held(_) => {}
        }
        let bell = if self.world.pending[cpu].get() { Some(0) } else { self.world.wires.borrow().next(cpu) };
        let interrupt = bell.unwrap_or(NEVER).min(self.world.timer[cpu].get());
        let way = hart.speed * crate::bounds::ENTRY / 2;
        let act = if hart.mode == Mode::User { hart.act_at } else { NEVER };
        interrupt.saturating_add(way).min(act).max(hart.busy_until)
    }

    /// Sets when a hart that firmware starts comes up.
    pub(crate) fn starts_at(&mut self, cpu: usize, at: u64) {
        self.harts[cpu].mode = Mode::Starting;
        self.next_at[cpu] = at;
    }

    fn die(&mut self, cpu: usize) {
        let watch = self.world.watch.borrow();
        let note = &watch.book.cpus[cpu];
        let work = note.current.is_some() || note.queue.iter().any(|queue| !queue.is_empty());
        let needed = work || watch.book.rung.has(cpu);
        self.dead = Some((cpu, needed));
        self.harts[cpu].mode = Mode::Dead;
        self.next_at[cpu] = NEVER;
    }

    /// Nothing moves. Either all is over, or the outside world wakes whoever waits.
    fn rest(&mut self) -> bool {
        // Nobody's last entry is still under way.
        let quiet = self.harts.iter().map(|hart| hart.busy_until).max().unwrap_or(0);
        self.world.now.set(self.now().max(quiet));
        let at = self.world.at(0);
        self.world.watch.borrow_mut().rest(at);
        self.audit(0);
        if self.failed() {
            return false;
        }
        if self.live == 0 {
            return false;
        }
        let waited: Vec<Key> = {
            let watch = self.world.watch.borrow();
            watch
                .book
                .waiters
                .iter()
                .map(|(key, _)| *key)
                .filter(|key| matches!(key, Key::Address(..)))
                .collect()
        };
        self.expect(0, !waited.is_empty(), "end", || {
            "tasks are parked that nothing will ever wake".to_owned()
        });
        // By way of a hart that sleeps: one that died must not come back to life by it.
        let sleeper = self.harts.iter().position(|hart| matches!(hart.mode, Mode::Sleep));
        let died = self.dead.is_some();
        self.expect(0, sleeper.is_some() || died, "end", || {
            "tasks are left, and no hart sleeps that could be told".to_owned()
        });
        let Some(cpu) = sleeper else { return false };
        self.world.cpu.set(cpu);
        self.world.note(cpu, Note::Enter);
        for key in waited {
            self.wake(cpu, key, usize::MAX);
        }
        self.resume(cpu);
        self.close(cpu);
        true
    }

    /// A class; in some runs mostly one and the same, so that long queues come about.
    pub(crate) fn any_class(&mut self) -> usize {
        match self.favourite {
            Some(class) if !self.choices.once_in(6) => class,
            _ => self.choices.index(CLASSES),
        }
    }
}
