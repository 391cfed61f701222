//! `cargo xtask mutants`: small errors are put into the source one by one, and the tests must notice each. What they do
//! not notice is explained in `docs/proof.md`, or is red.

mod change;
mod explained;
mod hold;
mod outcomes;
mod quick;
mod run;
mod settle;
mod tool;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::ctx::Ctx;
use crate::exit::Exit;
use outcomes::{Mutant, Outcomes};

/// Arguments of `mutants`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these packages
    #[arg(value_enum)]
    packages: Vec<Package>,
    /// Mutants under test at one time; each builds in a folder of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// Only mutants in lines that git says have changed since REF; files that git does not know yet are left out
    // With `=`, or a package behind the option would be its REF.
    #[arg(long, value_name = "REF", num_args = 0..=1, require_equals = true, default_missing_value = "HEAD")]
    in_diff: Option<String>,
}

/// A package whose source is mutated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Package {
    /// The kernel's logic, by its own tests and the simulator's
    Nucleus,
    /// The judge
    Proof,
    /// The readers of outside data
    Parse,
    /// The codec of facts
    Facts,
    /// What programs and kernel say to each other
    Abi,
}

impl Package {
    const ALL: [Package; 5] =
        [Package::Abi, Package::Facts, Package::Proof, Package::Parse, Package::Nucleus];

    /// The package's name in its manifest.
    fn name(self) -> &'static str {
        match self {
            Package::Nucleus => "antler-nucleus",
            Package::Proof => "antler-proof",
            Package::Parse => "antler-parse",
            Package::Facts => "antler-facts",
            Package::Abi => "antler-abi",
        }
    }

    /// Its folder, from the root.
    fn folder(self) -> &'static Path {
        Path::new(match self {
            Package::Nucleus => "crates/nucleus",
            Package::Proof => "proof",
            Package::Parse => "crates/parse",
            Package::Facts => "crates/facts",
            Package::Abi => "crates/abi",
        })
    }

    /// The packages whose tests must notice.
    fn tested_by(self) -> &'static [&'static str] {
        match self {
            Package::Nucleus => &["antler-nucleus", "antler-sim"],
            Package::Proof => &["antler-proof"],
            Package::Parse => &["antler-parse"],
            Package::Facts => &["antler-facts"],
            Package::Abi => &["antler-abi"],
        }
    }

    /// Tests that take nine tenths of the time of all: they run only for what the others do not notice.
    fn slow_tests(self) -> &'static [&'static str] {
        match self {
            Package::Proof => &[
                "every_forgery_is_red_or_explained",
                "a_row_taken_away_is_missed",
                "no_bytes_make_the_judge_panic",
                "two_tasks_in_one_slot",
                "a_tame_program_ended_for_a_fault",
                "reasons_say_who_and_what",
                "idle_with_work_in_its_own_queue",
                "a_task_put_on_two_cpus",
                "no_character_is_lost_silently",
            ],
            Package::Nucleus | Package::Parse | Package::Facts | Package::Abi => &[],
        }
    }

    /// Where the runs of this package leave what they found.
    fn out(self, ctx: &Ctx) -> PathBuf {
        ctx.root().join("target/mutants").join(self.name())
    }
}

/// `cargo xtask mutants`: one package after the other, then the survivors against their explanations.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let rows = explained::read(ctx)?;
    let packages = if args.packages.is_empty() { Package::ALL.to_vec() } else { args.packages };
    let _hold = hold::hold(ctx)?;
    let diff = args.in_diff.as_deref().map(|since| change::since(since, ctx)).transpose()?;
    if let Some(change::Diff::Empty) = diff {
        say!("nothing has changed, so there is nothing to mutate");
        return Ok(Exit::Success);
    }
    let diff = diff.and_then(change::Diff::file);
    let tool = tool::find(ctx)?;
    let mut total = Outcomes::default();
    for &package in &packages {
        let step = ctx.ui.step(format!("mutants of {}", package.name()));
        let found = run::run(&tool, package, args.jobs, diff.as_deref(), ctx, &step)
            .with_context(|| format!("mutants of {}", package.name()));
        match found {
            Ok(outcomes) => {
                match outcomes.total() {
                    0 => step.done("the diff changes nothing here that can be mutated"),
                    _ => step.done(&outcomes.summary()),
                }
                total.merge(outcomes);
            }
            Err(error) => {
                step.failed("");
                return Err(error);
            }
        }
    }
    if total.total() == 0 {
        // Only a diff leads here: a package without one mutant leaves no results, which is an error.
        let names: Vec<&str> = packages.iter().map(|package| package.name()).collect();
        say!("the diff changes nothing in {} that can be mutated", names.join(", "));
        return Ok(Exit::Success);
    }
    for mutant in &total.timed_out {
        say!("the tests ran out of time, which counts as noticed: {}: {}", mutant.file, mutant.change);
    }
    // Of a part of the mutants nobody can say which explanations have had their day.
    let whole = diff.is_none();
    let folders: Vec<&Path> = packages.iter().map(|package| package.folder()).collect();
    let account = settle::settle(&total.missed, &rows, &folders, whole);
    account.print();
    say!("{}, of them {} explained", total.summary(), account.explained);
    Ok(if account.is_square() { Exit::Success } else { Exit::Red })
}
