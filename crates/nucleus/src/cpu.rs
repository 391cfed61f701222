//! The two halves of a CPU: what others may touch, each word by its own protocol, and what only the CPU itself may.

use antler_abi::Qos;
use antler_sync::Line;
use antler_sync::atomic::{AtomicU32, Ordering};

use crate::classes::Classes;
use crate::counters::Counters;
use crate::fifo::Fifo;
use crate::inbox::Inbox;
use crate::mailbox::Mailbox;
use crate::presence::{Presence, State};
use crate::ring::{OwnerEnd, Ring};
use crate::task::{NONE, Running};
use crate::timers::{NEVER, Timers};

/// What other CPUs may touch.
#[derive(Debug)]
pub(crate) struct Shared<const W: usize> {
    /// Stealable tasks by class; thieves move the heads.
    pub rings: [Ring; Qos::COUNT],
    /// Tasks from others.
    pub inbox: Inbox,
    /// Slots whose deadlines a leaving CPU left to us.
    pub timer_inbox: Line<AtomicU32>,
    /// Requests from others.
    pub mailbox: Mailbox<W>,
    /// What we say of ourselves.
    pub presence: Line<Presence>,
    /// Highest class we may run; rarely written.
    ceiling: AtomicU32,
    /// What we have done; written by us.
    pub counters: Line<Counters>,
}

/// What only the CPU itself touches, with its [`antler_sync::HartToken`].
#[derive(Debug)]
pub(crate) struct Local {
    pub ends: [OwnerEnd; Qos::COUNT],
    pub pinned: [Fifo; Qos::COUNT],
    /// Classes of which stealable tasks may be queued here: of every other none is, since only this CPU adds any.
    pub queued: Classes,
    /// Classes of which pinned tasks may be queued here.
    pub kept: Classes,
    /// Classes that thieves were told of when this CPU last told them anything.
    pub announced: Classes,
    pub timers: Timers,
    pub current: Option<Running>,
    /// Slot of the task that ran here last, for counting switches.
    pub last: u32,
    /// Stamp of the next enqueue: orders pinned and stealable tasks of a class among each other.
    pub order: u64,
    /// Something happened that `next` must look at.
    pub attention: bool,
    /// The current task gives way to others of its class: it yielded, or its slice ended.
    pub turn: bool,
    /// It yielded (and `turn` is set).
    pub yielded: bool,
    pub idle: bool,
    /// It slept, was claimed for work, and has found none so far.
    pub claimed: bool,
    /// It has just left idle with work, and has not told others yet that there may be more.
    pub found_work: bool,
    pub slice_end: u64,
    /// When the timer will fire, as far as it is set; else [`NEVER`].
    pub armed: u64,
    /// The state last published.
    pub state: State,
}

impl<const W: usize> Shared<W> {
    // Relaxed: a ceiling takes effect with the doorbell that follows it, whose mailbox carries it to its CPU. Until then,
    // and to everybody else, an old value is as good as a new one. One too high: the CPU itself turns the task away when
    // it takes its mail. One too low: who is passed over looks for surplus itself, after that doorbell and before it
    // sleeps; and who finds it asleep after that, by its idle bit (Acquire), finds its ceiling too.
    pub(crate) fn ceiling(&self) -> Qos {
        Qos::from_index(self.ceiling.load(Ordering::Relaxed) as usize).unwrap_or(Qos::Idle)
    }

    pub(crate) fn set_ceiling(&self, class: Qos) {
        self.ceiling.store(class.index() as u32, Ordering::Relaxed);
    }
}

/// Both halves of a CPU that is not online yet, with room for `tasks` tasks and requests from `cpus` CPUs.
pub(crate) fn new<const W: usize>(cpus: usize, tasks: usize) -> (Shared<W>, Local) {
    let pairs = Qos::ALL.map(|_| Ring::new(tasks));
    let mut ends = [const { None }; Qos::COUNT];
    let mut place = ends.iter_mut();
    let rings = pairs.map(|(ring, end)| {
        if let Some(place) = place.next() {
            *place = Some(end);
        }
        ring
    });
    let shared = Shared {
        rings,
        inbox: Inbox::closed(),
        timer_inbox: Line(AtomicU32::new(NONE)),
        mailbox: Mailbox::closed(cpus),
        presence: Line(Presence::offline()),
        ceiling: AtomicU32::new(Qos::PerfBurst.index() as u32),
        counters: Line::default(),
    };
    let local = Local {
        ends: ends.map(|end| end.expect("each class has a ring")),
        pinned: Qos::ALL.map(|_| Fifo::new(tasks)),
        queued: Classes::NONE,
        kept: Classes::NONE,
        announced: Classes::NONE,
        timers: Timers::new(tasks),
        current: None,
        last: NONE,
        order: 0,
        attention: true,
        turn: false,
        yielded: false,
        idle: false,
        claimed: false,
        found_work: false,
        slice_end: 0,
        armed: NEVER,
        state: State::Offline,
    };
    (shared, local)
}
