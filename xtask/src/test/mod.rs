//! `cargo xtask test`: everything CI runs, as a list of steps, each as a user would do it.

mod boards;
mod browser;
mod call;
mod checks;
mod damaged;
mod evidence;
mod firmware;
mod host;
mod os;
mod programs;
mod proofs;
mod refusals;
mod step;

use std::io::Write as _;

use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};
use step::{Count, Step};

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run only the steps whose name contains one of these texts
    filter: Vec<String>,
    /// Print the steps' names and run nothing
    #[arg(long)]
    list: bool,
    /// Success even if steps were skipped that need a newer QEMU
    #[arg(long)]
    allow_skipped: bool,
}

/// All steps, in order: the cheap first, then what must build, then what boots.
fn steps() -> Vec<Step> {
    [
        host::steps(),
        checks::steps(),
        os::steps(),
        proofs::steps(),
        programs::steps(),
        refusals::steps(),
        firmware::steps(),
        boards::steps(),
        damaged::steps(),
        evidence::steps(),
        browser::steps(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `cargo xtask test`. The last line of stdout is `N passed, N failed`.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let wanted =
        |step: &Step| args.filter.is_empty() || args.filter.iter().any(|part| step.name.contains(part));
    let steps: Vec<Step> = steps().into_iter().filter(wanted).collect();
    if steps.is_empty() {
        return Err(Fail::usage("no step has such a name; `cargo xtask test --list` prints them"));
    }
    if args.list {
        steps.iter().for_each(|step| say!("{}", step.name));
        return Ok(Exit::Success);
    }
    let mut total = Count::default();
    let mut failures: Vec<(String, String)> = Vec::new();
    // The step without which none of those after it can run, once it failed.
    let mut broken: Option<String> = None;
    for (at, step) in steps.iter().enumerate() {
        let label = format!("[{}/{}] {}", at + 1, steps.len(), step.name);
        if let Some(cause) = broken.as_ref().filter(|_| step.needs_build) {
            ctx.ui.line(&format!("{label} not run"));
            failures.push((step.name.clone(), format!("not run, since `{cause}` failed\n")));
            total.failed += 1;
            continue;
        }
        let progress = ctx.ui.step(label);
        match (step.run)(ctx) {
            Ok(count) => {
                let result = match count {
                    Count::ONE => String::new(),
                    Count::SKIPPED => "skipped: the QEMU found starves harts under -icount".to_owned(),
                    count => format!("{} passed", count.passed),
                };
                progress.done(&result);
                total.add(count);
            }
            Err(failure) => {
                progress.failed("");
                total.add(failure.count);
                failures.push((step.name.clone(), failure.output));
                if step.is_build {
                    broken = Some(step.name.clone());
                }
            }
        }
    }
    report(&failures, total)?;
    if failures.is_empty() && total.skipped > 0 && !args.allow_skipped {
        tell!(
            "{} steps were not run, for want of QEMU 8.1 or later: that is no success, unless --allow-skipped says so",
            total.skipped
        );
        return Ok(Exit::Setup);
    }
    Ok(if failures.is_empty() { Exit::Success } else { Exit::Red })
}

fn report(failures: &[(String, String)], total: Count) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for (name, output) in failures {
        writeln!(out, "\n==== FAILED: {name}\n{}", output.trim_end())?;
    }
    if !failures.is_empty() {
        writeln!(out, "\nfailed steps, and how to run each alone:")?;
        for (name, _) in failures {
            let quoted = shlex::try_quote(name).map_or(name.as_str().into(), |name| name);
            writeln!(out, "  {name}: cargo xtask test {quoted}")?;
        }
    }
    match total.skipped {
        0 => writeln!(out, "{} passed, {} failed", total.passed, total.failed)?,
        skipped => writeln!(out, "{} passed, {} failed, {skipped} skipped", total.passed, total.failed)?,
    }
    Ok(())
}
