//! Where every task is and what every CPU does, as far as facts and the simulator's own doings tell. Nothing here reads
//! the scheduler's structures but one count: how many tasks a CPU took from its inbox, which no fact states.

use std::collections::VecDeque;

use antler_facts::{Event, Leave, Place as Way, Task, WakeCause};
use antler_nucleus::Key;

use crate::bits::Bits;
use crate::bounds::Bounds;
use crate::note::Note;
use crate::oracles::Sums;

/// Number of classes.
pub(crate) const CLASSES: usize = antler_abi::Qos::COUNT;

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Free,
    /// This CPU has it and must put it somewhere in the same entry.
    Hand(usize),
    Inbox(usize),
    Queue(usize),
    Run(usize),
    Parked,
    Ended,
}

/// A wait, as the simulator asked for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub key: Option<Key>,
    pub deadline: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct TaskNote {
    pub place: Place,
    pub class: usize,
    /// The one CPU that may run it.
    pub pin: Option<usize>,
    pub owner: u32,
    pub name: u64,
    pub wait: Option<Wait>,
    pub timed_out: bool,
    /// Placed by choice of the scheduler when it was made.
    pub anywhere: bool,
    /// It has run since it was made.
    pub ran: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct CpuNote {
    pub online: bool,
    pub current: Option<usize>,
    /// Task and time of its push, oldest first.
    pub inbox: VecDeque<(usize, u64)>,
    /// By class, in the order in which they came.
    pub queue: [VecDeque<usize>; CLASSES],
    /// How many of these may be stolen.
    pub free: [u64; CLASSES],
    pub received: u64,
    pub sums: Sums,
}

/// When and where something happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub step: u64,
    pub time: u64,
    pub cpu: usize,
}

/// Nothing, or what is wrong.
pub(crate) type Found = Result<(), String>;

#[derive(Debug)]
pub(crate) struct Book {
    pub bounds: Bounds,
    pub tasks: Vec<TaskNote>,
    pub cpus: Vec<CpuNote>,
    pub online: Bits,
    /// Told to sleep and not woken since.
    pub asleep: Bits,
    /// Rung and not seen it since.
    pub rung: Bits,
    /// Waiting in the kernel for others.
    pub held: Bits,
    pub ceiling: Vec<usize>,
    /// By class: those that may run it.
    pub may: [Bits; CLASSES],
    /// By class: stealable tasks queued anywhere.
    pub spare: [u64; CLASSES],
    /// Tasks in somebody's hand.
    pub hands: u64,
    pub doomed: Vec<u32>,
    /// By waiting order: who is parked on which key.
    pub waiters: Vec<(Key, VecDeque<usize>)>,
    spawning: Option<(u32, bool, Option<usize>)>,
    parking: Option<Wait>,
}

/// The slot in a task's name.
pub(crate) fn slot_of(task: Task) -> usize {
    (task.0 & 0xffff_ffff) as usize
}

impl Book {
    pub(crate) fn new(cpus: usize, tasks: usize, bounds: Bounds) -> Book {
        let blank = TaskNote {
            place: Place::Free,
            class: 0,
            pin: None,
            owner: 0,
            name: 0,
            wait: None,
            timed_out: false,
            anywhere: false,
            ran: false,
        };
        let mut all = Bits::default();
        (0..cpus).for_each(|cpu| all.set(cpu, true));
        Book {
            bounds,
            tasks: vec![blank; tasks],
            cpus: vec![CpuNote::default(); cpus],
            online: Bits::default(),
            asleep: Bits::default(),
            rung: Bits::default(),
            held: Bits::default(),
            ceiling: vec![CLASSES - 1; cpus],
            may: [all; CLASSES],
            spare: [0; CLASSES],
            hands: 0,
            doomed: Vec::new(),
            waiters: Vec::new(),
            spawning: None,
            parking: None,
        }
    }

    /// A task as people know it.
    pub(crate) fn called(&self, slot: usize) -> String {
        format!("task {} (slot {slot}, {})", self.tasks[slot].name >> 32, class_name(self.tasks[slot].class))
    }

    /// The task that the CPU's queue has first: highest class, longest queued.
    pub(crate) fn first(&self, cpu: usize) -> Option<usize> {
        self.cpus[cpu].queue.iter().rev().find_map(|queue| queue.front().copied())
    }

    pub(crate) fn too_high(&self, cpu: usize, slot: usize) -> bool {
        self.tasks[slot].pin.is_none() && self.tasks[slot].class > self.ceiling[cpu]
    }

    fn queue(&mut self, cpu: usize, slot: usize) {
        let TaskNote { class, pin, .. } = self.tasks[slot];
        self.tasks[slot].place = Place::Queue(cpu);
        self.cpus[cpu].queue[class].push_back(slot);
        if pin.is_none() {
            self.cpus[cpu].free[class] += 1;
            self.spare[class] += 1;
        }
    }

    fn unqueue(&mut self, cpu: usize, slot: usize) {
        let TaskNote { class, pin, .. } = self.tasks[slot];
        self.cpus[cpu].queue[class].retain(|&other| other != slot);
        if pin.is_none() {
            self.cpus[cpu].free[class] -= 1;
            self.spare[class] -= 1;
        }
    }

    fn hand(&mut self, cpu: usize, slot: usize) {
        self.hands += 1;
        self.tasks[slot].place = Place::Hand(cpu);
    }

    fn unhand(&mut self, slot: usize) {
        if matches!(self.tasks[slot].place, Place::Hand(_)) {
            self.hands -= 1;
        }
    }

    /// The CPU has taken so many tasks from its inbox since it was made; returns those that came in since, with the time
    /// of their push.
    pub(crate) fn received(&mut self, cpu: usize, count: u64) -> Result<Vec<(usize, u64)>, String> {
        let mut came = Vec::new();
        while self.cpus[cpu].received < count {
            self.cpus[cpu].received += 1;
            let Some((slot, since)) = self.cpus[cpu].inbox.pop_front() else {
                return Err(format!("cpu{cpu} counts more tasks from its inbox than were put in"));
            };
            self.queue(cpu, slot);
            came.push((slot, since));
        }
        Ok(came)
    }

    fn forget_wait(&mut self, slot: usize) {
        if let Some(Wait { key: Some(key), .. }) = self.tasks[slot].wait.take()
            && let Some((_, list)) = self.waiters.iter_mut().find(|(other, _)| *other == key)
        {
            list.retain(|&other| other != slot);
            if list.is_empty() {
                self.waiters.retain(|(other, _)| *other != key);
            }
        }
    }

    /// Who waits on a key, longest waiting first.
    pub(crate) fn waiting(&self, key: Key) -> impl Iterator<Item = usize> {
        self.waiters.iter().filter(move |(other, _)| *other == key).flat_map(|(_, list)| list.iter().copied())
    }

    /// Follows a fact that the oracles found possible.
    pub(crate) fn follow(&mut self, at: At, event: &Event) {
        let me = at.cpu;
        let taken =
            matches!(*event, Event::Enqueue { target, .. } if self.cpus[usize::from(target.0)].online);
        self.cpus[me].sums.add(at.time, event, taken);
        match *event {
            Event::Spawned { task, class, .. } => {
                let slot = slot_of(task);
                let (owner, anywhere, pin) = self.spawning.take().unwrap_or_default();
                self.hand(me, slot);
                let note = &mut self.tasks[slot];
                (note.name, note.class, note.owner) = (task.0, class.index(), owner);
                (note.pin, note.anywhere) = (pin, anywhere);
                (note.timed_out, note.ran) = (false, false);
            }
            Event::Enqueue { task, target, place } => {
                let (slot, target) = (slot_of(task), usize::from(target.0));
                if let Place::Queue(cpu) = self.tasks[slot].place {
                    self.unqueue(cpu, slot);
                    self.hand(me, slot);
                }
                if place == Way::Inbox && !self.cpus[target].online {
                    // It comes back, and goes on to another.
                    return;
                }
                self.unhand(slot);
                if self.tasks[slot].pin.is_some() {
                    self.tasks[slot].pin = Some(target);
                }
                match place {
                    Way::Local => self.queue(target, slot),
                    Way::Inbox => {
                        self.tasks[slot].place = Place::Inbox(target);
                        self.cpus[target].inbox.push_back((slot, at.time));
                    }
                }
            }
            Event::Dispatch { task, .. } => {
                let slot = slot_of(task);
                self.unqueue(me, slot);
                self.tasks[slot].place = Place::Run(me);
                self.tasks[slot].ran = true;
                self.cpus[me].current = Some(slot);
            }
            Event::Leave { task, why } => {
                let slot = slot_of(task);
                self.cpus[me].current = None;
                match why {
                    Leave::Block => {
                        self.tasks[slot].place = Place::Parked;
                        let wait = self.parking.take();
                        self.tasks[slot].wait = wait;
                        if let Some(Wait { key: Some(key), .. }) = wait {
                            match self.waiters.iter_mut().find(|(other, _)| *other == key) {
                                Some((_, list)) => list.push_back(slot),
                                None => self.waiters.push((key, VecDeque::from([slot]))),
                            }
                        }
                    }
                    Leave::Exit => self.tasks[slot].place = Place::Ended,
                    Leave::Offline => self.queue(me, slot),
                    Leave::Yield | Leave::Preempt => self.hand(me, slot),
                }
            }
            Event::Wake { task, .. } => {
                let slot = slot_of(task);
                self.forget_wait(slot);
                self.tasks[slot].timed_out = false;
                self.hand(me, slot);
            }
            Event::Stolen { task, victim } => {
                let slot = slot_of(task);
                self.unqueue(usize::from(victim.0), slot);
                self.queue(me, slot);
            }
            Event::Evicted { task, to } => {
                let slot = slot_of(task);
                match self.tasks[slot].place {
                    // It was still in the inbox when that closed.
                    Place::Inbox(_) => self.cpus[me].inbox.retain(|&(other, _)| other != slot),
                    _ => self.unqueue(me, slot),
                }
                self.hand(me, slot);
                if self.tasks[slot].pin.is_some() {
                    self.tasks[slot].pin = Some(usize::from(to.0));
                }
            }
            Event::Rehome { task, to } if self.tasks[slot_of(task)].pin.is_some() => {
                self.tasks[slot_of(task)].pin = Some(usize::from(to.0));
            }
            Event::Ring { target, .. } => self.rung.set(usize::from(target.0), true),
            Event::Seen { .. } => self.rung.set(me, false),
            _ => {}
        }
    }

    /// Follows what the simulator did.
    pub(crate) fn heed(&mut self, at: At, note: &Note) {
        let me = at.cpu;
        match *note {
            Note::Enter => self.asleep.set(me, false),
            Note::Sleep => self.asleep.set(me, true),
            Note::Held(held) => self.held.set(me, held),
            Note::Online => {
                self.cpus[me].online = true;
                self.online.set(me, true);
                self.rung.set(me, false);
            }
            Note::Offline => {
                self.cpus[me].online = false;
                self.online.set(me, false);
                self.rung.set(me, false);
            }
            Note::Spawn { owner, anywhere, pin } => self.spawning = Some((owner, anywhere, pin)),
            Note::Park { key, deadline } => self.parking = Some(Wait { key, deadline }),
            Note::Unpark => self.parking = None,
            Note::Class(class) => {
                if let Some(slot) = self.cpus[me].current {
                    self.tasks[slot].class = class;
                }
            }
            Note::Ceiling { cpu, class } => {
                self.ceiling[cpu] = class;
                self.may.iter_mut().enumerate().for_each(|(c, may)| may.set(cpu, c <= class));
            }
            Note::TimedOut { slot } => self.tasks[slot].timed_out = true,
            Note::Doom { owner } => self.doomed.push(owner),
            Note::Reaped { slot } => self.tasks[slot].place = Place::Free,
            _ => {}
        }
    }

    /// Tasks that are neither free nor ended.
    pub(crate) fn live(&self) -> impl Iterator<Item = usize> {
        let lives = |slot: &usize| !matches!(self.tasks[*slot].place, Place::Free | Place::Ended);
        (0..self.tasks.len()).filter(lives)
    }

    /// Whether the wait ended by what the cause says; for oracles' words.
    pub(crate) const fn cause_name(cause: WakeCause) -> &'static str {
        match cause {
            WakeCause::Signal => "a signal",
            WakeCause::Deadline => "its deadline",
            WakeCause::Join => "the end of the joined thread",
            WakeCause::Kill => "the end of its program",
        }
    }
}

/// The name of the class at `index`.
pub(crate) fn class_name(index: usize) -> &'static str {
    antler_abi::Qos::from_index(index).map_or("no class", antler_abi::Qos::name)
}
