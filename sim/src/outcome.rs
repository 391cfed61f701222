//! What a run shows.

use std::fmt;

use crate::digest::Digest;

/// What was found to be wrong, in words a person can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The oracle that noticed.
    pub oracle: &'static str,
    /// The CPU that it concerns: the one that should have done something, or did what it must not.
    pub cpu: usize,
    /// At which kernel entry of the run, from 1.
    pub step: u64,
    /// Virtual time, ns.
    pub time: u64,
    /// What is wrong: which hart, task, request.
    pub words: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oracle {}: {} (step {}, {} ns)", self.oracle, self.words, self.step, self.time)
    }
}

/// What a run did. Numbers count what facts state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Kernel entries.
    pub entries: u64,
    /// Tasks made.
    pub spawned: u64,
    /// Tasks started on a CPU.
    pub dispatches: u64,
    /// Parked tasks made runnable.
    pub wakes: u64,
    /// Of these, by their deadline.
    pub deadlines: u64,
    /// Tasks stolen.
    pub stolen: u64,
    /// Doorbells rung.
    pub rings: u64,
    /// Requests that rode on another's ring.
    pub rode: u64,
    /// CPUs that went offline.
    pub offlined: u64,
    /// Programs ended as a whole.
    pub killed: u64,
    /// Runs in which the plan's fault struck somebody.
    pub struck: u64,
    /// FNV-1a of every fact in its wire form.
    pub digest: Digest,
}

impl Report {
    /// Adds the numbers of another run; digests are mixed in the order of the calls.
    pub fn add(&mut self, other: &Report) {
        self.entries += other.entries;
        self.spawned += other.spawned;
        self.dispatches += other.dispatches;
        self.wakes += other.wakes;
        self.deadlines += other.deadlines;
        self.stolen += other.stolen;
        self.rings += other.rings;
        self.rode += other.rode;
        self.offlined += other.offlined;
        self.killed += other.killed;
        self.struck += other.struck;
        self.digest.number(other.digest.value());
    }
}

/// How a seed ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every oracle was content.
    Green(Report),
    /// The plan's fault struck a CPU, and an oracle that must notice it found that very CPU wanting.
    Noticed(Report, Failure),
    /// Something is wrong that no plan asked for; or a fault went unnoticed.
    Red(Failure),
}
