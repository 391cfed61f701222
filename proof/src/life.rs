//! What became of each task, read from the facts of all CPUs: a state machine per task.
//!
//! ```text
//! Spawned -> Made -Enqueue-> Queued -Dispatch-> Running -Leave-> Left    -Enqueue-> Queued ...
//!                              | ^                  |            Parked  -Wake-> Woken -Enqueue-> Queued ...
//!                              Stolen               +---Leave(Exit)---Exit---> Ended
//! ```
//! `Evicted` takes a task out of the queue of a CPU that leaves (`Left`). A killed task is run once more, and ends there.

use std::collections::BTreeMap;

use antler_abi::{Qos, Syscall};
use antler_facts::{Cpu, Event, Fact, Leave, Task};

use crate::trace::{Flaw, Trace, Window};
use crate::words::task_name;

/// Where a task is between two facts about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unborn,
    /// By that CPU, which is to queue it.
    Made(Cpu),
    Queued(Cpu),
    /// Stolen by that CPU: dispatched there, or queued there once more.
    Held(Cpu),
    Running(Cpu),
    Left(Cpu),
    Parked,
    /// By that CPU, which is to queue it.
    Woken(Cpu),
    /// `Leave(Exit)` was stated; its `Exit` is to come.
    Gone(Cpu),
    Ended,
}

/// A task was in one CPU's queue, or on one CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// Which CPU's.
    pub cpu: Cpu,
    /// From when to when; to the end of time if it never ended.
    pub span: Window,
    /// Class at that time, as far as facts tell.
    pub class: Qos,
    /// The fact with which it began.
    pub begin: Fact,
    /// The fact with which it ended, if it did.
    pub end: Option<Fact>,
}

/// One task's life.
#[derive(Clone, Debug)]
pub struct Life {
    /// The thread that made it; 0 for a program's first thread.
    pub parent: Task,
    /// Where and when it was made.
    pub spawned: Option<(Cpu, u64)>,
    /// Every stay in a queue.
    pub queued: Vec<Stay>,
    /// Every stay on a CPU.
    pub ran: Vec<Stay>,
    /// When its end was stated.
    pub exit: Option<u64>,
    /// Every fact that moves it, in order.
    pub steps: Vec<Fact>,
    state: State,
    class: Qos,
    /// It asked for another class since it was dispatched last.
    reclassed: bool,
}

/// All tasks' lives and everything about them that cannot be.
#[derive(Clone, Debug, Default)]
pub struct Lives {
    tasks: BTreeMap<Task, Life>,
    /// Of each task, the first thread of its program.
    firsts: BTreeMap<Task, Task>,
    flaws: Vec<Flaw>,
}

impl Lives {
    /// One task's life.
    pub fn get(&self, task: Task) -> Option<&Life> {
        self.tasks.get(&task)
    }

    /// Every task, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Task, &Life)> + '_ {
        self.tasks.iter().map(|(task, life)| (*task, life))
    }

    /// The first thread of a task's program; the task itself if nobody is known to have made it.
    pub fn first_of(&self, task: Task) -> Task {
        self.firsts.get(&task).copied().unwrap_or(task)
    }

    /// Steps that no task can take.
    pub fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// Tasks in `cpu`'s queue at `time` whose class satisfies `class`.
    pub fn queued_at(&self, cpu: Cpu, time: u64, class: impl Fn(Qos) -> bool) -> impl Iterator<Item = &Stay> {
        let here = move |stay: &&Stay| stay.cpu == cpu && stay.span.has(time) && class(stay.class);
        self.tasks.values().filter_map(move |life| life.queued.iter().rev().find(&here))
    }
}

impl Life {
    fn new() -> Life {
        Life {
            parent: Task(0),
            spawned: None,
            queued: Vec::new(),
            ran: Vec::new(),
            exit: None,
            steps: Vec::new(),
            state: State::Unborn,
            class: Qos::Normal,
            reclassed: false,
        }
    }

    /// The last fact about it.
    pub fn last(&self) -> Option<&Fact> {
        self.steps.last()
    }

    /// Whether the task ended and left its CPU.
    pub fn ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Where it is, in words.
    pub fn place(&self) -> String {
        match self.state {
            State::Unborn => "never made".into(),
            State::Made(cpu) => format!("made by cpu{}, never queued", cpu.0),
            State::Queued(cpu) => format!("in cpu{}'s queue", cpu.0),
            State::Held(cpu) => format!("stolen by cpu{}", cpu.0),
            State::Running(cpu) => format!("running on cpu{}", cpu.0),
            State::Left(cpu) => format!("off cpu{}, in no queue", cpu.0),
            State::Parked => "waiting".into(),
            State::Woken(cpu) => format!("woken by cpu{}, in no queue", cpu.0),
            State::Gone(cpu) => format!("off cpu{} for good, its end not stated", cpu.0),
            State::Ended => "ended".into(),
        }
    }

    fn close(&mut self, fact: &Fact) {
        for stay in self.queued.last_mut().into_iter().chain(self.ran.last_mut()) {
            if stay.end.is_none() {
                stay.end = Some(*fact);
                stay.span.to = fact.time;
            }
        }
    }

    /// Takes the step, legal or not, so that one error is reported once.
    fn take(&mut self, fact: &Fact) {
        let cpu = fact.cpu;
        let stay = |cpu, class| {
            let span = Window { from: fact.time, to: u64::MAX };
            Stay { cpu, span, class, begin: *fact, end: None }
        };
        self.steps.push(*fact);
        self.state = match fact.event {
            Event::Spawned { parent, class, .. } => {
                (self.parent, self.class, self.spawned) = (parent, class, Some((cpu, fact.time)));
                State::Made(cpu)
            }
            Event::Enqueue { target, .. } => {
                self.close(fact);
                self.queued.push(stay(target, self.class));
                State::Queued(target)
            }
            Event::Stolen { .. } => {
                self.close(fact);
                self.queued.push(stay(cpu, self.class));
                State::Held(cpu)
            }
            Event::Evicted { .. } => {
                self.close(fact);
                State::Left(cpu)
            }
            Event::Dispatch { class, .. } => {
                self.close(fact);
                (self.class, self.reclassed) = (class, false);
                // The class it is dispatched with is the one it was queued with.
                if let Some(stay) = self.queued.last_mut() {
                    stay.class = class;
                }
                self.ran.push(stay(cpu, class));
                State::Running(cpu)
            }
            Event::Leave { why, .. } => {
                self.close(fact);
                match why {
                    Leave::Block => State::Parked,
                    Leave::Exit => State::Gone(cpu),
                    Leave::Yield | Leave::Preempt | Leave::Offline => State::Left(cpu),
                }
            }
            Event::Wake { .. } => State::Woken(cpu),
            Event::Exit { .. } => {
                self.exit = self.exit.or(Some(fact.time));
                self.close(fact);
                State::Ended
            }
            Event::Syscall { .. } => {
                self.reclassed = true;
                self.state
            }
            _ => self.state,
        };
    }
}

/// Whether a task in that state can take the step that the fact states.
fn legal(state: State, fact: &Fact, leaving: impl Fn(Cpu, u64) -> bool) -> bool {
    use State::*;
    let by = fact.cpu;
    match fact.event {
        Event::Spawned { .. } => state == Unborn,
        Event::Enqueue { target, .. } => match state {
            Made(cpu) | Woken(cpu) | Left(cpu) | Held(cpu) => cpu == by,
            // The owner hands on what it may not run; a push that met a closed inbox goes to the task's new home.
            Queued(cpu) => target != cpu && (by == cpu || leaving(cpu, fact.time)),
            _ => false,
        },
        Event::Dispatch { .. } => state == Queued(by) || state == Held(by),
        Event::Stolen { victim, .. } => (state == Queued(victim) || state == Held(victim)) && victim != by,
        Event::Evicted { to, .. } => [Queued(by), Held(by), Left(by)].contains(&state) && to != by,
        Event::Leave { .. } => state == Running(by),
        Event::Wake { .. } => state == Parked,
        Event::Exit { .. } => state == Gone(by),
        _ => true,
    }
}

/// The task that a fact moves, if it moves one.
fn subject(event: &Event) -> Option<Task> {
    match *event {
        Event::Spawned { task, .. }
        | Event::Enqueue { task, .. }
        | Event::Dispatch { task, .. }
        | Event::Leave { task, .. }
        | Event::Wake { task, .. }
        | Event::Exit { task, .. }
        | Event::Stolen { task, .. }
        | Event::Evicted { task, .. } => Some(task),
        // The one call that changes the class under which it is dispatched next.
        Event::Syscall { number, task } if number == Syscall::SetQos.number() as u64 => Some(task),
        _ => None,
    }
}

/// Follows every task through the facts.
pub(crate) fn trace(trace: &Trace) -> Lives {
    let mut steps: BTreeMap<Task, BTreeMap<Cpu, Vec<&Fact>>> = BTreeMap::new();
    for cpu in trace.cpus() {
        let facts = trace.of(cpu);
        for (at, fact) in facts.iter().enumerate() {
            // A call that is refused asks for nothing.
            let refused = matches!(fact.event, Event::Syscall { .. })
                && matches!(facts.get(at + 1), Some(Fact { event: Event::Refused { .. }, .. }));
            if let Some(task) = subject(&fact.event).filter(|_| !refused) {
                steps.entry(task).or_default().entry(cpu).or_default().push(fact);
            }
        }
    }
    // From when it began to leave until it is online again.
    let leaves = |cpu: Cpu| -> Vec<Window> {
        let spans = trace.away(cpu).into_iter().zip(trace.offline(cpu));
        spans.map(|(away, offline)| Window { from: away.from, to: offline.to }).collect()
    };
    let spans: BTreeMap<Cpu, Vec<Window>> = trace.cpus().map(|cpu| (cpu, leaves(cpu))).collect();
    let leaving = |cpu: Cpu, time: u64| spans.get(&cpu).is_some_and(|s| s.iter().any(|span| span.has(time)));
    let mut lives = Lives::default();
    for (task, by_cpu) in steps {
        let life = follow(task, by_cpu, leaving, &mut lives.flaws);
        lives.tasks.insert(task, life);
    }
    let made = |life: &Life| life.spawned.map_or(0, |(_, at)| at);
    let mut parents: Vec<(u64, Task, Task)> =
        lives.iter().map(|(task, life)| (made(life), task, life.parent)).collect();
    parents.sort_by_key(|(at, ..)| *at);
    for (_, task, parent) in parents {
        let first = lives.firsts.get(&parent).copied().unwrap_or(task);
        lives.firsts.insert(task, first);
    }
    lives
}

/// Merges one task's facts by time. Equal times on two CPUs have no order, so of those a legal step goes first.
fn follow(
    task: Task,
    by_cpu: BTreeMap<Cpu, Vec<&Fact>>,
    leaving: impl Fn(Cpu, u64) -> bool,
    flaws: &mut Vec<Flaw>,
) -> Life {
    let mut life = Life::new();
    let mut heads: Vec<_> = by_cpu.into_values().map(|facts| facts.into_iter().peekable()).collect();
    loop {
        let Some(time) = heads.iter_mut().filter_map(|head| head.peek().map(|fact| fact.time)).min() else {
            return life;
        };
        let state = life.state;
        let mut chosen = None;
        for (index, head) in heads.iter_mut().enumerate() {
            let Some(fact) = head.peek().filter(|fact| fact.time == time) else { continue };
            let fits = legal(state, fact, &leaving);
            if fits || chosen.is_none() {
                chosen = Some((index, fits));
            }
            if fits {
                break;
            }
        }
        let Some((fact, fits)) = chosen.and_then(|(index, fits)| Some((heads[index].next()?, fits))) else {
            return life;
        };
        let mut say = |what: String| {
            flaws.push(Flaw { what, facts: life.last().into_iter().chain([fact]).copied().collect() });
        };
        if !fits {
            say(format!(
                "{}: cpu{} states {} at {} ns, but the task was {}",
                task_name(task),
                fact.cpu.0,
                fact.event.kind().name(),
                fact.time,
                life.place()
            ));
        }
        if let Event::Dispatch { class, .. } = fact.event
            && class != life.class
            && !life.reclassed
        {
            say(format!(
                "{}: cpu{} runs it in class {class} at {} ns; it was {}, and never asked for another",
                task_name(task),
                fact.cpu.0,
                fact.time,
                life.class
            ));
        }
        life.take(fact);
    }
}
