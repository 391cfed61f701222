//! cargo-mutants, of one version: another one makes other mutants, and names them otherwise.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::ctx::Ctx;
use crate::exit::Fail;
use crate::setup;

/// The version.
const VERSION: &str = "27.1.0";
/// Longest that building it may take.
const BUILD_LIMIT: Duration = Duration::from_secs(1800);

/// The tool that is there, or is installed into `target/tools`.
pub fn find(ctx: &Ctx) -> anyhow::Result<PathBuf> {
    let own = ctx.root().join("target/tools/bin/cargo-mutants");
    if let Some(tool) = [own.clone(), PathBuf::from("cargo-mutants")].into_iter().find(is_wanted) {
        return Ok(tool);
    }
    let step = ctx.ui.step(format!("installing cargo-mutants {VERSION} into target/tools"));
    let mut cargo = Command::new(cargo());
    cargo.args(["install", "--locked", "--version", VERSION, "cargo-mutants", "--root"]);
    cargo.arg(ctx.root().join("target/tools")).current_dir(ctx.root());
    let built = setup::run_bounded(&mut cargo, BUILD_LIMIT).and_then(setup::Output::success);
    match built {
        Ok(_) if is_wanted(&own) => {
            step.done("");
            Ok(own)
        }
        Ok(_) => {
            step.failed("");
            Err(Fail::setup(format!("{} is not cargo-mutants {VERSION}", own.display())))
        }
        Err(trouble) => {
            step.failed("");
            Err(Fail::setup(format!("cannot install cargo-mutants {VERSION}: {trouble}")))
        }
    }
}

/// The cargo that started us.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn is_wanted(tool: &PathBuf) -> bool {
    let mut command = Command::new(tool);
    command.args(["mutants", "--version"]);
    let said = setup::run_bounded(&mut command, Duration::from_secs(30)).and_then(setup::Output::success);
    said.is_ok_and(|output| output.stdout.trim() == format!("cargo-mutants {VERSION}"))
}
