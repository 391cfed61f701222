//! `cargo xtask tamper`: in the kernel that is shipped, instructions are replaced, and what boots then must not get a
//! green verdict. The counterfactuals ask a kernel to do wrong; here nobody is asked.

mod change;
mod image;
mod pattern;
mod row;
mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::build::{self, Built};
use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};
use crate::pool;
use crate::proof::{self, Plan};
use crate::setup;
use image::Image;
use row::{Exactly, Row, Rows};
use table::{LEAST, Table, Tampered};

/// Where the images and their runs are left.
const PLACE: &str = "target/tamper";

/// How long a machine may take that ends by a bound of its own.
const PATIENCE: Duration = Duration::from_secs(300);

/// How much longer than the kernel as it is a machine may take that nothing in the guest can end, and how long at least. A
/// host that is slow makes both slow; and what is ended too early is red all the same.
const LONGER: u32 = 4;
const AT_LEAST: Duration = Duration::from_secs(5);

/// Arguments of `tamper`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these images
    images: Vec<String>,
    /// Print the images, what is changed in each and what must come of it, and run nothing
    #[arg(long)]
    list: bool,
    /// Print the kernel's code, as patterns see it: that of functions whose name contains this text, or that was compiled
    /// from source lines that do
    #[arg(long, value_name = "TEXT", conflicts_with = "list")]
    code: Option<String>,
    /// Machines at a time [default: one for each CPU of the host]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: Option<u8>,
}

/// `cargo xtask tamper`.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let table = Table::read(ctx.root())?;
    let images = choose(&table, &args.images)?;
    if args.list {
        images.iter().for_each(|image| say!("{image}"));
        return Ok(Exit::Success);
    }
    let built = build::build(ctx)?;
    let bytes =
        std::fs::read(&built.kernel).with_context(|| format!("cannot read {}", built.kernel.display()))?;
    let image = Image::read(ctx.root(), &bytes).with_context(|| format!("{}", built.kernel.display()))?;
    if let Some(text) = &args.code {
        return show(&image, text);
    }
    anyhow::ensure!(
        setup::qemu(ctx)?.is_fair_under_icount(),
        "this QEMU starves harts under -icount, and the images run under it; QEMU 8.1 or later is needed"
    );
    let place = ctx.root().join(PLACE);
    std::fs::create_dir_all(&place).with_context(|| format!("cannot create {}", place.display()))?;
    let how = compiler(&table, &image);
    // All before any: a kernel that was rebuilt is known by patterns that do not fit, not by runs.
    let ready = patch_all(&image, &images, &place, how)?;
    let jobs = args.jobs.map_or_else(pool::cores, usize::from);
    let patience = LONGER * green_without(ctx, &built, &bytes, &images, &place)?;
    let rows = run_all(ctx, &built, &place, &ready, (jobs, patience.max(AT_LEAST)), how)?;
    rows.print();
    rows.write(&place.join("images.json"))?;
    say!("{}", rows.line());
    Ok(if rows.is_good() { Exit::Success } else { Exit::Red })
}

fn choose<'a>(table: &'a Table, names: &[String]) -> anyhow::Result<Vec<&'a Tampered>> {
    if names.is_empty() {
        return Ok(table.images().iter().collect());
    }
    let find = |name: &String| table.images().iter().find(|image| image.name == *name);
    let unknown = |name: &String| {
        Fail::usage(format!("no image is called {name}; `cargo xtask tamper --list` prints them"))
    };
    names.iter().map(|name| find(name).ok_or_else(|| unknown(name))).collect()
}

fn show(image: &Image<'_>, text: &str) -> anyhow::Result<Exit> {
    for code in image.code() {
        let functions: Vec<&str> = image.functions(code.address).collect();
        let sources = image.sources(code.address)?;
        if functions.iter().any(|name| name.contains(text)) || sources.iter().any(|line| line.contains(text))
        {
            let function = functions.first().copied().unwrap_or("?");
            say!("{:#x}: {:32} {function}", code.address, code.text);
            sources.iter().for_each(|line| say!("    {line}"));
        }
    }
    Ok(Exit::Success)
}

/// Whether the kernel was compiled by the table's compiler; says so if not.
fn compiler(table: &Table, image: &Image<'_>) -> Exactly {
    if image.compiler() == Some(table.compiler()) {
        return Exactly::Yes;
    }
    say!(
        "rustc {} compiled this kernel, and the table was written for {}: images that cannot be made of its code are left \
         out, at least {LEAST} are run, and each need only not be green",
        image.compiler().unwrap_or("of no known version"),
        table.compiler()
    );
    Exactly::No
}

/// An image that lies ready: what it is, the file, and what was changed.
type Ready<'a> = (&'a Tampered, PathBuf, Vec<table::Changed>);

/// Writes every image; with another compiler than the table's every one that can be made, and at least [`LEAST`], unless
/// fewer were asked for.
///
/// # Errors
/// All patterns that do not fit, not only the first.
fn patch_all<'a>(
    image: &Image<'_>,
    images: &[&'a Tampered],
    place: &Path,
    how: Exactly,
) -> anyhow::Result<Vec<Ready<'a>>> {
    let (mut ready, mut wrong) = (Vec::new(), Vec::new());
    for tampered in images {
        match tampered.apply(image) {
            Ok((bytes, changed)) => {
                let path = place.join(format!("{}.elf", tampered.name));
                std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
                ready.push((*tampered, path, changed));
            }
            Err(error) => wrong.push(format!("{}: {error:#}", tampered.name)),
        }
    }
    let enough = how == Exactly::No && ready.len() >= LEAST.min(images.len());
    if enough {
        wrong.iter().for_each(|wrong| say!("  left out {wrong}"));
        return Ok(ready);
    }
    anyhow::ensure!(
        wrong.is_empty(),
        "{} of {} images cannot be made:\n{}",
        wrong.len(),
        images.len(),
        wrong.join("\n")
    );
    Ok(ready)
}

fn plan(kernel: &Path, smp: u16, timeout: Duration) -> Plan {
    let mut plan = Plan::new(smp);
    plan.icount = true;
    plan.timeout = timeout;
    plan.kernel = Some(kernel.to_path_buf());
    plan
}

/// The same file with nothing changed is green, on every size of machine that the images run on. Returns how long the
/// slowest took.
fn green_without(
    ctx: &Ctx,
    built: &Built,
    bytes: &[u8],
    images: &[&Tampered],
    place: &Path,
) -> anyhow::Result<Duration> {
    let path = place.join("none.elf");
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    let sizes: std::collections::BTreeSet<u16> = images.iter().map(|image| image.smp).collect();
    let mut slowest = Duration::ZERO;
    for &smp in &sizes {
        let name = format!("none-smp{smp}");
        let outcome = proof::prove_into(ctx, &plan(&path, smp, PATIENCE), built, (place, &name), false)?;
        anyhow::ensure!(
            outcome.exit == Exit::Success,
            "the kernel is red though nothing was changed: {}; {}",
            outcome.verdict.line(),
            outcome.dir.display()
        );
        slowest = slowest.max(outcome.took);
    }
    say!("with nothing changed the same file is green at {sizes:?} harts");
    Ok(slowest)
}

fn run_all(
    ctx: &Ctx,
    built: &Built,
    place: &Path,
    images: &[Ready<'_>],
    (jobs, patience): (usize, Duration),
    how: Exactly,
) -> anyhow::Result<Rows> {
    let step = ctx.ui.step(format!("{} tampered images", images.len()));
    let rows = pool::all(jobs, images, |_, (tampered, path, changed)| {
        step.at(tampered.name.clone());
        let timeout = if tampered.unbounded.is_some() { patience } else { PATIENCE };
        let plan = plan(path, tampered.smp, timeout);
        let outcome = proof::prove_into(ctx, &plan, built, (place, &tampered.name), false)?;
        Ok(Row::new(tampered, changed, &outcome, how))
    });
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => {
            step.failed("");
            return Err(error);
        }
    };
    let rows = Rows::new(rows);
    if rows.is_good() {
        step.done("")
    } else {
        step.failed("")
    }
    Ok(rows)
}
