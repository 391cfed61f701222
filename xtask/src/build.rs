//! `cargo xtask build`: the kernel, the test firmware and the programs, compiled for riscv64, where QEMU and users look for them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde::Deserialize;

use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};
use crate::initrd::{DEMO, DEMO_FILES, Initrd};
use crate::setup::{self, Target, Toolchain};
use crate::ui::Step;

/// The package and program of the kernel.
const KERNEL: &str = "antler-kernel";

/// The package and program of the firmware that can be told to misbehave.
const FIRMWARE: &str = "antler-firmware";

/// The package of the user programs; every binary of it is one.
const PROGRAMS: &str = "antler-programs";

/// Arguments of `build`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// What a build leaves behind.
#[derive(Debug)]
pub struct Built {
    /// The kernel, for `-kernel`.
    pub kernel: PathBuf,
    /// Each user program's ELF file by name, ready to go into an initrd.
    pub programs: BTreeMap<String, PathBuf>,
}

impl Built {
    /// The ELF file of a program that comes with Antler. An unknown name is a usage error that lists those there are.
    pub fn program(&self, name: &str) -> anyhow::Result<&Path> {
        self.programs.get(name).map(PathBuf::as_path).ok_or_else(|| {
            let known: Vec<&str> = self.programs.keys().map(String::as_str).collect();
            Fail::usage(format!("no program is called {name}; there are {}", known.join(", ")))
        })
    }
}

/// `cargo xtask build`.
pub fn main(_args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let built = build(ctx)?;
    let initrd = demo(ctx, &built)?;
    initrd.write(&ctx.initrd())?;
    say!("kernel  {}", built.kernel.display());
    say!("initrd  {}", ctx.initrd().display());
    Ok(Exit::Success)
}

/// The initrd of the demonstration.
pub fn demo(ctx: &Ctx, built: &Built) -> anyhow::Result<Initrd> {
    let mut builder = Initrd::builder();
    for demo in DEMO {
        let args = demo.args.iter().copied();
        builder = builder.program(built.program(demo.name)?, demo.name, demo.qos, demo.rights, args);
    }
    for file in DEMO_FILES {
        builder = builder.file(file, &ctx.root().join(file));
    }
    builder.finish()
}

/// Builds kernel, firmware and programs, after set-up if that is due. Cheap when nothing changed. A failed build shows the
/// compiler's output in full and is an error.
pub fn build(ctx: &Ctx) -> anyhow::Result<Built> {
    let toolchain = setup::toolchain(ctx)?;
    let machine = [KERNEL, FIRMWARE];
    let built = compile(ctx, &toolchain, "building kernel and firmware", Target::Kernel, &machine, &[])?;
    for (name, place) in machine.into_iter().zip([ctx.kernel(), ctx.firmware()]) {
        let path = built.get(name).with_context(|| format!("cargo built no program {name}"))?;
        copy(path, &place)?;
    }
    let programs = compile(ctx, &toolchain, "building programs", Target::User, &[PROGRAMS], &[])?;
    let mut placed = BTreeMap::new();
    for (name, path) in programs {
        let place = ctx.out().join("bin").join(&name);
        copy(&path, &place)?;
        placed.insert(name, place);
    }
    Ok(Built { kernel: ctx.kernel(), programs: placed })
}

/// What the last build left, for steps that come after it.
///
/// # Errors
/// There was none.
pub fn built(ctx: &Ctx) -> anyhow::Result<Built> {
    let folder = ctx.out().join("bin");
    let mut programs = BTreeMap::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        if let Some(name) = path.file_name() {
            programs.insert(name.to_string_lossy().into_owned(), path.clone());
        }
    }
    Ok(Built { kernel: ctx.kernel(), programs })
}

/// Builds the kernel that can be told to commit faults, after everything else. Nobody ships it.
pub fn build_faulty(ctx: &Ctx) -> anyhow::Result<Built> {
    let built = build(ctx)?;
    let toolchain = setup::toolchain(ctx)?;
    let features = ["--features", "antler-kernel/faults"];
    let kernel =
        compile(ctx, &toolchain, "building kernel with faults", Target::Kernel, &[KERNEL], &features)?;
    let kernel = kernel.get(KERNEL).with_context(|| format!("cargo built no program {KERNEL}"))?;
    let place = ctx.out().join("kernel-faults");
    copy(kernel, &place)?;
    Ok(Built { kernel: place, ..built })
}

/// Copies a file if it differs, so that a run under way keeps its own and an unchanged one keeps its time.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot copy {} to {}", from.display(), to.display());
    let bytes = std::fs::read(from).with_context(failed)?;
    if std::fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    std::fs::create_dir_all(to.parent().context("no folder to copy to")?).with_context(failed)?;
    let part = to.with_extension(format!("part{}", std::process::id()));
    std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, to)).with_context(failed)
}

/// The lines of cargo's `--message-format=json` that matter here.
#[derive(Debug, Deserialize)]
#[serde(tag = "reason")]
enum Message {
    #[serde(rename = "compiler-artifact")]
    Artifact { target: Unit, executable: Option<PathBuf>, fresh: bool },
    #[serde(rename = "compiler-message")]
    Diagnosed { message: Diagnostic },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Unit {
    name: String,
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Diagnostic {
    rendered: Option<String>,
}

/// Builds every program of these packages and returns them by name.
fn compile(
    ctx: &Ctx,
    toolchain: &Toolchain,
    label: &str,
    target: Target,
    packages: &[&str],
    options: &[&str],
) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let step = ctx.ui.step(label);
    let mut command = toolchain.cargo("build", target);
    command.args(["--release", "--bins"]).args(options);
    command.args(packages.iter().flat_map(|package| ["--package", package]));
    let format = if ctx.ui.terminal() { "json-diagnostic-rendered-ansi" } else { "json" };
    command.arg(format!("--message-format={format}"));
    command.args(["--color", if ctx.ui.terminal() { "always" } else { "never" }]);
    match watch(command, &step) {
        Ok(Watched { success: true, programs, diagnostics, .. }) => {
            step.done("");
            // Warnings of a good build are news as well.
            eprint!("{}", diagnostics.concat());
            Ok(programs)
        }
        Ok(Watched { diagnostics, said, .. }) => {
            step.failed("");
            let mut stderr = std::io::stderr().lock();
            stderr.write_all(diagnostics.concat().as_bytes())?;
            stderr.write_all(&said)?;
            let packages = packages.join(", ");
            anyhow::bail!("{label} failed: {packages} for {}, with {}", target.triple(), toolchain.version)
        }
        Err(error) => {
            step.failed("");
            Err(error)
        }
    }
}

struct Watched {
    success: bool,
    programs: BTreeMap<String, PathBuf>,
    diagnostics: Vec<String>,
    said: Vec<u8>,
}

/// Runs cargo to its end, showing what it is at. A build has no time limit: how long is long depends on the host, and
/// whoever waits can see that it goes on.
fn watch(mut command: Command, step: &Step) -> anyhow::Result<Watched> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        setup::start(&mut command).with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let mut stderr = child.stderr.take().context("cargo has no stderr")?;
    // Both pipes must be read at once, or cargo blocks on the one that is full.
    let said = std::thread::spawn(move || {
        let mut said = Vec::new();
        stderr.read_to_end(&mut said).map(|_| said)
    });
    let mut watched =
        Watched { success: false, programs: BTreeMap::new(), diagnostics: Vec::new(), said: Vec::new() };
    let stdout = child.stdout.take().context("cargo has no stdout")?;
    for line in BufReader::new(stdout).lines() {
        match serde_json::from_str(&line?) {
            Ok(Message::Artifact { target, executable, fresh }) => {
                if !fresh {
                    step.at(format!("{} done", target.name));
                }
                if let Some(path) = executable.filter(|_| target.kind.iter().any(|kind| kind == "bin")) {
                    watched.programs.insert(target.name, path);
                }
            }
            Ok(Message::Diagnosed { message }) => watched.diagnostics.extend(message.rendered),
            // Lines that are no messages are what build scripts and macros print; nothing depends on them.
            Ok(Message::Other) | Err(_) => {}
        }
    }
    watched.success = child.wait().context("cannot wait for cargo")?.success();
    setup::pass();
    watched.said = said.join().ok().context("the thread that reads cargo's stderr panicked")??;
    Ok(watched)
}
