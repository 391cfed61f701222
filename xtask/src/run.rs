//! `cargo xtask run`: boot the kernel in QEMU and run programs on it, on the user's own files.

mod job;
mod show;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use antler_abi::MachineExit;
use anyhow::Context as _;

use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};
use crate::qemu::{self, Bios, Doorbells, GuestExit, Machine, Size};
use crate::{build, setup};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Harts of the machine
    #[arg(long, default_value_t = 4, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=i64::from(qemu::MAX_HARTS)))]
    smp: u16,
    /// Memory: 512 (MiB), 512M, 2G; chosen by the size of the files when not given
    #[arg(long)]
    mem: Option<Size>,
    /// A file that programs can read, by the path given here; may be repeated
    #[arg(long = "file", value_name = "PATH", num_args = 1..)]
    files: Vec<PathBuf>,
    /// A program of one's own, a static riscv64 ELF file; may be repeated
    #[arg(long = "program", value_name = "ELF", num_args = 1..)]
    programs: Vec<PathBuf>,
    /// Arguments for the programs given by --program, in shell quoting
    #[arg(long, allow_hyphen_values = true)]
    args: Option<String>,
    /// A right for the programs given by --program: qos, resched, pin, hotplug; may be repeated
    #[arg(long = "right", value_name = "RIGHT")]
    rights: Vec<String>,
    /// Virtual time: one instruction is one nanosecond, and runs repeat exactly
    #[arg(long)]
    icount: bool,
    /// A machine with these doorbells, and no others used (docs/ipi.md)
    #[arg(long)]
    doorbells: Option<Doorbells>,
    /// Firmware: default, none, a file, or antler[:ORDER,...] (docs/firmware.md)
    #[arg(long, default_value = "default")]
    bios: String,
    /// A device tree to use instead of QEMU's own
    #[arg(long)]
    dtb: Option<PathBuf>,
    /// One more argument for QEMU; may be repeated
    #[arg(long = "qemu-arg", value_name = "ARG", allow_hyphen_values = true)]
    qemu_args: Vec<String>,
    /// Further boot arguments
    #[arg(long, default_value = "")]
    append: String,
    /// End the run, as failed, after this time: 90s, 5m; for ever when not given
    #[arg(long, value_parser = crate::proof::duration)]
    timeout: Option<Duration>,
    /// A program that comes with Antler, or one given by --program, and its arguments; without any, the names of the
    /// files
    #[arg(last = true, value_name = "PROGRAM [ARG...]")]
    command: Vec<String>,
}

/// `cargo xtask run`.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let job = job::Job::read(&args)?;
    if let Some(mem) = args.mem {
        qemu::check_memory(mem, args.smp, job.file_bytes())?;
    }
    let built = build::build(ctx)?;
    let initrd = match job.is_demo() {
        true => build::demo(ctx, &built)?,
        false => job.initrd(&built)?,
    };
    let mem = args.mem.unwrap_or_else(|| qemu::enough(args.smp, initrd.size()));
    qemu::check_memory(mem, args.smp, initrd.size())?;
    let emulator = setup::qemu(ctx)?;
    let dir = Folder::new(ctx)?;
    let archive = dir.path().join("initrd");
    initrd.write(&archive)?;
    let mut machine = Machine::new(emulator, args.smp, built.kernel, archive, dir.path().to_path_buf());
    machine.mem = mem;
    machine.append = format!("stats {}", args.append).trim().to_owned();
    machine.icount = args.icount;
    machine.doorbells = args.doorbells;
    machine.bios = Bios::from_arg(&args.bios)?;
    machine.dtb = args.dtb;
    machine.extra = args.qemu_args;
    machine.limit = args.timeout;
    let mut screen = show::Screen::new(ctx.ui, machine.smp);
    let mut ended = qemu::boot(&machine, |bytes| screen.take(bytes))?;
    screen.end(&ended)?;
    dir.keep(&machine.console())?;
    if ended.exit == GuestExit::Code(MachineExit::Success) {
        ended.exit = GuestExit::Code(screen.really());
    }
    if ended.exit != GuestExit::Code(MachineExit::Success) {
        tell!("error: {}", ended.exit.text());
    }
    Ok(ended.exit.exit())
}

/// The folder of one run, gone afterwards but for its console.
struct Folder {
    path: PathBuf,
    /// Locked for as long as this process lives, however it ends.
    _alive: File,
}

impl Folder {
    fn new(ctx: &Ctx) -> anyhow::Result<Folder> {
        let runs = ctx.root().join("target/run");
        // Several runs may be under way at once.
        let path = runs.join(std::process::id().to_string());
        let failed = || format!("cannot create {}", path.display());
        std::fs::create_dir_all(&runs).with_context(failed)?;
        let door = File::create(runs.join("lock")).with_context(failed)?;
        door.lock().with_context(failed)?;
        sweep(&runs);
        std::fs::create_dir_all(&path).with_context(failed)?;
        let alive = File::create(path.join("alive")).with_context(failed)?;
        alive.lock().with_context(failed)?;
        Ok(Folder { path, _alive: alive })
    }

    fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the console as `target/run/console.txt`.
    fn keep(&self, console: &Path) -> anyhow::Result<()> {
        let place = self.path.with_file_name("console.txt");
        std::fs::rename(console, &place).with_context(|| format!("cannot write {}", place.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is under target/, where nobody minds.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes what runs left that were ended by a signal: their initrds may be large. The caller holds the door's lock, so
/// no folder is between being made and being locked.
fn sweep(runs: &Path) {
    for folder in std::fs::read_dir(runs).into_iter().flatten().flatten() {
        let over = File::open(folder.path().join("alive")).is_ok_and(|alive| alive.try_lock().is_ok());
        if over {
            let _ = std::fs::remove_dir_all(folder.path());
        }
    }
}

/// A file that must be there: its size in bytes.
fn size_of(option: &str, path: &Path) -> anyhow::Result<u64> {
    let meta = std::fs::metadata(path)
        .map_err(|error| Fail::usage(format!("{option} {}: cannot be read: {error}", path.display())))?;
    if !meta.is_file() {
        return Err(Fail::usage(format!("{option} {}: not a regular file", path.display())));
    }
    // Files as in /proc say 0 and hold something all the same; what is put into the initrd has the size that was said.
    let unsized_one = meta.len() == 0
        && File::open(path).and_then(|mut file| file.read(&mut [0])).is_ok_and(|count| count > 0);
    match unsized_one {
        true => {
            Err(Fail::usage(format!("{option} {}: does not say its size; give a copy of it", path.display())))
        }
        false => Ok(meta.len()),
    }
}
