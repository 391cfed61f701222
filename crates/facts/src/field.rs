//! The types of a fact's fields: each fits one 64-bit word and refuses words that mean nothing.

use antler_abi::{Error, Qos};

/// A field of an event: one word on the wire.
pub(crate) trait Field: Sized {
    fn to_word(self) -> u64;
    fn from_word(word: u64) -> Option<Self>;
}

macro_rules! newtype {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl Field for $name {
            fn to_word(self) -> u64 {
                self.0 as u64
            }
            fn from_word(word: u64) -> Option<Self> {
                <$inner>::try_from(word).ok().map($name)
            }
        }
    )*};
}

newtype! {
    /// A dense CPU number; cpu0 is the boot hart.
    Cpu(u16);
    /// A hart id as hardware and firmware know it.
    Hart(u64);
    /// A task: generation in the upper half, pool slot in the lower. 0 is no task.
    Task(u64);
}

macro_rules! choice {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)* }

        impl $name {
            /// Every value, in numeric order.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
        }

        impl Field for $name {
            fn to_word(self) -> u64 {
                self as u64
            }
            fn from_word(word: u64) -> Option<Self> {
                $name::ALL.iter().copied().find(|v| *v as u64 == word)
            }
        }
    )*};
}

choice! {
    /// What a request to another CPU asks for.
    Request {
        /// Look at your queues.
        Resched = 1,
        /// Answer a call (identity, TLB shootdown, leave).
        Call = 2,
        /// A call of yours was answered.
        Reply = 3,
        /// Stop for good.
        Stop = 4,
    }

    /// Where a hart was when it saw its doorbell.
    Seen {
        /// In U-mode: it trapped.
        Trap = 1,
        /// In WFI, idle or waiting for an answer.
        Wfi = 2,
    }

    /// Why a task left the CPU.
    Leave {
        /// It asked to.
        Yield = 1,
        /// A higher class came, or its slice ended.
        Preempt = 2,
        /// It waits for something.
        Block = 3,
        /// It ended.
        Exit = 4,
        /// Its CPU goes offline.
        Offline = 5,
    }

    /// How a task came to a CPU's queue.
    Place {
        /// The CPU put it there itself.
        Local = 1,
        /// Through the CPU's inbox.
        Inbox = 2,
    }

    /// Who ended a task's wait.
    WakeCause {
        /// Another task's wake call.
        Signal = 1,
        /// The deadline.
        Deadline = 2,
        /// The end of the thread it joined.
        Join = 3,
        /// The end of its program.
        Kill = 4,
    }

    /// Why a CPU left idle.
    IdleEnd {
        /// It found a task without sleeping, or on waking.
        Work = 1,
        /// It goes offline.
        Offline = 2,
    }

    /// A self-test, in the order of the contract.
    Marker {
        /// The machine booted and every hart of the device tree is accounted for.
        Boot = 1,
        /// Traps from U-mode return to where they came from with every register intact.
        Trap = 2,
        /// A user program runs and its system calls answer.
        UserMode = 3,
        /// A sleep ends at or after its deadline.
        Timer = 4,
        /// Bad pointers and wild programs harm nobody else.
        Isolation = 5,
        /// RFC-0021: `smp online`.
        SmpOnline = 6,
        /// RFC-0021: `ipi counterfactual`.
        IpiCounterfactual = 7,
        /// RFC-0021: `ipi resched`.
        IpiResched = 8,
        /// RFC-0021: `test_reject_invalid_ipi_target_cpu`.
        RejectInvalidTarget = 9,
        /// RFC-0021: `test_reject_offline_cpu_resched`.
        RejectOffline = 10,
        /// RFC-0021: `work stealing`.
        WorkStealing = 11,
        /// RFC-0021: `test_reject_steal_above_bound`.
        RejectStealAboveBound = 12,
        /// RFC-0021: `test_reject_steal_higher_qos`.
        RejectStealHigherQos = 13,
        /// All self-tests ran.
        Done = 14,
    }
}

impl Field for u64 {
    fn to_word(self) -> u64 {
        self
    }
    fn from_word(word: u64) -> Option<Self> {
        Some(word)
    }
}

impl Field for Qos {
    fn to_word(self) -> u64 {
        self.index() as u64
    }
    fn from_word(word: u64) -> Option<Self> {
        Qos::from_index(usize::try_from(word).ok()?)
    }
}

impl Field for Error {
    fn to_word(self) -> u64 {
        self.code() as u64
    }
    fn from_word(word: u64) -> Option<Self> {
        Error::from_code(usize::try_from(word).ok()?)
    }
}
