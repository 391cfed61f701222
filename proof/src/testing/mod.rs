//! Synthetic runs for the judge's own tests: a good one, told step by step, and the means to forge it.

mod base;
mod chain;
mod contract;
mod doorbells;
mod edges;
mod effects;
mod entries;
mod evidence;
mod forge;
mod forged;
mod forged_smp;
mod good;
mod holes;
mod holes_more;
mod junit;
mod kernel;
mod lives;
mod online;
mod order;
mod recorded;
mod refused;
mod returns;
mod rules;
mod small;
mod stealing;
mod steals;
mod stop;
mod timers;
mod user_mode;
mod whole;

use std::collections::BTreeMap;

use antler_abi::{Error, Qos, Syscall};
use antler_facts::{Cpu, Event, Fact, IdleEnd, Leave, Marker, Place, Request, Seen, Task};

use crate::case::Case;
use crate::claims::State;
use crate::markers;
use crate::verdict::{Verdict, judge};

const SOFTWARE_INTERRUPT: u64 = 1 << 63 | 1;
const TIMER_INTERRUPT: u64 = 1 << 63 | 5;

/// A run being told: every statement is one fact, 100 ns after the one before.
#[derive(Clone, Default)]
struct Script {
    facts: Vec<Fact>,
    now: u64,
    requests: BTreeMap<(u16, u16), u64>,
    tasks: u64,
    space: BTreeMap<Task, u64>,
    idle: BTreeMap<u16, bool>,
}

impl Script {
    fn say(&mut self, cpu: u16, event: Event) {
        self.now += 100;
        self.facts.push(Fact { seq: 0, cpu: Cpu(cpu), time: self.now, event });
    }

    /// The task, on cpu0, has a self-test's line printed.
    fn marker(&mut self, main: Task, marker: Marker) {
        self.call(0, main, Syscall::Probe);
        self.say(0, Event::Marker { marker });
    }

    fn spawn(&mut self, cpu: u16, parent: Task, class: Qos) -> Task {
        if parent != Task(0) {
            self.call(cpu, parent, Syscall::Spawn);
        }
        self.tasks += 1;
        let task = Task(1 << 32 | self.tasks);
        let space = self.space.get(&parent).copied().unwrap_or(8 << 60 | self.tasks);
        self.space.insert(task, space);
        self.say(cpu, Event::Spawned { task, parent, class });
        task
    }

    fn call(&mut self, cpu: u16, task: Task, call: Syscall) {
        self.say(cpu, Event::TrapUser { cause: 8, task });
        self.say(cpu, Event::Syscall { number: call.number() as u64, task });
    }

    fn dispatch(&mut self, cpu: u16, task: Task, class: Qos) {
        if self.idle.insert(cpu, false) == Some(true) {
            self.say(cpu, Event::IdleEnd { why: IdleEnd::Work });
        }
        let satp = self.space[&task];
        self.say(cpu, Event::Dispatch { task, class, satp });
    }

    fn leave(&mut self, cpu: u16, task: Task, why: Leave) {
        self.say(cpu, Event::Leave { task, why });
    }

    fn rest(&mut self, cpu: u16) {
        self.idle.insert(cpu, true);
        self.say(cpu, Event::IdleBegin {});
    }

    fn exit(&mut self, cpu: u16, task: Task) {
        self.call(cpu, task, Syscall::ThreadExit);
        self.leave(cpu, task, Leave::Exit);
        self.say(cpu, Event::Exit { task, value: 0 });
    }

    fn local(&mut self, cpu: u16, task: Task) {
        self.say(cpu, Event::Enqueue { task, target: Cpu(cpu), place: Place::Local });
    }

    /// Posts a request without a doorbell; its number.
    fn post(&mut self, from: u16, to: u16, what: Request) -> u64 {
        let n = self.requests.entry((from, to)).or_default();
        *n += 1;
        let n = *n;
        self.say(from, Event::Request { target: Cpu(to), n, what });
        n
    }

    /// Asks an idle CPU for something, rings, and lets it answer out of WFI.
    fn rouse(&mut self, from: u16, to: u16, what: Request) {
        let n = self.post(from, to, what);
        self.say(from, Event::Ring { target: Cpu(to), n });
        self.say(to, Event::Seen { at: Seen::Wfi });
        self.say(to, Event::Ack { sender: Cpu(from), n });
    }

    /// Calls a CPU that sleeps, which answers; the caller, waiting in WFI, gets the reply.
    fn called(&mut self, from: u16, to: u16) {
        self.rouse(from, to, Request::Call);
        self.rouse(to, from, Request::Reply);
    }

    /// The timer ends the task's slice, and it goes back to its queue.
    fn slice(&mut self, cpu: u16, task: Task) {
        let deadline = self.now;
        self.say(cpu, Event::TrapUser { cause: TIMER_INTERRUPT, task });
        self.say(cpu, Event::Timer { deadline });
        self.leave(cpu, task, Leave::Preempt);
        self.local(cpu, task);
    }

    /// The task makes a call and is refused.
    fn refused(&mut self, task: Task, number: u64, error: Error, argument: u64) {
        self.say(0, Event::TrapUser { cause: 8, task });
        self.say(0, Event::Syscall { number, task });
        self.say(0, Event::Refused { number, error, argument });
    }

    /// Puts a task on a CPU: its own, or an idle one.
    fn place(&mut self, from: u16, task: Task, to: u16) {
        if from == to {
            return self.local(from, task);
        }
        self.say(from, Event::Enqueue { task, target: Cpu(to), place: Place::Inbox });
        self.rouse(from, to, Request::Resched);
    }

    fn trapped(&mut self, cpu: u16, running: Task, sender: u16, n: u64) {
        self.say(cpu, Event::TrapUser { cause: SOFTWARE_INTERRUPT, task: running });
        self.say(cpu, Event::Seen { at: Seen::Trap });
        self.say(cpu, Event::Ack { sender: Cpu(sender), n });
    }

    fn steal(&mut self, thief: u16, victim: u16, class: Qos, tasks: &[Task]) {
        self.say(thief, Event::Steal { victim: Cpu(victim), count: tasks.len() as u64, class });
        for &task in tasks {
            self.say(thief, Event::Stolen { task, victim: Cpu(victim) });
        }
    }

    /// The facts in bytes, numbered per CPU.
    fn bytes(&self) -> Vec<u8> {
        let mut next: BTreeMap<Cpu, u32> = BTreeMap::new();
        let mut bytes = Vec::new();
        for fact in &self.facts {
            let seq = next.entry(fact.cpu).or_default();
            bytes.extend(Fact { seq: *seq, ..*fact }.encode());
            *seq += 1;
        }
        bytes
    }

    fn verdict(&self, cpus: u16) -> Verdict {
        judge(console(cpus).as_bytes(), &self.bytes(), &Case::new(cpus))
    }

    /// The name of every red claim.
    fn red(&self, cpus: u16) -> Vec<&'static str> {
        let claims = self.verdict(cpus).claims;
        claims.into_iter().filter(|claim| claim.state == State::Red).map(|claim| claim.name).collect()
    }

    /// Position of the first fact after the marker that satisfies `pick`.
    fn find(&self, after: Option<Marker>, pick: impl Fn(&Fact) -> bool) -> usize {
        let start = after.map_or(0, |marker| {
            self.facts.iter().position(|f| f.event == Event::Marker { marker }).expect("a marker of the run")
                + 1
        });
        start + self.facts[start..].iter().position(pick).expect("a fact of the run")
    }
}

fn console(cpus: u16) -> String {
    let lines = markers::expected(cpus).into_iter().map(|line| line.text + "\r\n");
    lines.chain(["KINIT: console: UART; doorbells: SBI IPI; timers: Sstc\r\n".to_owned()]).collect()
}
