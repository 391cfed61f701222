//! What a kernel built with the feature `faults` can be told to do wrong, by the boot argument `fault=NAME[@cpuN]`, so
//! that the proofs are seen to fail. In every other build [`commits`] is `false` for the compiler too, and nothing is
//! left of the places that ask.

#[cfg(feature = "faults")]
mod chosen;
#[cfg(feature = "faults")]
mod defer;
#[cfg(feature = "faults")]
mod late;
#[cfg(feature = "faults")]
mod words;

/// An error in the kernel's own part; those of the scheduler are [`antler_nucleus::Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A doorbell is not rung, though firmware is said to have taken it.
    IpiDropped,
    /// The mailbox is read at every system call, doorbell or not.
    MailReadEarly,
    /// A doorbell is not rung, and a tick finds what it was for.
    TickInstead,
    /// All harts trap onto the stack of cpu0.
    StacksShared,
    /// A hart comes online and then sleeps for good.
    SecondaryIdle,
    /// The boot CPU says that a hart is online and does not start it.
    OnlineByStarter,
    /// CPUs are numbered against the order of hart ids.
    HartsMisnumbered,
    /// Setting a ceiling has no effect.
    CeilingIgnored,
    /// The page table stays that of the task before.
    SatpStale,
    /// What a hart knows of a page is not forgotten when it leaves the page's address space.
    SeenKeptOnLeave,
    /// What a hart knows of a page is not forgotten when something was unmapped.
    SeenKeptOnUnmap,
    /// The registers of a preempted task are not in its frame when another CPU takes it.
    #[cfg(feature = "faults")]
    FrameLate,
    /// Floating-point registers are not brought to memory.
    FpUnsaved,
    /// A task that has not used floating point finds what the hart's registers hold.
    FpLeaked,
    /// A leaving CPU says that it stops its hart, and does not.
    HartNotStopped,
    /// A CPU that is asked to stop goes on.
    StopIgnored,
    /// A CPU number that names none is taken for cpu0.
    TargetUnchecked,
    /// A request to an offline CPU is said to be sent.
    OfflineAccepted,
    /// A bad pointer is not refused.
    PointerUnchecked,
    /// A program that commits a fault is not ended.
    WildLives,
    /// A system call is answered and not made.
    CallSwallowed,
    /// A call that takes a right is answered for a program that has it not.
    RightIgnored,
    /// A number that stands for no system call is answered.
    AnyCallAccepted,
    /// The boot marker's line is printed without its fact.
    BootUnstated,
    /// A trap is put down to another task.
    TrapMisattributed,
    /// A doorbell is put off to a timer interrupt, which comes at once and finds what it was for.
    #[cfg(feature = "faults")]
    DoorbellByTimer,
    /// A target is refused, and another CPU is rung for it.
    RefusedRings,
    /// A task that is taken off its CPU against its will is said to have yielded.
    #[cfg(feature = "faults")]
    PreemptMisstated,
    /// That a call was refused for a bad pointer or handle is not stated.
    #[cfg(feature = "faults")]
    RefusalUnsaid,
    /// A task is said to wait longer than it does.
    #[cfg(feature = "faults")]
    DeadlineMisstated,
    /// A fact is lost after it was counted.
    FactLost,
    /// A dispatch is not stated.
    #[cfg(feature = "faults")]
    DispatchUnsaid,
    /// A marker's line is printed twice.
    MarkerTwice,
    /// A marker's line is printed without its fact.
    MarkerUnbacked,
    /// A marker's fact is stated without its line.
    MarkerSilent,
    /// The machine ends with another exit code than it states.
    ExitLies,
}

#[cfg(feature = "faults")]
pub(crate) use chosen::{commits, demand, meddles, reached, scheduler_commits, take, told};
#[cfg(feature = "faults")]
pub(crate) use defer::defer;
#[cfg(feature = "faults")]
pub(crate) use late::{complete, leave_incomplete, remember};
#[cfg(feature = "faults")]
pub(crate) use words::misstate;

/// Whether this CPU is to do this wrong, here and now.
#[cfg(not(feature = "faults"))]
pub(crate) const fn commits(_: Fault) -> bool {
    false
}

/// Whether what this kernel was told to do wrong is done where every call is handled from the start: then none is answered in
/// a shorter way.
#[cfg(not(feature = "faults"))]
pub(crate) const fn meddles() -> bool {
    false
}
