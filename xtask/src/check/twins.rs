//! Builds every twin, runs the check that must notice it, and wants it red for the stated reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::explored::Explored;
use super::models::Engine;
use super::twin::{self, Twin};
use super::{programs, unnamed, workshop};
use crate::ctx::Ctx;
use crate::exit::Fail;
use crate::pool;
use crate::setup;
use crate::ui::Step;

/// Longest that one check may take to notice. Only detects a check that hangs.
const NOTICE: Duration = Duration::from_secs(600);

/// # Errors
/// A usage error if there is no twin of such a name.
pub fn known(names: &[String], ctx: &Ctx) -> anyhow::Result<()> {
    let twins = twin::read(&ctx.root().join("models/twins"))?;
    match names.iter().find(|name| twins.iter().all(|twin| twin.name != **name)) {
        None => Ok(()),
        Some(unknown) => Err(Fail::usage(format!("there is no twin `{unknown}`; models/twins has them all"))),
    }
}

/// All of them, or those named in `only`. A test of the models that no twin names is refused first.
pub fn run(only: &[String], ctx: &Ctx, progress: &Step) -> anyhow::Result<Explored> {
    let mut twins = twin::read(&ctx.root().join("models/twins"))?;
    unnamed::refuse(&ctx.root().join("models"), &twins)?;
    twins.retain(|twin| only.is_empty() || only.contains(&twin.name));
    let (mut said, mut missed) = (String::new(), Vec::new());
    for engine in Engine::ALL {
        let of_engine: Vec<&Twin> = twins.iter().filter(|twin| twin.engine == engine).collect();
        if of_engine.is_empty() {
            continue;
        }
        progress.at(format!("building {} twins for {}", of_engine.len(), engine.name()));
        let programs = build(engine, &workshop::make(engine, &of_engine, ctx)?, ctx)?;
        for (twin, verdict) in of_engine.iter().zip(notice(&of_engine, &programs, progress)) {
            match verdict {
                Ok(()) => said.push_str(&format!(
                    "explored twin {}: red by {} {}\n",
                    twin.name, twin.target, twin.test
                )),
                Err(why) => missed.push(format!("{}: {why}\n  {}", twin.name, twin.because)),
            }
        }
    }
    anyhow::ensure!(missed.is_empty(), "{} of {} twins:\n{}", missed.len(), twins.len(), missed.join("\n"));
    said.push_str(&format!("explored twins: {} twins, each red for the stated reason\n", twins.len()));
    let mut explored = Explored::default();
    explored.read(&said);
    Ok(explored)
}

/// Compiles the workspace in `folder`; returns the test program of each package folder.
fn build(engine: Engine, folder: &Path, ctx: &Ctx) -> anyhow::Result<BTreeMap<PathBuf, PathBuf>> {
    let mut command = engine.cargo(ctx);
    command.current_dir(folder).args(["test", "--workspace", "--test", "*"]);
    let programs =
        programs::build(&mut command).with_context(|| format!("twins for {} do not build", engine.name()))?;
    let folder = folder.canonicalize()?;
    Ok(programs.into_iter().map(|program| (within(&folder, &program.package), program.path)).collect())
}

/// The name of the twin's folder that holds a package.
fn within(folder: &Path, package: &Path) -> PathBuf {
    let inner = package.strip_prefix(folder).unwrap_or(package);
    inner.components().next().map(|first| PathBuf::from(first.as_os_str())).unwrap_or_default()
}

/// Runs each twin's check. A verdict for each, in order.
fn notice(
    twins: &[&Twin],
    programs: &BTreeMap<PathBuf, PathBuf>,
    progress: &Step,
) -> Vec<Result<(), String>> {
    pool::side_by_side(pool::cores(), twins, |at, twin| {
        progress.at(format!("twin {}/{}: {}", at + 1, twins.len(), twin.name));
        match programs.get(Path::new(&twin.name)) {
            Some(program) => judge(twin, program),
            None => Err("was not built".to_owned()),
        }
    })
}

fn judge(twin: &Twin, program: &Path) -> Result<(), String> {
    let mut command = programs::one(program, &twin.test);
    command.env_remove("ANTLER_DEEP").env_remove("RUST_BACKTRACE");
    let output =
        setup::run_bounded(&mut command, NOTICE).map_err(|trouble| format!("{} {trouble}", twin.test))?;
    let text = format!("{}{}", output.stdout, output.stderr);
    let end: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(12).collect();
    let end = end.into_iter().rev().collect::<Vec<_>>().join("\n    ");
    if !text.contains("running 1 test") {
        return Err(format!("{} has no test `{}`", twin.target, twin.test));
    }
    // What was printed before the first panic is no reason.
    let reason = text.find("panicked at").map_or("", |at| &text[at..]);
    match (output.status.success(), reason.contains(&twin.red)) {
        (true, _) => Err(format!("{} {} did not notice", twin.target, twin.test)),
        (false, true) => Ok(()),
        (false, false) => Err(format!("red, but not with `{}`:\n    {end}", twin.red)),
    }
}
