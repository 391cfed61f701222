//! What a run was asked to be, and how it ended as the harness saw it.

use serde::Serialize;

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
            end: GuestEnd::Code(0),
        }
    }
}
