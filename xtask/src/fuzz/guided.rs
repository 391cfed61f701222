//! libFuzzer on the stable toolchain: the coverage pass is LLVM's own and is asked for by compiler flags.

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
    pub fn run(&self, target: &Target, length: Length, seed: u64, ctx: &Ctx) -> anyhow::Result<()> {
        let found = ctx.root().join("target/fuzz/corpus").join(target.name);
        std::fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
        let kept = ctx.root().join("target/fuzz");
        let (runs, time) = match length {
            Length::Runs(runs) => (runs as i64, LONGEST),
            Length::Time(time) => (-1, time),
        };
        let mut command = Command::new(&self.binary);
        command.env("ANTLER_FUZZ_TARGET", target.name).stdin(Stdio::null());
        // libFuzzer takes 32 bits, and 0 for "any".
        command.arg(format!("-seed={}", (seed as u32).max(1))).arg(format!("-runs={runs}"));
        command.arg(format!("-max_total_time={}", time.as_secs())).arg(format!("-timeout={HANG}"));
        command.arg(format!("-max_len={MAX_INPUT}")).args(["-rss_limit_mb=2048", "-print_final_stats=1"]);
        command.arg(format!("-artifact_prefix={}/{}-", kept.display(), target.name));
        command.arg(&found).arg(folder(ctx.root(), target.name));
        let begun = SystemTime::now();
        let status = wait(&mut command, time + GRACE)?;
        if status.success() {
            return Ok(());
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

/// Runs a command whose output people read while it goes on; ends it, by its own handle, when `limit` passes.
fn wait(command: &mut Command, limit: Duration) -> anyhow::Result<ExitStatus> {
    let begun = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if begun.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            anyhow::bail!("libFuzzer did not end within {} s and was ended", limit.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
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
