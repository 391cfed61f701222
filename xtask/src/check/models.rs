//! The models of `models/`, which are tests under `--cfg loom`, `--cfg shuttle` or `--cfg counted`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use super::explored::Explored;
use super::parts::Depth;
use super::programs::{self, Program};
use super::unnamed;
use crate::ctx::Ctx;
use crate::pool;
use crate::setup;
use crate::ui::Step;

/// Longest that one model may take; one that hangs is red.
const LIMIT: Duration = Duration::from_secs(3600);

/// What runs a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Every execution within a bound, weak memory included.
    Loom,
    /// Random schedules, sequentially consistent.
    Shuttle,
    /// One thread whose accesses to shared memory are counted.
    Counted,
    /// The simulator, one thread.
    Sim,
}

impl Engine {
    /// All of them.
    pub const ALL: [Engine; 4] = [Engine::Loom, Engine::Shuttle, Engine::Counted, Engine::Sim];

    /// The name: of folders, and of the configuration that chooses the atomics.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Loom => "loom",
            Engine::Shuttle => "shuttle",
            Engine::Counted => "counted",
            Engine::Sim => "sim",
        }
    }

    /// Where this engine's builds go: a folder of its own, so that its configuration never meets a plain build.
    pub fn target(self, ctx: &Ctx) -> PathBuf {
        ctx.root().join("target/models").join(self.name())
    }

    /// A cargo command for builds of this engine.
    pub fn cargo(self, ctx: &Ctx) -> Command {
        let mut command = cargo(ctx);
        let flags = match self {
            Engine::Loom | Engine::Shuttle | Engine::Counted => format!("--cfg {}", self.name()),
            Engine::Sim => String::new(),
        };
        command.env("RUSTFLAGS", flags).env_remove("CARGO_ENCODED_RUSTFLAGS");
        command.env("CARGO_TARGET_DIR", self.target(ctx));
        command
    }
}

/// The cargo that started us, with the toolchain that built us.
pub fn cargo(ctx: &Ctx) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(ctx.root());
    command
}

/// Builds the models of an engine.
pub fn build(engine: Engine, ctx: &Ctx) -> anyhow::Result<Vec<Program>> {
    let mut command = engine.cargo(ctx);
    command.current_dir(ctx.root().join("models"));
    command.args(["test", "--locked", "--test", &format!("{}-*", engine.name())]);
    programs::build(&mut command)
}

/// What a model's test said.
#[derive(Debug)]
pub struct Said {
    /// The program's name.
    pub target: String,
    /// The test's name.
    pub test: String,
    /// How it ended, and its words.
    pub output: Result<setup::Output, setup::Trouble>,
}

/// Builds all models of an engine and runs each test of them.
pub fn outputs(engine: Engine, depth: Depth, ctx: &Ctx, progress: &Step) -> anyhow::Result<Vec<Said>> {
    let mut tests = Vec::new();
    for Program { target, path, .. } in build(engine, ctx)? {
        let names = programs::tests(&path).with_context(|| target.clone())?;
        anyhow::ensure!(!names.is_empty(), "{target} has no tests");
        tests.extend(names.into_iter().map(|test| (target.clone(), path.clone(), test)));
    }
    Ok(pool::side_by_side(pool::cores(), &tests, |at, (target, path, test)| {
        progress.at(format!("{}/{}: {target} {test}", at + 1, tests.len()));
        let output = setup::run_bounded(depth.set(&mut programs::one(path, test)), LIMIT);
        Said { target: target.clone(), test: test.clone(), output }
    }))
}

/// Runs all models of an engine and reads how far they went. A test that says nothing explored nothing, and is red.
pub fn run(engine: Engine, depth: Depth, ctx: &Ctx, progress: &Step) -> anyhow::Result<Explored> {
    let (mut explored, mut red) = (Explored::default(), Vec::new());
    for Said { target, test, output } in outputs(engine, depth, ctx, progress)? {
        let why = match output {
            Ok(output) if output.status.success() => {
                let mut said = Explored::default();
                said.read(&output.stdout);
                if !said.is_empty() || unnamed::excused(&target, &test) {
                    explored.merge(said);
                    continue;
                }
                "explored nothing".to_owned()
            }
            Ok(output) => format!("is red\n{}\n{}", output.stderr.trim_end(), output.stdout.trim_end()),
            Err(trouble) => trouble.to_string(),
        };
        red.push(format!("{target} {test} {why}"));
    }
    anyhow::ensure!(red.is_empty(), "{}", red.join("\n\n"));
    Ok(explored)
}

/// Format and lints of the models, for every engine: the plain workspace does not know them.
pub fn lint(ctx: &Ctx) -> anyhow::Result<()> {
    let mut commands = vec![cargo(ctx)];
    commands[0].args(["fmt", "--check"]);
    for engine in [Engine::Loom, Engine::Shuttle, Engine::Counted] {
        let mut clippy = engine.cargo(ctx);
        clippy.args(["clippy", "--locked", "--all-targets", "--", "-Dwarnings"]);
        commands.push(clippy);
    }
    for mut command in commands {
        let output = setup::run_bounded(command.current_dir(ctx.root().join("models")), LIMIT)?;
        anyhow::ensure!(output.status.success(), "{command:?}\n{}{}", output.stderr, output.stdout);
    }
    Ok(())
}

/// Runs a check and reads how far it went. One that says nothing explored nothing, and is red.
pub fn explored(command: &mut Command) -> anyhow::Result<Explored> {
    let output = setup::run_bounded(command, LIMIT)?;
    anyhow::ensure!(output.status.success(), "{}\n{}", output.stderr.trim_end(), output.stdout.trim_end());
    let mut explored = Explored::default();
    explored.read(&output.stdout);
    anyhow::ensure!(!explored.is_empty(), "nothing was explored:\n{}{}", output.stderr, output.stdout);
    Ok(explored)
}
