//! libFuzzer on the stable toolchain: the coverage pass is LLVM's own and is asked for by compiler flags.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use antler_fuzz::{Length, MAX_INPUT, Target, folder};
use anyhow::Context as _;

use crate::ctx::Ctx;
use crate::exit::Fail;
use crate::setup;

/// One input may take this long, seconds.
const HANG: u64 = 60;
/// A run by count ends after this time at the latest.
const LONGEST: Duration = Duration::from_secs(3600);
/// Time to load the corpus, and to end.
const GRACE: Duration = Duration::from_secs(300);

/// What makes rustc count edges and report comparisons, as libFuzzer wants it.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg",
    "fuzzing",
];

/// How libFuzzer says, at its end, how many inputs it ran.
const RAN: &str = "stat::number_of_executed_units:";

/// How far to go, in numbers that libFuzzer takes: it cuts larger ones to 32 bits without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Inputs, those of the corpus included; as many as fit into the time when there is none.
    runs: Option<i32>,
    time: Duration,
    seed: u32,
}

impl Plan {
    /// Fails, as wrong usage, when a number does not fit.
    pub fn new(length: Length, seed: u64) -> anyhow::Result<Plan> {
        let (runs, time) = match length {
            Length::Runs(runs) => {
                let fits = i32::try_from(runs);
                let refused = |_| Fail::usage(format!("--guided takes at most {} --runs", i32::MAX));
                (Some(fits.map_err(refused)?), LONGEST)
            }
            Length::Time(time) => (None, time),
        };
        // 0 is libFuzzer's word for any.
        let seed = u32::try_from(seed).ok().filter(|seed| *seed != 0);
        let seed =
            seed.ok_or_else(|| Fail::usage(format!("--guided takes a --seed from 1 to {}", u32::MAX)))?;
        Ok(Plan { runs, time, seed })
    }

    /// Fails when libFuzzer made fewer runs than it was to make, or does not say how many.
    fn made(self, ran: Option<u64>) -> anyhow::Result<()> {
        let ran = ran.context("libFuzzer does not say how many inputs it ran")?;
        let wanted = self.runs.map_or(0, |runs| u64::from(runs.unsigned_abs()));
        anyhow::ensure!(ran >= wanted, "{ran} of {wanted} runs were made in {} s", self.time.as_secs());
        Ok(())
    }
}

/// The built fuzzer: one binary for all targets.
pub struct Fuzzer {
    binary: PathBuf,
}

impl Fuzzer {
    /// Builds it, instrumented. The host triple is named, or the flags would reach build scripts, which cannot link
    /// with them.
    pub fn build(ctx: &Ctx) -> anyhow::Result<Fuzzer> {
        compiler()?;
        let host = host()?;
        let out = ctx.root().join("target/fuzz/build");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(ctx.root().join("fuzz/guided")).args(["build", "--release", "--target", &host]);
        cargo.arg("--target-dir").arg(&out).env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
        let step = ctx.ui.step("building the guided fuzzer");
        let built = setup::run_bounded(&mut cargo, Duration::from_secs(1200)).map_err(anyhow::Error::from);
        match built.and_then(|output| {
            anyhow::ensure!(output.status.success(), "{}", output.stderr.trim_end());
            Ok(())
        }) {
            Ok(()) => step.done(""),
            Err(error) => {
                step.failed("");
                return Err(error.context("the guided fuzzer cannot be built"));
            }
        }
        Ok(Fuzzer { binary: out.join(host).join("release/antler-fuzz-guided") })
    }

    /// Runs one target. What libFuzzer finds new goes to `target/fuzz/corpus`; its report is on stderr.
    pub fn run(&self, target: &Target, plan: Plan, ctx: &Ctx) -> anyhow::Result<()> {
        let found = ctx.root().join("target/fuzz/corpus").join(target.name);
        std::fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
        let kept = ctx.root().join("target/fuzz");
        let Plan { runs, time, seed } = plan;
        let mut command = Command::new(&self.binary);
        command.env("ANTLER_FUZZ_TARGET", target.name).stdin(Stdio::null());
        command.arg(format!("-seed={seed}")).arg(format!("-runs={}", runs.unwrap_or(-1)));
        command.arg(format!("-max_total_time={}", time.as_secs())).arg(format!("-timeout={HANG}"));
        command.arg(format!("-max_len={MAX_INPUT}")).args(["-rss_limit_mb=2048", "-print_final_stats=1"]);
        command.arg(format!("-artifact_prefix={}/{}-", kept.display(), target.name));
        command.arg(&found).arg(folder(ctx.root(), target.name));
        let begun = SystemTime::now();
        let (status, ran) = wait(&mut command, time + GRACE)?;
        if status.success() {
            return plan.made(ran).context(target.name);
        }
        let inputs = made_since(&kept, target.name, begun);
        let repeat = inputs
            .iter()
            .map(|path| format!("\nrepeat with: cargo xtask fuzz {} --file {}", target.name, path.display()));
        anyhow::bail!("{}: libFuzzer ended with {status}{}", target.name, repeat.collect::<String>())
    }
}

/// libFuzzer is C++, compiled by the crate that brings it.
fn compiler() -> anyhow::Result<()> {
    let name = std::env::var("CXX").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "c++".to_owned());
    let mut ask = Command::new(&name);
    ask.arg("--version");
    match setup::run_bounded(&mut ask, Duration::from_secs(30)) {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            Err(Fail::setup(format!("the C++ compiler {name} does not work: {}", output.stderr.trim())))
        }
        Err(trouble) => Err(Fail::setup(format!(
            "--guided needs a C++ compiler, for libFuzzer: {name} {trouble}; install g++ or clang, or name one in CXX"
        ))),
    }
}

/// The triple that this machine's rustc builds for.
fn host() -> anyhow::Result<String> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let text = setup::run_bounded(rustc.arg("-vV"), Duration::from_secs(30))
        .and_then(setup::Output::success)
        .map_err(|trouble| Fail::setup(format!("rustc does not tell its version: {trouble}")))?;
    let line = text.stdout.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).context("rustc -vV names no host")
}

/// Runs libFuzzer, whose report people read while it goes on; ends it, by its own handle, when `limit` passes. Returns
/// how it ended and how many inputs it says it ran.
fn wait(command: &mut Command, limit: Duration) -> anyhow::Result<(ExitStatus, Option<u64>)> {
    let begun = Instant::now();
    let mut child =
        setup::start(command.stderr(Stdio::piped())).with_context(|| format!("cannot start {command:?}"))?;
    let report = child.stderr.take().context("libFuzzer has no stderr")?;
    let report = thread::spawn(move || pass_on(report, |line| tell!("{line}")));
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() >= limit {
            setup::end(&mut child);
            anyhow::bail!("libFuzzer did not end within {} s and was ended", limit.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    };
    setup::pass();
    Ok((status, report.join().unwrap_or_default()))
}

/// Shows a report, and returns the number of inputs that stands in it.
fn pass_on(report: impl Read, show: impl Fn(&str)) -> Option<u64> {
    let mut ran = None;
    for line in BufReader::new(report).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        show(&line);
        ran = line.strip_prefix(RAN).and_then(|number| number.trim().parse().ok()).or(ran);
    }
    ran
}

/// Inputs of this target that were kept since then.
fn made_since(kept: &Path, target: &str, begun: SystemTime) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(kept).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let fresh = entry.metadata().and_then(|data| data.modified()).is_ok_and(|time| time >= begun);
        name.starts_with(&format!("{target}-")) && fresh
    });
    ours.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_libfuzzer_would_cut_are_refused() {
        let plan = |runs, seed| Plan::new(Length::Runs(runs), seed);
        assert_eq!(plan(i32::MAX as u64, u64::from(u32::MAX)).unwrap().runs, Some(i32::MAX));
        for (runs, seed) in [(1 << 31, 1), ((1 << 32) + 3, 1), (u64::MAX, 1), (1, 0), (1, 1 << 32)] {
            let error = plan(runs, seed).unwrap_err();
            assert_eq!(Fail::exit_of(&error), crate::exit::Exit::Usage, "{error}");
        }
    }

    #[test]
    fn a_run_that_ends_early_is_no_success() {
        let plan = Plan::new(Length::Runs(100), 1).unwrap();
        let report = b"#1 INITED\nstat::number_of_executed_units: 100\nstat::peak_rss_mb: 40\n";
        assert_eq!(pass_on(&report[..], |_| ()), Some(100));
        assert!(plan.made(Some(100)).is_ok());
        assert!(plan.made(Some(99)).is_err());
        assert!(plan.made(None).is_err());
        assert!(Plan::new(Length::Time(Duration::from_secs(1)), 1).unwrap().made(Some(0)).is_ok());
    }
}
