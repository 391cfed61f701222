//! What needs no kernel: format, lints, tidiness, host tests.

use std::process::Command;
use std::time::Duration;

use super::call::Call;
use super::step::{Count, Failure, Outcome, Step};
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::setup;

/// Longest that one cargo command may take, compiling included.
const LIMIT: Duration = Duration::from_secs(1200);

/// The steps.
pub fn steps() -> Vec<Step> {
    vec![
        Step::host("format", |ctx| plain(ctx, &["fmt", "--all", "--check"])),
        Step::host("clippy", |ctx| {
            plain(ctx, &["clippy", "--workspace", "--all-targets", "--", "-Dwarnings"])
        }),
        Step::host("tidy", |ctx| Call::new(["tidy"]).run(ctx)?.exits(Exit::Success)?.passes()),
        Step::host("host tests", host_tests),
        Step::host("every forgery of recorded runs", forgeries),
    ]
}

/// All forgeries that there are; the plain host tests judge some of each kind. Optimised, since there are many.
fn forgeries(ctx: &Ctx) -> Outcome {
    let mut command = cargo(ctx, &["test", "--package", "antler-proof", "--lib"]);
    for package in ["antler-proof", "antler-facts"] {
        command.arg(format!("--config=profile.dev.package.{package}.opt-level=2"));
    }
    command.env("ANTLER_DEEP", "1").args(["every_forgery_is_red_or_explained"]);
    let (success, output) = finish(&mut command)?;
    match output.lines().filter_map(result).any(|suite| suite.passed > 0) {
        true if success => Ok(Count::ONE),
        _ => Err(Failure::one(output)),
    }
}

/// The cargo that started us, with the toolchain that built us.
fn cargo(ctx: &Ctx, args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(ctx.root());
    command
}

fn plain(ctx: &Ctx, args: &[&str]) -> Outcome {
    let (success, output) = finish(&mut cargo(ctx, args))?;
    if success { Ok(Count::ONE) } else { Err(Failure::one(output)) }
}

fn finish(command: &mut Command) -> Result<(bool, String), Failure> {
    let ended = setup::run_bounded(command, LIMIT)
        .map_err(|trouble| Failure::one(format!("{command:?}\n{trouble}")))?;
    Ok((ended.status.success(), format!("{}{}", ended.stderr, ended.stdout)))
}

/// Every host test counts for itself, so that the summary tells how many there are.
fn host_tests(ctx: &Ctx) -> Outcome {
    let (success, output) = finish(&mut cargo(ctx, &["test", "--workspace", "--no-fail-fast"]))?;
    let mut count = output.lines().filter_map(result).fold(Count::default(), |mut sum, suite| {
        sum.add(suite);
        sum
    });
    match (success, count) {
        (true, Count { passed: 1.., failed: 0, .. }) => Ok(count),
        _ => {
            // A suite that does not compile has no results of its own.
            count.failed = count.failed.max(1);
            Err(Failure { count, output })
        }
    }
}

/// Reads `test result: ok. 13 passed; 0 failed; ...`.
fn result(line: &str) -> Option<Count> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |word: &str| {
        let part = rest.split("; ").find_map(|part| part.strip_suffix(word))?;
        part.trim().parse().ok()
    };
    Some(Count { passed: number(" passed")?, failed: number(" failed")?, skipped: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_suites_are_read() {
        let line =
            "test result: ok. 13 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s";
        assert_eq!(result(line), Some(Count { passed: 13, failed: 0, skipped: 0 }));
        let line =
            "test result: FAILED. 14 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0s";
        assert_eq!(result(line), Some(Count { passed: 14, failed: 2, skipped: 0 }));
        assert_eq!(result("test a ... ok"), None);
    }
}
