/// What a task may do when it is its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Compute for some virtual time.
    Compute,
    /// Let others of its class run.
    Yield,
    /// Sleep until a deadline.
    Sleep,
    /// Wait on a word, perhaps with a deadline.
    Wait,
    /// Change a word and wake some of its waiters.
    Wake,
    /// Change a word and wake all of its waiters.
    WakeAll,
    /// Make a task.
    Spawn,
    /// Change its class.
    SetQos,
    /// End.
    Exit,
    /// Wait for another task's end and fetch its value.
    Join,
    /// End its program.
    Kill,
    /// Call all other CPUs and wait for their answers.
    CallAll,
    /// Take a CPU offline, or bring one back.
    Hotplug,
    /// Set a CPU's ceiling.
    Ceiling,
    /// Steal by hand.
    Steal,
    /// Have all CPUs meet for an audit.
    Meet,
}

/// How often each deed is chosen, relative to the others.
pub type Mix = &'static [(Deed, u32)];

/// One family of random programs.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What it is called in reports.
    pub name: &'static str,
    /// Virtual CPUs, 2 to 8.
    pub cpus: usize,
    /// Task slots; a power of two.
    pub tasks: usize,
    /// System calls that tasks make before all are left to end.
    pub calls: u32,
    /// What they do.
    pub mix: Mix,
    /// Schedules explored in a plain run.
    pub schedules: usize,
}

/// A time slice, ns of virtual time.
pub(crate) const SLICE: u64 = 1_000;

/// The longest that a task computes between two looks at its CPU's interrupts, ns.
pub(crate) const STRIDE: u64 = 400;

/// Words that tasks wait on.
pub(crate) const WORDS: usize = 2;

/// Programs, numbered from 0; each can be ended as a whole.
pub(crate) const PROGRAMS: usize = 2;
