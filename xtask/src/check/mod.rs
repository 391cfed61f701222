//! `cargo xtask check`: the checks that need no kernel to run. Models of the nucleus under loom and shuttle, their
//! sabotaged twins, the simulator's plans and the fuzz targets, bounded or much further.

mod explored;
mod models;
mod parts;
mod programs;
mod twin;
mod twins;
mod unnamed;
mod workshop;

use std::time::{Duration, Instant};

use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};
pub use explored::Explored;
pub use models::lint;
pub use parts::{Depth, Part};

/// Longest that compiling a part may take.
const BUILD: Duration = Duration::from_secs(3600);

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these parts
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Explore much further than a test run can afford; twins and growth stay as they are
    #[arg(long)]
    deep: bool,
    /// Only these twins
    #[arg(long, value_delimiter = ',', value_name = "NAME,..")]
    only: Vec<String>,
}

/// `cargo xtask check`: runs the parts one after the other, all of them even if one is red, and says how far each went.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let depth = if args.deep { Depth::Deep } else { Depth::Bounded };
    if !args.only.is_empty() {
        if !args.parts.is_empty() && !args.parts.contains(&Part::Twins) {
            return Err(Fail::usage("--only names twins, and twins are not among the parts asked for"));
        }
        twins::known(&args.only, ctx)?;
    }
    let parts = match args.parts.as_slice() {
        [] if !args.only.is_empty() => vec![Part::Twins],
        [] => Part::ALL.to_vec(),
        _ => args.parts,
    };
    let (mut total, mut red) = (Explored::default(), Vec::new());
    let begun = Instant::now();
    for &part in &parts {
        if let Err(error) = build(part, ctx) {
            say!("\n==== RED: {part}\n{error:#}\n");
            red.push(part.to_string());
            continue;
        }
        let step = ctx.ui.step(format!("check: {part}"));
        match part.run(depth, &args.only, ctx, &step) {
            Ok(explored) => {
                step.done(&explored.summary());
                total.merge(explored);
            }
            Err(error) => {
                step.failed("");
                say!("\n==== RED: {part}\n{error:#}\n");
                red.push(part.to_string());
            }
        }
    }
    if !total.is_empty() {
        total.print();
    }
    say!("\nNot covered:");
    parts.iter().for_each(|part| say!("  {part}: {}", part.does_not_cover()));
    tell!("check: {:.0} s", begun.elapsed().as_secs_f32());
    match red.as_slice() {
        [] => {
            say!("\ncheck green");
            Ok(Exit::Success)
        }
        red => {
            say!("\ncheck RED: {}", red.join(", "));
            Ok(Exit::Red)
        }
    }
}

/// Compiles what a part runs, as a step of its own: the first time it takes minutes. Twins build step by step themselves.
fn build(part: Part, ctx: &Ctx) -> anyhow::Result<()> {
    let models = |engine| models::build(engine, ctx).map(drop);
    let build = |build: &dyn Fn() -> anyhow::Result<()>| {
        let step = ctx.ui.step(format!("building {part}"));
        let built = build();
        match &built {
            Ok(()) => step.done(""),
            Err(_) => step.failed(""),
        }
        built
    };
    match part {
        Part::Loom => build(&|| models(models::Engine::Loom)),
        Part::Shuttle => build(&|| models(models::Engine::Shuttle)),
        Part::Growth => build(&|| models(models::Engine::Counted)),
        Part::Fuzz => build(&|| {
            let mut cargo = models::cargo(ctx);
            programs::build(cargo.args(["test", "--package", "antler-fuzz"])).map(drop)
        }),
        Part::Sim | Part::Twins => Ok(()),
    }
}

/// What operations of the scheduler cost at 2 to 512 harts and 2 to 4,096 tasks, as a table; red if it grows.
pub fn growth(ctx: &Ctx) -> anyhow::Result<Exit> {
    build(Part::Growth, ctx)?;
    let step = ctx.ui.step("counting accesses");
    let outputs = match models::outputs(models::Engine::Counted, Depth::Bounded, ctx, &step) {
        Ok(outputs) => outputs,
        Err(error) => {
            step.failed("");
            return Err(error);
        }
    };
    step.done("");
    let mut exit = Exit::Success;
    for models::Said { target, test, output } in outputs {
        match output {
            Ok(output) => {
                let table = output.stdout.lines().filter(|line| !line.starts_with("running "));
                table.for_each(|line| say!("{line}"));
                if !output.status.success() {
                    tell!("{}", output.stderr.trim_end());
                    exit = Exit::Red;
                }
            }
            Err(trouble) => {
                tell!("{target} {test} {trouble}");
                exit = Exit::Red;
            }
        }
    }
    Ok(exit)
}
