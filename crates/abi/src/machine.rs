/// How the machine ended, as the guest tells it through the board's test device. On QEMU `virt` the number becomes
/// QEMU's own exit code. Below 32 is left to QEMU itself, which exits 1 when it cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum MachineExit {
    /// Every program ended with 0; under `selftest`, every self-test passed.
    Success = 0,
    /// A self-test failed.
    SelftestFailed = 32,
    /// A program ended with another code, or was ended because of a fault.
    ProgramFailed = 33,
    /// The board or its firmware lacks what the boot contract needs, or a hart did not come up.
    BootRefused = 34,
    /// The kernel panicked.
    Panic = 35,
    /// Boot arguments, initrd or manifest are unusable.
    BadInput = 36,
}

impl MachineExit {
    /// Every way to end, by code.
    pub const ALL: [MachineExit; 6] = [
        MachineExit::Success,
        MachineExit::SelftestFailed,
        MachineExit::ProgramFailed,
        MachineExit::BootRefused,
        MachineExit::Panic,
        MachineExit::BadInput,
    ];

    /// The number.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The way with this number.
    pub fn from_code(code: u16) -> Option<MachineExit> {
        MachineExit::ALL.into_iter().find(|exit| exit.code() == code)
    }
}
