//! `cargo xtask counterfactuals`: a kernel built with the feature `faults` is told to do one thing wrong, and the judge
//! must see it: what [`Table`] says must turn red does, and nothing turns red that the table does not allow.

mod image;
mod matrix;
mod table;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use crate::build::{self, Built};
use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};
use crate::pool;
use crate::proof::{self, Outcome, Plan};
use crate::qemu::Doorbells;
use crate::setup;
pub use matrix::red;
use matrix::{Matrix, Row};
pub use table::known;
use table::{FILE, Fault, Table};

/// Where the runs leave console, facts and verdict, and the matrix itself.
const PLACE: &str = "target/counterfactuals";

/// What the kernel is told when it is asked which faults it knows.
const QUESTION: &str = "fault=?";

/// Sizes at which the kernel must be green as long as it is told nothing.
const SIZES: [u16; 3] = [1, 2, 4];

/// How long a machine may take. Each must end by a bound of its own, some after billions of instructions; on a busy host
/// that takes its time, and a fault that only this ends is a failure.
const PATIENCE: Duration = Duration::from_secs(900);

/// Arguments of `counterfactuals`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these faults
    faults: Vec<String>,
    /// Print the faults, what each does and what must turn red, and run nothing
    #[arg(long)]
    list: bool,
    /// On a machine with these doorbells, and no others used (docs/ipi.md)
    #[arg(long)]
    doorbells: Option<Doorbells>,
    /// Machines at a time [default: one for each CPU of the host]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: Option<u8>,
}

/// `cargo xtask counterfactuals`.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let table = Table::read(ctx.root())?;
    let faults = choose(&table, &args.faults)?;
    if args.list {
        faults.iter().for_each(|fault| say!("{fault}"));
        return Ok(Exit::Success);
    }
    anyhow::ensure!(
        setup::qemu(ctx)?.is_fair_under_icount(),
        "this QEMU starves harts under -icount, and the matrix runs under it; QEMU 8.1 or later is needed"
    );
    let shipped = build::build(ctx)?;
    let faulty = build::build_faulty(ctx)?;
    image::check(&shipped.kernel, &faulty.kernel, &table)?;
    say!("the shipped kernel has none of the hooks");
    let place = ctx.root().join(PLACE);
    let run = Run { ctx, built: &faulty, place: &place, doorbells: args.doorbells };
    run.agrees(&table)?;
    run.refuses()?;
    run.green_without(&table)?;
    let jobs = args.jobs.map_or_else(pool::cores, usize::from);
    let matrix = run.all(&faults, jobs)?;
    matrix.print();
    let mut unseen = Vec::new();
    if args.faults.is_empty() {
        if args.doorbells.is_none() {
            // The report shows the whole matrix or none, and that of the usual machine.
            matrix.write(proof::sha256(&shipped.kernel)?, &ctx.proof_out().join("counterfactuals.json"))?;
        }
        unseen = matrix.only_by_absence();
        unseen
            .iter()
            .for_each(|claim| say!("  HOLE {claim}: every fault ends the run before the judge looks at it"));
    }
    say!("{}", matrix.line());
    Ok(if matrix.is_good() && unseen.is_empty() { Exit::Success } else { Exit::Red })
}

fn choose<'a>(table: &'a Table, names: &[String]) -> anyhow::Result<Vec<&'a Fault>> {
    if names.is_empty() {
        return Ok(table.faults().iter().collect());
    }
    names
        .iter()
        .map(|name| {
            table.faults().iter().find(|fault| fault.name == *name).ok_or_else(|| {
                Fail::usage(format!(
                    "no fault is called {name}; `cargo xtask counterfactuals --list` prints them"
                ))
            })
        })
        .collect()
}

/// What all machines of a matrix have in common.
struct Run<'a> {
    ctx: &'a Ctx,
    /// The kernel with faults.
    built: &'a Built,
    place: &'a Path,
    doorbells: Option<Doorbells>,
}

impl Run<'_> {
    /// Boots with these boot arguments, and judges.
    fn prove(&self, smp: u16, append: &str, name: &str) -> anyhow::Result<Outcome> {
        let mut plan = Plan::new(smp);
        plan.icount = true;
        plan.timeout = PATIENCE;
        plan.kernel = Some(self.built.kernel.clone());
        plan.append = append.to_owned();
        plan.doorbells = self.doorbells;
        proof::prove_into(self.ctx, &plan, self.built, (self.place, name), false)
    }

    /// Kernel and table know the same faults.
    fn agrees(&self, table: &Table) -> anyhow::Result<()> {
        let outcome = self.prove(1, QUESTION, "question")?;
        let console =
            std::fs::read(outcome.dir.join("console.txt")).context("the console of the question is gone")?;
        let console = String::from_utf8_lossy(&console);
        let known = console.lines().find_map(|line| line.split_once("NAME one of"));
        let (_, known) =
            known.context("the kernel does not say which faults it knows; is it built with them?")?;
        let known: BTreeSet<&str> = known.split_whitespace().collect();
        let listed: BTreeSet<&str> = table.faults().iter().map(|fault| fault.name.as_str()).collect();
        let names =
            |a: &BTreeSet<&str>, b: &BTreeSet<&str>| a.difference(b).copied().collect::<Vec<_>>().join(", ");
        let (unlisted, unknown) = (names(&known, &listed), names(&listed, &known));
        anyhow::ensure!(unlisted.is_empty(), "faults that the kernel has and {FILE} does not: {unlisted}");
        anyhow::ensure!(unknown.is_empty(), "faults of {FILE} that the kernel does not have: {unknown}");
        Ok(())
    }

    /// What would tell nothing is no success: a CPU that there is not, two faults at once, and a fault that never had
    /// occasion to be committed.
    fn refuses(&self) -> anyhow::Result<()> {
        for (append, says) in [
            ("fault=ipi-dropped@cpu9", "there is no cpu9"),
            ("fault=marker-twice fault=ipi-dropped", "one fault at a time"),
            ("fault=hart-not-stopped@cpu0", "the fault hart-not-stopped was never committed"),
        ] {
            let outcome = self.prove(2, append, "refused")?;
            let console = std::fs::read(outcome.dir.join("console.txt")).context("a console is gone")?;
            let told = String::from_utf8_lossy(&console).contains(says);
            anyhow::ensure!(
                told && outcome.exit != Exit::Success,
                "with {append:?} the kernel must say {says:?} and fail: {}; {}",
                outcome.guest,
                outcome.dir.display()
            );
        }
        Ok(())
    }

    /// Told nothing, the very same build is right.
    fn green_without(&self, table: &Table) -> anyhow::Result<()> {
        for smp in SIZES {
            let name = format!("none-smp{smp}");
            let outcome = self.prove(smp, "", &name)?;
            anyhow::ensure!(
                outcome.exit == Exit::Success,
                "the kernel with faults is red though no fault was asked for: {}; {}",
                outcome.verdict.line(),
                outcome.dir.display()
            );
            if smp == 1 {
                table.covers_alone(&judged(&outcome.verdict))?;
            }
        }
        say!("without a fault the same kernel is green at {SIZES:?} harts");
        Ok(())
    }

    fn all(&self, faults: &[&Fault], jobs: usize) -> anyhow::Result<Matrix> {
        let faults: Vec<Fault> = faults.iter().flat_map(|fault| fault.runs()).collect();
        let step = self.ctx.ui.step(format!("{} runs with a fault", faults.len()));
        let rows = pool::all(jobs, &faults, |_, fault| {
            step.at(fault.run());
            let outcome = self.prove(fault.smp, &fault.argument(), &fault.run())?;
            Ok(Row::new(fault, &outcome))
        });
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => {
                step.failed("");
                return Err(error);
            }
        };
        let matrix = Matrix::new(rows);
        if matrix.is_good() {
            step.done("")
        } else {
            step.failed("")
        }
        Ok(matrix)
    }
}

/// The markers of a verdict, and the claims that were judged by facts: without any there is nothing to get wrong.
fn judged(verdict: &antler_proof::Verdict) -> BTreeSet<String> {
    let by_facts =
        |claim: &&antler_proof::Claim| claim.state == antler_proof::State::Green && claim.evidence_total > 0;
    let claims = verdict.claims.iter().filter(by_facts);
    let claims = claims.map(|claim| claim.name.to_owned());
    claims.chain(verdict.markers.iter().map(|marker| marker.line.clone())).collect()
}
