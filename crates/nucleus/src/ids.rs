use core::fmt;

use antler_sync::HartToken;

/// What hardware and firmware call a hart: any number, sparse, the boot hart not necessarily 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HartId(pub u64);

/// Antler's dense number of a CPU: cpu0 is the boot hart, the others follow by ascending [`HartId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuId(u16);

impl CpuId {
    /// The boot hart's CPU. It never goes offline and runs every class, so there is always a place for a task.
    pub const BOOT: CpuId = CpuId(0);

    /// CPU number `index`; whether there is such a CPU is for the caller to know.
    pub const fn new(index: usize) -> CpuId {
        debug_assert!(index <= u16::MAX as usize);
        CpuId(index as u16)
    }

    /// The CPU that the token proves we are on: the only source of a sender's identity.
    pub const fn here(token: &HartToken) -> CpuId {
        CpuId::new(token.index())
    }

    /// The number, for indexing.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The form facts use.
    pub const fn fact(self) -> antler_facts::Cpu {
        antler_facts::Cpu(self.0)
    }
}

impl fmt::Display for HartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hart {}", self.0)
    }
}

impl fmt::Display for CpuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cpu{}", self.0)
    }
}

/// A CPU that was found online when asked ([`crate::Scheduler::target`] is the only maker). A hint: the CPU may leave
/// right after, and then its closed mailbox says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnlineCpu(pub(crate) CpuId);

impl OnlineCpu {
    /// Which CPU.
    pub const fn cpu(self) -> CpuId {
        self.0
    }
}

/// Why a number is no target for an IPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// The machine has no CPU of this number.
    InvalidTarget,
    /// It has, but the CPU is not online.
    Offline,
}

impl TargetError {
    /// The error that user space sees.
    pub const fn to_abi(self) -> antler_abi::Error {
        match self {
            TargetError::InvalidTarget => antler_abi::Error::InvalidTarget,
            TargetError::Offline => antler_abi::Error::Offline,
        }
    }
}
