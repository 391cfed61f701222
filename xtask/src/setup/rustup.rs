//! The active toolchain, and `rustup target add`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::log::Log;
use super::memory::{Memory, Refusal};
use super::toolchain::{Route, Target, Toolchain};
use super::{Mode, bounded, platform};
use crate::ctx::Ctx;

/// A question to a compiler on this machine.
const ASK: Duration = Duration::from_secs(20);

/// A download of two targets, some 60 MB.
const ADD: Duration = Duration::from_secs(180);

/// The toolchain that `cargo` here uses, with its targets if it has them.
struct Active {
    sysroot: PathBuf,
    version: String,
}

impl Active {
    fn look(ctx: &Ctx) -> Result<Active, String> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let ask = |args: &[&str]| {
            bounded::text(Command::new(&rustc).args(args).current_dir(ctx.root()), ASK)
                .map_err(|trouble| format!("{}: {trouble}", Path::new(&rustc).display()))
        };
        Ok(Active { sysroot: ask(&["--print", "sysroot"])?.into(), version: ask(&["--version"])? })
    }

    fn missing(&self) -> Vec<&'static str> {
        let lacks = |target: &Target| !has_libcore(&self.sysroot, target.triple());
        Target::ALL.iter().filter(|target| lacks(target)).map(|target| target.triple()).collect()
    }

    fn toolchain(self, ctx: &Ctx) -> Toolchain {
        Toolchain::new(ctx, Route::Prebuilt, self.sysroot.join("bin"), self.version, None)
    }

    fn key(&self) -> String {
        format!("{} {}", self.sysroot.display(), self.version)
    }
}

/// Whether a sysroot holds a compiled libcore for a target. An empty folder left by a broken download does not count.
fn has_libcore(sysroot: &Path, triple: &str) -> bool {
    let lib = sysroot.join("lib/rustlib").join(triple).join("lib");
    std::fs::read_dir(lib).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
    })
}

/// The active toolchain if it has both targets, or gets them. Errors only when the refusal cannot be remembered.
pub fn find(ctx: &Ctx, mode: Mode, log: &mut Log) -> anyhow::Result<Option<Toolchain>> {
    let active = match Active::look(ctx) {
        Ok(active) => active,
        Err(why) => {
            log.rejected("active toolchain", &why);
            return Ok(None);
        }
    };
    if active.missing().is_empty() {
        log.chosen("active toolchain", &format!("{} has both targets", active.version));
        return Ok(Some(active.toolchain(ctx)));
    }
    let missing = active.missing().join(" and ");
    log.rejected("active toolchain", &format!("{} has no {missing}", active.version));

    let memory = Memory::load(ctx);
    if let Some(refusal) = memory.rustup.filter(|refusal| refusal.toolchain == active.key()) {
        let text = format!("refused earlier: {} (`cargo xtask setup --retry` asks again)", refusal.why);
        log.rejected("rustup target add", &text);
        return Ok(None);
    }
    let Some(rustup) = platform::on_path("rustup") else {
        log.rejected("rustup target add", "no rustup on PATH");
        return Ok(None);
    };
    if mode == Mode::Look {
        log.note("`cargo xtask setup` would try `rustup target add` here");
        return Ok(None);
    }
    match add(ctx, &rustup, &active, log) {
        Ok(()) => {
            log.chosen("rustup target add", &format!("{} now has both targets", active.version));
            Ok(Some(active.toolchain(ctx)))
        }
        Err(why) => {
            log.rejected("rustup target add", &why);
            Memory { rustup: Some(Refusal { toolchain: active.key(), why }) }.save(ctx)?;
            Ok(None)
        }
    }
}

fn add(ctx: &Ctx, rustup: &Path, active: &Active, log: &Log) -> Result<(), String> {
    let step = log.ui().step("rustup target add");
    let mut command = Command::new(rustup);
    command.args(["target", "add"]).args(active.missing()).current_dir(ctx.root());
    let result = bounded::run(&mut command, ADD).and_then(bounded::Output::success);
    let result = result.map_err(|trouble| trouble.to_string()).and_then(|_| match active.missing() {
        missing if missing.is_empty() => Ok(()),
        missing => Err(format!("it succeeded, but {} is still missing", missing.join(" and "))),
    });
    match &result {
        Ok(()) => step.done(""),
        Err(_) => step.failed("not available"),
    }
    result
}
