//! QEMU `virt`: the command line, the process, and what it leaves behind.
//!
//! ```text
//! Machine -> command (arguments, edited device tree, boot-hart stub) -> guest (process, console, time) -> Ended
//! ```

mod boothart;
mod command;
mod doorbells;
mod guest;
mod memory;
mod own;
mod tree;

use std::path::PathBuf;
use std::time::Duration;

use antler_abi::MachineExit;

pub use doorbells::Doorbells;
pub use guest::boot;
pub use memory::{Size, check as check_memory, enough};
pub use own::Own;
pub use tree::{board, enabled_harts, harts_of, own_tree};

use crate::exit::{Exit, Fail};
use crate::setup::Qemu;

/// Harts that QEMU `virt` takes at most.
pub const MAX_HARTS: u16 = 512;

/// From this number of harts on, OpenSBI needs help; see `command::processor`.
const CROWD: u16 = 33;

/// The firmware that a machine starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Bios {
    /// QEMU's own OpenSBI.
    #[default]
    Default,
    /// None: the kernel would have to start in M-mode, which it refuses.
    None,
    /// Our own, which does what it is told.
    Own(Box<Own>),
    /// A file.
    File(PathBuf),
}

impl Bios {
    /// Reads the value of `--bios`: `default`, `none`, `antler`, `antler:ORDER,...`, or a path.
    ///
    /// # Errors
    /// An order that cannot be meant is a usage error.
    pub fn from_arg(text: &str) -> anyhow::Result<Bios> {
        let own = |orders| Own::from_arg(orders).map_err(|why| Fail::usage(format!("--bios {text}: {why}")));
        Ok(match text {
            "default" => Bios::Default,
            "none" => Bios::None,
            "antler" => Bios::Own(own("")?.into()),
            other => match other.strip_prefix("antler:") {
                Some(orders) => Bios::Own(own(orders)?.into()),
                None => Bios::File(other.into()),
            },
        })
    }
}

/// A machine to be booted.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The QEMU to use.
    pub qemu: Qemu,
    /// Harts that QEMU makes; some may be disabled.
    pub smp: u16,
    /// RAM.
    pub mem: Size,
    /// The kernel, an ELF file.
    pub kernel: PathBuf,
    /// The initrd, a tar.
    pub initrd: PathBuf,
    /// Boot arguments.
    pub append: String,
    /// Whether instructions are virtual time: one is one nanosecond, and runs repeat exactly.
    pub icount: bool,
    /// Firmware.
    pub bios: Bios,
    /// A device tree to use instead of QEMU's own.
    pub dtb: Option<PathBuf>,
    /// The hart that boots; the firmware's lottery decides when there is none.
    pub boot_hart: Option<u16>,
    /// Harts whose `status` is `disabled` in the device tree.
    pub disabled: Vec<u16>,
    /// Doorbells, as QEMU's `virt` has them by its arguments; the usual machine has firmware's.
    pub doorbells: Option<Doorbells>,
    /// Legacy virtio-mmio, for debugging only.
    pub legacy: bool,
    /// Further arguments for QEMU, last on its command line.
    pub extra: Vec<String>,
    /// Where `console.txt`, `facts.bin`, `qemu.log` and helper files go. It is created.
    pub dir: PathBuf,
    /// How long the run may take on the host's clock before it has failed; for ever when there is none.
    pub limit: Option<Duration>,
    /// How long the guest may take to print its first byte before it has failed.
    pub silence: Duration,
}

impl Machine {
    /// A machine with that many harts and that kernel and initrd; everything else is usual.
    pub fn new(qemu: Qemu, smp: u16, kernel: PathBuf, initrd: PathBuf, dir: PathBuf) -> Machine {
        Machine {
            qemu,
            smp,
            mem: Size::default(),
            kernel,
            initrd,
            append: String::new(),
            icount: false,
            bios: Bios::Default,
            dtb: None,
            boot_hart: None,
            doorbells: None,
            disabled: Vec::new(),
            legacy: false,
            extra: Vec::new(),
            dir,
            limit: None,
            silence: Duration::from_secs(60 + 2 * u64::from(smp)),
        }
    }

    /// Where the facts go.
    pub fn facts(&self) -> PathBuf {
        self.dir.join("facts.bin")
    }

    /// Where the console goes.
    pub fn console(&self) -> PathBuf {
        self.dir.join("console.txt")
    }
}

/// How the guest ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestExit {
    /// By the kernel's decision.
    Code(MachineExit),
    /// QEMU exited with a code that is none of the kernel's, or by a signal (then `None`); with what it said.
    Other(Option<i32>, String),
    /// It had not ended within this time, and was ended.
    TimedOut(Duration),
    /// It never printed a byte.
    Silent(Duration),
}

impl GuestExit {
    /// The exit code of a command whose whole success is the guest's.
    pub fn exit(&self) -> Exit {
        match self {
            GuestExit::Code(MachineExit::Success) => Exit::Success,
            GuestExit::Code(MachineExit::SelftestFailed) => Exit::Red,
            GuestExit::Code(MachineExit::ProgramFailed) => Exit::ProgramFailed,
            GuestExit::Code(MachineExit::BootRefused) => Exit::BootRefused,
            GuestExit::Code(MachineExit::Panic) => Exit::Panic,
            GuestExit::Code(MachineExit::BadInput) => Exit::BadInput,
            GuestExit::Other(..) | GuestExit::Silent(_) => Exit::Silent,
            GuestExit::TimedOut(_) => Exit::Timeout,
        }
    }

    /// What happened, and what to do about it, for people.
    pub fn text(&self) -> String {
        match self {
            GuestExit::Code(MachineExit::Success) => "the guest ended well".into(),
            GuestExit::Code(MachineExit::SelftestFailed) => "a self-test failed in the guest".into(),
            GuestExit::Code(MachineExit::ProgramFailed) => "a program failed in the guest".into(),
            GuestExit::Code(MachineExit::BootRefused) => {
                "the kernel refused the board or its firmware; its last lines say why".into()
            }
            GuestExit::Code(MachineExit::Panic) => "the kernel panicked".into(),
            GuestExit::Code(MachineExit::BadInput) => {
                "the kernel refused its boot arguments, initrd or manifest; its last lines say why".into()
            }
            GuestExit::Other(Some(code), said) => format!("QEMU ended with code {code}: {said}"),
            GuestExit::Other(None, said) => format!("QEMU was ended by a signal: {said}"),
            GuestExit::TimedOut(after) => {
                format!("time-out: the guest had not ended after {after:?}")
            }
            GuestExit::Silent(after) => format!(
                "silence: the guest printed nothing in {:.1} s; firmware did not start (see --bios), or the device tree \
                 is not one it can use",
                after.as_secs_f64()
            ),
        }
    }
}

/// A run that is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How it ended.
    pub exit: GuestExit,
    /// Everything that came over the console.
    pub console: Vec<u8>,
    /// The file that holds the facts.
    pub facts: PathBuf,
    /// How long it took on the host's clock.
    pub took: Duration,
}

/// What the caller of [`boot`] wants after it saw a piece of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing special.
    GoOn,
    /// The guest should end by itself now, within this time.
    EndWithin(Duration),
}
