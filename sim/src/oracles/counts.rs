//! What the scheduler counts agrees with what it states, and its queues are as long as the book's.

use antler_facts::{Event, Place as Way, WakeCause};
use antler_nucleus::{CpuId, Scheduler};

use crate::book::{Book, Found, Wrong, slot_of};
use crate::outcome::Report;

/// What a CPU's facts add up to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    dispatches: u64,
    sent: u64,
    rings: u64,
    rode: u64,
    seen: u64,
    won: u64,
    stolen: u64,
    idle: u64,
    /// 0 while it is not idle.
    idle_since: u64,
    switches: u64,
    last: Option<usize>,
    online: u64,
    /// 0 while it is offline.
    online_since: u64,
    wakes: u64,
    deadlines: u64,
}

impl Sums {
    /// Adds a fact of this CPU. A push counts when the target took it.
    pub(crate) fn add(&mut self, time: u64, event: &Event, taken: bool) {
        match *event {
            Event::Dispatch { task, .. } => {
                self.dispatches += 1;
                let slot = Some(slot_of(task));
                self.switches += u64::from(self.last != slot);
                self.last = slot;
            }
            Event::Enqueue { place: Way::Inbox, .. } if taken => self.sent += 1,
            Event::Ring { .. } => self.rings += 1,
            Event::Rode { .. } => self.rode += 1,
            Event::Seen { .. } => self.seen += 1,
            Event::Steal { count, .. } => {
                self.won += 1;
                self.stolen += count;
            }
            Event::Wake { cause, .. } => {
                self.wakes += 1;
                self.deadlines += u64::from(cause == WakeCause::Deadline);
            }
            Event::IdleBegin {} => self.idle_since = time,
            Event::IdleEnd { .. } => self.idle += time - std::mem::take(&mut self.idle_since),
            _ => {}
        }
    }

    /// The CPU comes online.
    pub(crate) fn online(&mut self, time: u64) {
        self.online_since = time;
    }

    /// The CPU has left.
    pub(crate) fn offline(&mut self, time: u64) {
        self.online += time - std::mem::take(&mut self.online_since);
    }

    /// Adds them to a run's report.
    pub(crate) fn tell(&self, report: &mut Report) {
        report.wakes += self.wakes;
        report.deadlines += self.deadlines;
        report.stolen += self.stolen;
        report.rings += self.rings;
        report.rode += self.rode;
    }
}

/// Compares a CPU's counters, and its number of stealable tasks, with the book. At the end of an entry. Of steals tried
/// there is only a lower bound: one that finds nothing, because what was announced is gone, states no fact.
pub(crate) fn check<const W: usize>(book: &Book, sched: &Scheduler<W>, cpu: usize) -> Found {
    let (sums, counters) = (&book.cpus[cpu].sums, sched.counters(CpuId::new(cpu)));
    let queued = book.cpus[cpu].free.iter().sum();
    let pairs = [
        ("stealable tasks queued", sched.queued(CpuId::new(cpu)) as u64, queued),
        ("dispatches", counters.dispatches.get(), sums.dispatches),
        ("wakes sent", counters.wakes_sent.get(), sums.sent),
        ("doorbells rung", counters.ipis_sent.get(), sums.rings),
        ("requests that rode", counters.ipis_coalesced.get(), sums.rode),
        ("doorbells seen", counters.ipis_taken.get(), sums.seen),
        ("steals", counters.steals_won.get(), sums.won),
        ("tasks stolen", counters.tasks_stolen.get(), sums.stolen),
        ("idle ns", counters.idle_ns.get(), sums.idle),
        ("as the time since which it is idle", counters.idle_since.get(), sums.idle_since),
        ("switches", counters.switches.get(), sums.switches),
        ("ns of former lives", counters.online_ns.get(), sums.online),
        ("as the time since which it is online", counters.online_since.get(), sums.online_since),
    ];
    match pairs.into_iter().find(|(_, counted, stated)| counted != stated) {
        Some((what, counted, stated)) => {
            Err(Wrong { cpu, words: format!("cpu{cpu} has {counted} {what}, but its facts say {stated}") })
        }
        None if counters.steals_tried.get() < sums.won => {
            Err(Wrong { cpu, words: format!("cpu{cpu} won more steals than it tried") })
        }
        None => Ok(()),
    }
}
