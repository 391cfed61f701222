use antler_nucleus::Key;

/// What the simulator itself knows beside facts: what it asked the scheduler for, and what it was told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    /// The CPU enters the kernel.
    Enter,
    /// The CPU was told to sleep.
    Sleep,
    /// The CPU looked at all it has: after a doorbell, a timer, or for the first time.
    Looked,
    /// The CPU begins or ends waiting in the kernel for others.
    Held(bool),
    /// The CPU came online.
    Online,
    /// The CPU has left.
    Offline,
    /// The next task made is of this program, goes by this way, and is pinned to this CPU.
    Spawn { owner: u32, anywhere: bool, pin: Option<usize> },
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
