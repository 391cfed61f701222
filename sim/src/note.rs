use antler_nucleus::{Key, Placement};

/// What the simulator itself knows beside facts: what it asked the scheduler for, and what it was told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    /// The CPU enters the kernel.
    Enter,
    /// The CPU was told to sleep.
    Sleep,
    /// The CPU looked at all it has: after a doorbell, a timer, or for the first time.
    Looked,
    /// The CPU asks what to do next, or leaves: what it asks of others from here on is the scheduler's own wish.
    Decide,
    /// The CPU begins or ends waiting in the kernel for others.
    Held(bool),
    /// While it waits in the kernel: for this CPU to come or to go.
    Awaits { target: usize },
    /// The CPU came online.
    Online,
    /// The CPU begins to leave.
    Leaving,
    /// The CPU has left.
    Offline,
    /// The next task made is of this program, and is to be placed like this.
    Spawn { owner: u32, placement: Placement },
    /// The current task is about to park.
    Park { key: Option<Key>, deadline: Option<u64> },
    /// It did not park after all.
    Unpark,
    /// The current task yields.
    Yield,
    /// The current task has another class now.
    Class(usize),
    /// A CPU has another ceiling now.
    Ceiling { cpu: usize, class: usize },
    /// The scheduler said that this task's wait timed out.
    TimedOut { slot: usize },
    /// So many waiters of the key are to be woken.
    WakeAsked { key: Key, count: usize },
    /// So many were.
    WakeDone { key: Key, count: usize },
    /// A program is over; its tasks end when they next run.
    Doom { owner: u32 },
    /// All its parked tasks were to be roused.
    Roused { owner: u32 },
    /// The slot was freed.
    Reaped { slot: usize },
    /// This CPU's Call reaches so many others.
    CallAsked { op: u64, argument: u64, reached: usize },
    /// This CPU was asked by `caller`.
    Answered { caller: usize, op: u64, argument: u64 },
    /// This CPU's Call is over.
    CallDone,
}
