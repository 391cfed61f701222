//! What interrupts harts for one another on the machine.

use antler_proof::Doorbells as Judged;

/// Doorbells, and with them the machine that has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Doorbells {
    /// Firmware's.
    Sbi,
    /// Those of an ACLINT.
    Sswi,
    /// IMSICs.
    Imsic,
}

impl Doorbells {
    /// What QEMU's `virt` is told, beside its name.
    pub fn machine(self) -> &'static str {
        match self {
            Doorbells::Sbi => "",
            Doorbells::Sswi => ",aclint=on",
            Doorbells::Imsic => ",aia=aplic-imsic",
        }
    }

    /// What the kernel is told: to use these and no others.
    pub fn argument(self) -> String {
        format!("doorbells={}", self.name())
    }

    /// Those of that name.
    pub fn from_name(name: &str) -> Option<Doorbells> {
        [Doorbells::Sbi, Doorbells::Sswi, Doorbells::Imsic]
            .into_iter()
            .find(|doorbells| doorbells.name() == name)
    }

    /// As on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Doorbells::Sbi => "sbi",
            Doorbells::Sswi => "sswi",
            Doorbells::Imsic => "imsic",
        }
    }

    /// As the judge calls them.
    pub fn judged(self) -> Judged {
        match self {
            Doorbells::Sbi => Judged::Firmware,
            Doorbells::Sswi => Judged::Sswi,
            Doorbells::Imsic => Judged::Imsic,
        }
    }
}
