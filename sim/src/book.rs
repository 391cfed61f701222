//! Where every task is and what every CPU does, as far as facts and the simulator's own doings tell. Nothing here reads
//! the scheduler's structures but one count: how many tasks a CPU took from its inbox, which no fact states.

mod choose;
mod dues;
mod follow;

use std::collections::VecDeque;

use antler_facts::{Task, WakeCause};
use antler_nucleus::Key;

use crate::bits::Bits;
use crate::bounds::Bounds;
use crate::oracles::Sums;

pub(crate) use dues::{Keeper, Mail};

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
    /// Where it ran last, or is to run first.
    pub home: usize,
    /// Who keeps its deadline, while it is parked with one.
    pub keeper: Option<Keeper>,
    /// A CPU that was left its deadline and may not have looked at it yet.
    pub linked: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct CpuNote {
    pub online: bool,
    pub current: Option<usize>,
    /// Oldest first.
    pub inbox: VecDeque<Mail>,
    /// By class, in the order in which they came.
    pub queue: [VecDeque<usize>; CLASSES],
    /// How many of these may be stolen.
    pub free: [u64; CLASSES],
    pub received: u64,
    /// When it was rung last.
    pub rung_at: u64,
    /// When it last began to wait in the kernel for others.
    pub held_at: u64,
    pub sums: Sums,
}

/// When and where something happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub step: u64,
    pub time: u64,
    /// When the entry under way began. No hart is behind that, while others may be behind the end of this entry.
    pub began: u64,
    pub cpu: usize,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The CPU whose doing, or not doing, it is.
    pub cpu: usize,
    pub words: String,
}

impl At {
    /// Something wrong with what this CPU does.
    pub(crate) const fn wrong(self, words: String) -> Wrong {
        Wrong { cpu: self.cpu, words }
    }
}

/// Nothing, or what is wrong.
pub(crate) type Found = Result<(), Wrong>;

#[derive(Debug)]
pub(crate) struct Book {
    pub bounds: Bounds,
    pub tasks: Vec<TaskNote>,
    pub cpus: Vec<CpuNote>,
    pub online: Bits,
    /// Online, and not about to leave.
    pub placeable: Bits,
    /// Offer to be claimed for work: they sleep, and nobody has claimed them since they looked last.
    pub offers: Bits,
    /// Of these, those that were rung in a way that may have been a claim.
    pub unsure: Bits,
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
    /// The CPU under way decides what it does next.
    pub deciding: bool,
    /// The CPU into whose inbox the fact before put a task.
    pub pushed: Option<usize>,
    /// The CPU that inherits the deadlines of the one that leaves, until it was rung for them.
    bequest: Option<usize>,
    spawning: Option<(u32, Option<usize>)>,
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
            home: 0,
            keeper: None,
            linked: None,
        };
        let mut all = Bits::default();
        (0..cpus).for_each(|cpu| all.set(cpu, true));
        Book {
            bounds,
            tasks: vec![blank; tasks],
            cpus: vec![CpuNote::default(); cpus],
            online: Bits::default(),
            placeable: Bits::default(),
            offers: Bits::default(),
            unsure: Bits::default(),
            asleep: Bits::default(),
            rung: Bits::default(),
            held: Bits::default(),
            ceiling: vec![CLASSES - 1; cpus],
            may: [all; CLASSES],
            spare: [0; CLASSES],
            hands: 0,
            doomed: Vec::new(),
            waiters: Vec::new(),
            deciding: false,
            pushed: None,
            bequest: None,
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

    /// The CPU has taken so many tasks from its inbox since it was made; returns those that came in since.
    pub(crate) fn received(&mut self, cpu: usize, count: u64) -> Result<Vec<Mail>, String> {
        if count < self.cpus[cpu].received {
            return Err(format!("cpu{cpu} counts fewer tasks from its inbox than before"));
        }
        let mut came = Vec::new();
        while self.cpus[cpu].received < count {
            self.cpus[cpu].received += 1;
            let Some(mail) = self.cpus[cpu].inbox.pop_front() else {
                return Err(format!("cpu{cpu} counts more tasks from its inbox than were put in"));
            };
            self.queue(cpu, mail.slot);
            came.push(mail);
        }
        Ok(came)
    }

    fn forget_wait(&mut self, slot: usize) {
        self.tasks[slot].keeper = None;
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
