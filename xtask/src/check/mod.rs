//! `cargo xtask check`: the checks that need no kernel to run. Models of the nucleus under loom and shuttle, their
//! sabotaged twins, the simulator's plans and the fuzz targets, bounded or much further.

mod explored;
mod models;
mod parts;
mod twin;
mod twins;
mod workshop;

use std::time::Instant;

use crate::ctx::Ctx;
use crate::exit::Exit;
pub use explored::Explored;
pub use models::lint;
pub use parts::{Depth, Part};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these parts
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Explore much further than a test run can afford
    #[arg(long)]
    deep: bool,
}

/// `cargo xtask check`: runs the parts one after the other, all of them even if one is red, and says how far each went.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let depth = if args.deep { Depth::Deep } else { Depth::Bounded };
    let parts = if args.parts.is_empty() { Part::ALL.to_vec() } else { args.parts };
    let (mut total, mut red) = (Explored::default(), Vec::new());
    let begun = Instant::now();
    for part in parts {
        let step = ctx.ui.step(format!("check: {part}"));
        match part.run(depth, ctx, &step) {
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
    total.print();
    say!("\nNot covered:");
    Part::ALL.iter().for_each(|part| say!("  {part}: {}", part.does_not_cover()));
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

/// What operations of the scheduler cost at 2 to 512 harts and 2 to 4,096 tasks, as a table; red if it grows.
pub fn growth(ctx: &Ctx) -> anyhow::Result<Exit> {
    let mut command = models::command(models::Engine::Counted, Depth::Bounded, ctx);
    let output = crate::setup::run_bounded(&mut command, std::time::Duration::from_secs(1200))?;
    output.stdout.lines().filter(|line| !line.starts_with("running ")).for_each(|line| say!("{line}"));
    if output.status.success() {
        return Ok(Exit::Success);
    }
    tell!("{}", output.stderr.trim_end());
    Ok(Exit::Red)
}
