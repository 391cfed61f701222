//! The events: at most three fields each.

use antler_abi::{Error, Qos};

use crate::field::{Cpu, Field, Hart, IdleEnd, Leave, Marker, Place, Request, Seen, Task, WakeCause};

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $number:literal { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })*) => {
        /// Which event a fact records.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Kind { $($(#[$doc])* $name = $number,)* }

        impl Kind {
            /// Every kind, in numeric order.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),*];

            /// The kind with this number.
            pub const fn from_number(number: u16) -> Option<Kind> {
                match number { $($number => Some(Kind::$name),)* _ => None }
            }

            /// The kind's name, as in the source.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$name => stringify!($name),)* }
            }
        }

        /// One thing that happened on the CPU that states it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Event {
            $($(#[$doc])* $name { $($(#[$fdoc])* $field: $ty),* },)*
        }

        impl Event {
            /// Which event this is.
            pub const fn kind(&self) -> Kind {
                match self { $(Event::$name { .. } => Kind::$name,)* }
            }

            pub(crate) fn to_words(self) -> [u64; 3] {
                let mut words = [0; 3];
                match self {
                    $(Event::$name { $($field),* } => {
                        let mut _next = words.iter_mut();
                        $(if let Some(word) = _next.next() { *word = Field::to_word($field); })*
                    })*
                }
                words
            }

            pub(crate) fn from_words(kind: Kind, words: [u64; 3]) -> Option<Event> {
                let mut next = words.into_iter();
                let event = match kind {
                    $(Kind::$name => Event::$name { $($field: Field::from_word(next.next()?)?),* },)*
                };
                // What no field claims must be zero, or the record is not one of ours.
                next.all(|word| word == 0).then_some(event)
            }
        }
    };
}

events! {
    /// The boot hart entered the kernel.
    BootHart = 0 { /// Its id.
        hart: Hart }
    /// The device tree enables this hart; it is to be this CPU.
    Present = 1 { /// Number given to it.
        cpu: Cpu, /// Its id.
        hart: Hart }
    /// The console port that facts leave by.
    Transport = 2 { /// virtio-mmio register version: 2 is modern.
        version: u64 }
    /// The boot CPU asked firmware to start a hart, which answered 0.
    StartHart = 3 { /// The CPU it is to be.
        cpu: Cpu, /// The hart.
        hart: Hart }
    /// This CPU is ready: stack, `tp`, `sscratch`, trap vector and page table are its own.
    Online = 4 { /// Its hart id, from its own block.
        hart: Hart, /// Top of its trap stack, virtual address.
        stack: u64, /// Its hart block, virtual address (`tp`).
        block: u64 }
    /// This CPU checked what another reported of itself and counts it online.
    Verified = 5 { /// Who was checked.
        cpu: Cpu, /// Its hart id.
        hart: Hart }
    /// This CPU answers a Call with what its own registers say.
    Identity = 6 { /// Hart id in the block that `tp` points to.
        hart: Hart, /// `tp`.
        block: u64, /// `sp`.
        sp: u64 }
    /// A trap from U-mode.
    TrapUser = 7 { /// `scause`.
        cause: u64, /// The task that ran.
        task: Task }
    /// A system call began.
    Syscall = 8 { /// Its number.
        number: u64, /// The caller.
        task: Task }
    /// A system call was refused.
    Refused = 9 { /// Its number.
        number: u64, /// Why.
        error: Error, /// Its first argument.
        argument: u64 }
    /// A thread was made.
    Spawned = 10 { /// It.
        task: Task, /// Its parent; 0 for a program's first thread.
        parent: Task, /// Its class.
        class: Qos }
    /// A runnable task was put where this CPU, or the CPU named, will find it.
    Enqueue = 11 { /// It.
        task: Task, /// On whose queue.
        target: Cpu, /// By which way.
        place: Place }
    /// This CPU starts running a task.
    Dispatch = 12 { /// It.
        task: Task, /// Its class.
        class: Qos, /// Value of `satp` it runs under.
        satp: u64 }
    /// The running task stops running here.
    Leave = 13 { /// It.
        task: Task, /// Why.
        why: Leave }
    /// A parked task was made runnable.
    Wake = 14 { /// It.
        task: Task, /// By what.
        cause: WakeCause, /// Where it is placed.
        target: Cpu }
    /// A thread ended.
    Exit = 15 { /// It.
        task: Task, /// Its value.
        value: u64 }
    /// This CPU asks another for something; the id is (this CPU, target, n).
    Request = 16 { /// Whom.
        target: Cpu, /// Number of the request in the sender's cell.
        n: u64, /// What for.
        what: Request }
    /// This CPU rang the target's doorbell for that request.
    Ring = 17 { /// Whose.
        target: Cpu, /// For which request.
        n: u64 }
    /// A ring of somebody's was under way already, so this request rides on it.
    Rode = 18 { /// Whose doorbell.
        target: Cpu, /// Which request.
        n: u64 }
    /// The doorbell of that request was withheld (self-test only).
    Withheld = 19 { /// Whose.
        target: Cpu, /// Which request.
        n: u64 }
    /// This CPU saw its doorbell.
    Seen = 20 { /// Where it was.
        at: Seen }
    /// This CPU met the sender's mark and read n, the number of its last request. Request n may still be half posted
    /// then; its doorbell follows.
    Ack = 21 { /// Who had asked.
        sender: Cpu, /// Up to which request.
        n: u64 }
    /// This CPU found nothing to do.
    IdleBegin = 22 {}
    /// This CPU leaves idle.
    IdleEnd = 23 { /// Why.
        why: IdleEnd }
    /// This CPU took tasks from another's queue.
    Steal = 24 { /// Whose.
        victim: Cpu, /// How many.
        count: u64, /// Their class.
        class: Qos }
    /// One task taken by the steal stated right before.
    Stolen = 25 { /// It.
        task: Task, /// From whom.
        victim: Cpu }
    /// A steal was refused and nothing moved.
    StealRefused = 26 { /// From whom.
        victim: Cpu, /// How many were asked for.
        asked: u64, /// Why.
        error: Error }
    /// A CPU's class ceiling was set.
    Ceiling = 27 { /// Whose.
        cpu: Cpu, /// Highest class it may run.
        class: Qos }
    /// This CPU stops its hart; this is its last fact until it is online again.
    Offline = 28 { /// Its hart id.
        hart: Hart }
    /// Firmware reports the state of another hart.
    HartState = 29 { /// Whose.
        cpu: Cpu, /// Its hart id.
        hart: Hart, /// HSM state (0 STARTED, 1 STOPPED, 2 START_PENDING, 3 STOP_PENDING).
        state: u64 }
    /// A CPU number or CPU was refused as a target; nothing was posted or sent.
    TargetRefused = 30 { /// The number asked for.
        target: u64, /// `InvalidTarget` or `Offline`.
        error: Error }
    /// A self-test's line was printed.
    Marker = 31 { /// Which.
        marker: Marker }
    /// A program was ended because of what it did.
    Fault = 32 { /// The thread.
        task: Task, /// `scause`.
        cause: u64, /// `stval`.
        address: u64 }
    /// The timer of this CPU fired.
    Timer = 33 { /// When it was to fire, ns.
        deadline: u64 }
    /// A task was given a new home because its CPU leaves.
    Rehome = 34 { /// It.
        task: Task, /// Its new home.
        to: Cpu }
    /// The rings of this CPU had no room for so many facts.
    Dropped = 35 { /// How many.
        count: u64 }
    /// The machine is about to end.
    End = 36 { /// Exit code.
        code: u64 }
    /// This CPU made every other CPU drop an address space's translations.
    Shootdown = 37 { /// The space.
        space: u64, /// CPUs that had to answer.
        targets: u64 }
    /// A task was taken from a leaving CPU's queue, or handed on with its inbox.
    Evicted = 38 { /// It.
        task: Task, /// Where to.
        to: Cpu }
    /// The running task is about to wait, and no longer than until then.
    Deadline = 39 { /// It.
        task: Task, /// Until when, ns since boot.
        at: u64 }
}

/// A set of kinds: which facts the kernel writes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindMask(pub u64);

impl KindMask {
    /// No facts at all.
    pub const NONE: KindMask = KindMask(0);
    /// Every fact.
    pub const ALL: KindMask = KindMask(u64::MAX);

    /// Whether `kind` is written down.
    pub const fn has(self, kind: Kind) -> bool {
        self.0 >> (kind as u16) & 1 == 1
    }
}
