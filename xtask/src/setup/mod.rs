//! Set-up: finds the compiler, QEMU and firmware, or installs them, and says what it chose and why.

mod apt;
mod bounded;
mod chromium;
mod distro;
mod family;
mod libcore;
mod log;
mod memory;
mod platform;
mod qemu;
mod rustup;
mod sources;
mod toolchain;

pub use bounded::{Output, Trouble, run as run_bounded};
pub use family::{end, end_all, pass, start};
pub use qemu::Qemu;
pub use toolchain::{FLAG_SEPARATOR, RUSTFLAGS, Target, Toolchain};

use crate::ctx::Ctx;
use crate::exit::Exit;
use log::Log;
use memory::Memory;

/// Arguments of `setup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ask again where an earlier run was refused (`rustup target add`)
    #[arg(long)]
    retry: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {}

/// Whether set-up may change the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only look, and say what would be done.
    Look,
    /// Install what is missing.
    Install,
}

/// `cargo xtask setup`.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    if args.retry {
        Memory::default().save(ctx)?;
    }
    both(Mode::Install, ctx)
}

/// `cargo xtask doctor`.
pub fn doctor(_args: DoctorArgs, ctx: &Ctx) -> anyhow::Result<Exit> {
    both(Mode::Look, ctx)
}

/// Finds compiler and QEMU, also one after the other was not found.
fn both(mode: Mode, ctx: &Ctx) -> anyhow::Result<Exit> {
    let mut log = Log::new(ctx.ui, true);
    let compiler = libcore::find(ctx, mode, &mut log);
    let machine = qemu::find(mode, &mut log);
    match (compiler, machine) {
        (Ok(_), Ok(_)) => Ok(Exit::Success),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        (Err(first), Err(second)) => {
            tell!("error: {first:#}");
            Err(second)
        }
    }
}

/// The compiler to use. Installs one if there is none; fails with [`Exit::Setup`] and every rejection if that is not
/// possible.
pub fn toolchain(ctx: &Ctx) -> anyhow::Result<Toolchain> {
    libcore::find(ctx, Mode::Install, &mut Log::new(ctx.ui, false))
}

/// The QEMU to use, with its firmware. Installs both if they are missing; fails with [`Exit::Setup`] and every
/// rejection if that is not possible, and with [`Exit::Usage`] if the variable `QEMU` names none.
pub fn qemu(ctx: &Ctx) -> anyhow::Result<Qemu> {
    qemu::find(Mode::Install, &mut Log::new(ctx.ui, false))
}

/// A Chromium. Installs one if there is none; fails with [`Exit::Setup`] and every rejection if that is not possible, and
/// with [`Exit::Usage`] if the variable `CHROME` names none.
pub fn chromium(ctx: &Ctx) -> anyhow::Result<std::path::PathBuf> {
    chromium::find(Mode::Install, &mut Log::new(ctx.ui, false))
}
