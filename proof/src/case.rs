//! What a run was asked to be, and how it ended as the harness saw it.

use serde::Serialize;

use crate::words::{EXTERNAL_INTERRUPT, SOFTWARE_INTERRUPT};

/// How the guest ended, as the harness saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestEnd {
    /// By itself, with this exit code.
    Code(i32),
    /// The harness ended it because its time was up.
    TimedOut,
    /// The harness ended it for another reason, or a signal did.
    Stopped,
}

/// What interrupts harts for one another. The kernel prefers what needs no firmware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doorbells {
    /// Firmware, by the hart's software interrupt.
    #[default]
    Firmware,
    /// An ACLINT's SSWI device, by the same.
    Sswi,
    /// IMSICs, by the hart's external interrupt.
    Imsic,
}

impl Doorbells {
    /// `scause` of a doorbell's trap.
    pub(crate) const fn cause(self) -> u64 {
        match self {
            Doorbells::Firmware | Doorbells::Sswi => SOFTWARE_INTERRUPT,
            Doorbells::Imsic => EXTERNAL_INTERRUPT,
        }
    }

    /// As the kernel's boot log names them.
    pub const fn name(self) -> &'static str {
        match self {
            Doorbells::Firmware => "SBI IPI",
            Doorbells::Sswi => "SSWI",
            Doorbells::Imsic => "IMSIC",
        }
    }
}

/// What a run was asked to be. The judge compares with it, never with what the guest says it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// CPUs that the machine enables.
    pub cpus: u16,
    /// Whether the SMP part is to be proved.
    pub smp_judged: bool,
    /// Ids of the enabled harts, when the harness knows them.
    pub harts: Option<Vec<u64>>,
    /// The hart that was made to boot, when one was.
    pub boot_hart: Option<u64>,
    /// The machine's doorbells.
    pub doorbells: Doorbells,
    /// How the guest ended.
    pub end: GuestEnd,
}

impl Case {
    /// The usual case: harts `0..cpus`, any of them boots, SMP judged from two CPUs on, the guest ended with 0.
    pub fn new(cpus: u16) -> Case {
        Case {
            cpus,
            smp_judged: cpus >= 2,
            harts: Some((0..u64::from(cpus)).collect()),
            boot_hart: None,
            doorbells: Doorbells::Firmware,
            end: GuestEnd::Code(0),
        }
    }
}
