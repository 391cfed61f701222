//! What `check` consists of.

use std::fmt;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use super::explored::Explored;
use super::models::{self, Engine};
use super::twins;
use crate::ctx::Ctx;
use crate::setup;
use crate::ui::Step;

/// How far to explore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// A few minutes: what every test run does.
    Bounded,
    /// Much further.
    Deep,
}

impl Depth {
    /// Tells a child how far to go.
    pub fn set(self, command: &mut Command) -> &mut Command {
        match self {
            Depth::Bounded => command.env_remove("ANTLER_DEEP"),
            Depth::Deep => command.env("ANTLER_DEEP", "1"),
        }
    }
}

/// One kind of check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// The lock-free pieces and handshakes in every execution within a stated bound, weak memory included
    Loom,
    /// Random schedules of the whole scheduler
    Shuttle,
    /// What operations of the scheduler cost, from few harts and tasks to many
    Growth,
    /// The simulator's plans
    Sim,
    /// Arbitrary bytes into the readers of outside data
    Fuzz,
    /// The real source with one fault each: every one must be noticed
    Twins,
}

/// The simulator's calls of a run: harts, seeds bounded, seeds deep. Every plan runs at each.
const SIM: [(&str, &str, &str); 5] = [
    ("2", "6500", "390000"),
    ("3", "6500", "390000"),
    ("8", "6500", "260000"),
    ("64", "1300", "26000"),
    ("512", "26", "1300"),
];

impl Part {
    /// All of them, in the order in which they run: the quick first.
    pub const ALL: [Part; 6] = [Part::Growth, Part::Loom, Part::Shuttle, Part::Sim, Part::Fuzz, Part::Twins];

    /// Runs it to its end; of the twins only those named in `only`, unless it is empty.
    pub fn run(self, depth: Depth, only: &[String], ctx: &Ctx, progress: &Step) -> anyhow::Result<Explored> {
        match self {
            Part::Loom => models::run(Engine::Loom, depth, ctx, progress),
            Part::Shuttle => models::run(Engine::Shuttle, depth, ctx, progress),
            Part::Growth => models::run(Engine::Counted, depth, ctx, progress),
            Part::Twins => twins::run(only, ctx, progress),
            Part::Sim => sim(depth, ctx, progress),
            Part::Fuzz => fuzz(depth, ctx),
        }
    }

    /// What a green result of this part does not say.
    pub fn does_not_cover(self) -> &'static str {
        match self {
            Part::Loom => {
                "more CPUs, tasks and involuntary switches than each model states; a load that sees a store of the \
                 future; races that only loom's stronger fences hide (docs/models.md); SeqCst accesses count as \
                 AcqRel; device writes and fences towards devices"
            }
            Part::Shuttle => {
                "weak memory: every access is sequentially consistent; schedules that no seed chose; doorbells that fail, \
                 address spaces, the machine's stop"
            }
            Part::Growth => {
                "memory of a CPU's own (the heap of its deadlines grows with the logarithm of the sleepers), and harts \
                 that fight for a line; killing a program, and a leaving CPU, look at every slot of the pool; not \
                 flat, but a stated slope: idle CPUs under a ceiling, which are passed over one by one"
            }
            Part::Sim => {
                "what happens inside a kernel entry, and the order of its memory: entries of virtual harts follow each \
                 other whole; the kernel around the nucleus; more deadlines on a CPU than one interrupt takes care of"
            }
            Part::Fuzz => "inputs that nobody came upon",
            Part::Twins => {
                "faults that nobody wrote down; `cargo xtask mutants` makes those that a machine can think of"
            }
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Loom => "loom",
            Part::Shuttle => "shuttle",
            Part::Growth => "growth",
            Part::Sim => "sim",
            Part::Fuzz => "fuzz",
            Part::Twins => "twins",
        })
    }
}

/// A command of ours, as a user would call it.
fn ours(ctx: &Ctx, args: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
    command.args(args).current_dir(ctx.root());
    Ok(command)
}

fn sim(depth: Depth, ctx: &Ctx, progress: &Step) -> anyhow::Result<Explored> {
    let mut explored = Explored::default();
    for (harts, bounded, deep) in SIM {
        let seeds = if depth == Depth::Deep { deep } else { bounded };
        progress.at(format!("{seeds} seeds at {harts} harts"));
        let args = ["sim", "--harts", harts, "--seeds", seeds];
        let output = setup::run_bounded(&mut ours(ctx, &args)?, Duration::from_secs(3600))?;
        anyhow::ensure!(
            output.status.success(),
            "cargo xtask {}\n{}{}",
            args.join(" "),
            output.stderr,
            output.stdout
        );
        explored.read(&output.stdout);
    }
    Ok(explored)
}

fn fuzz(depth: Depth, ctx: &Ctx) -> anyhow::Result<Explored> {
    let mut command = models::cargo(ctx);
    depth.set(&mut command).args(["test", "--package", "antler-fuzz", "--", "--nocapture"]);
    models::explored(&mut command)
}
