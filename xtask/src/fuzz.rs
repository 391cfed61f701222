//! `cargo xtask fuzz`: the fuzz targets on mutants of their corpus, by seed; or under libFuzzer, which follows coverage.

mod guided;

use std::path::PathBuf;
use std::time::Duration;

use antler_fuzz::{Campaign, Failure, Length, TARGETS, Target, campaign, replay, target};
use clap::builder::PossibleValuesParser;

use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};

/// Arguments of `fuzz`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One target; all of them, one after the other, when not given
    #[arg(value_parser = PossibleValuesParser::new(TARGETS.iter().map(|target| target.name)))]
    target: Option<String>,
    /// How long each target runs
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// How many mutants each target gets, instead of a time; 0 is the corpus alone
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    runs: Option<u64>,
    /// Seed of the first mutant; the others follow by one. Under --guided, libFuzzer's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run this one input and nothing else
    #[arg(long, requires = "target", conflicts_with_all = ["guided", "runs", "seconds", "seed"])]
    file: Option<PathBuf>,
    /// Let libFuzzer follow coverage; new inputs go to target/fuzz/corpus. Needs a C++ compiler
    #[arg(long)]
    guided: bool,
}

/// `cargo xtask fuzz`.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let one = args.target.as_deref().and_then(target);
    let targets = match one {
        Some(target) => vec![target],
        None => TARGETS.iter().collect(),
    };
    let length = match args.runs {
        Some(runs) => Length::Runs(runs),
        None => Length::Time(Duration::from_secs(u64::from(args.seconds))),
    };
    let plan = |target| Campaign { target, root: ctx.root(), seed: args.seed, length };
    if let (Some(file), Some(target)) = (&args.file, one) {
        if file.exists() && !file.is_file() {
            let kind = if file.is_dir() { "a folder" } else { "no regular file" };
            return Err(Fail::usage(format!("--file {} is {kind}", file.display())));
        }
        replay(&plan(target), file).map_err(|failure| match failure {
            Failure::File { .. } => Fail::usage(failure.to_string()),
            failure => failure.into(),
        })?;
        say!("{}: {} breaks no promise", target.name, file.display());
        return Ok(Exit::Success);
    }
    if args.guided {
        let plan = guided::Plan::new(length, args.seed)?;
        let fuzzer = guided::Fuzzer::build(ctx)?;
        for target in targets {
            say!("{}: {}", target.name, target.about);
            fuzzer.run(target, plan, ctx)?;
        }
        return Ok(Exit::Success);
    }
    for target in targets {
        mutate(target, &plan(target), ctx)?;
    }
    Ok(Exit::Success)
}

fn mutate(target: &Target, plan: &Campaign<'_>, ctx: &Ctx) -> anyhow::Result<()> {
    let step = ctx.ui.step(format!("fuzz {}", target.name));
    match campaign(plan, |tally| step.at(format!("{} mutants", tally.mutants))) {
        Ok(tally) => {
            let result =
                format!("{} corpus files, {} mutants, {} bytes", tally.samples, tally.mutants, tally.bytes);
            // The result is for stdout; on a terminal it would stand there twice.
            step.done("");
            say!("{}: {result}; next seed {}", target.name, plan.seed.wrapping_add(tally.mutants));
            Ok(())
        }
        Err(failure) => {
            step.failed(match failure {
                Failure::Broken { .. } => "an input breaks a promise",
                Failure::Corpus(_) | Failure::File { .. } => "",
            });
            Err(failure.into())
        }
    }
}
