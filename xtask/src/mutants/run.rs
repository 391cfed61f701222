//! One run of cargo-mutants over one package.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use super::{Outcomes, Package};
use crate::ctx::Ctx;
use crate::ui::Step;

/// Longest silence: the first build, or one mutant with both of its time-outs.
const SILENCE: Duration = Duration::from_secs(1800);

/// Tries every mutant of the package, or those in the lines of `diff`.
pub fn run(
    tool: &Path,
    package: Package,
    jobs: u8,
    diff: Option<&Path>,
    ctx: &Ctx,
    progress: &Step,
) -> anyhow::Result<Outcomes> {
    let out = package.out(ctx);
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let results = out.join("mutants.out/outcomes.json");
    // An old one must not be taken for this run's.
    match std::fs::remove_file(&results) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", results.display()));
        }
        _ => {}
    }
    let mut command = Command::new(tool);
    command.arg("mutants").current_dir(ctx.root());
    command.args(["--package", package.name(), "--test-package", &package.tested_by().join(",")]);
    command.args(["--caught", "--unviable", "--no-times", "--colors", "never", "--jobs", &jobs.to_string()]);
    command.arg("--output").arg(&out);
    if let Some(diff) = diff {
        command.arg("--in-diff").arg(diff);
    }
    // Each mutant is built in its copy of the tree; one folder for all would mix them up.
    command.env_remove("CARGO_TARGET_DIR").env("CARGO", super::tool::cargo());
    let (status, said) = follow(&mut command, progress)?;
    // 2 and 3: mutants survived, or timed out. What that means is for us to say.
    anyhow::ensure!(
        matches!(status.code(), Some(0 | 2 | 3)),
        "cargo-mutants ended with {status}; its log is in {}\n{said}",
        out.join("mutants.out").display()
    );
    match std::fs::read_to_string(&results) {
        Ok(json) => Outcomes::read(&json),
        Err(error) if diff.is_some() && error.kind() == std::io::ErrorKind::NotFound => {
            Ok(Outcomes::default())
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", results.display())),
    }
}

/// Runs the command and counts its lines, one a mutant. Its last words come back for an error.
fn follow(command: &mut Command, progress: &Step) -> anyhow::Result<(ExitStatus, String)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start cargo-mutants")?;
    let lines = lines(&mut child);
    let mut last: Vec<String> = Vec::new();
    let (mut tried, mut all) = (0, String::from("?"));
    loop {
        match lines.recv_timeout(SILENCE) {
            Ok(line) => {
                if let Some(found) = line.strip_prefix("Found ") {
                    all = found.split(' ').next().unwrap_or("?").to_owned();
                }
                let begin = line.split_whitespace().next().unwrap_or_default();
                if matches!(begin, "caught" | "MISSED" | "TIMEOUT" | "unviable") {
                    tried += 1;
                    progress.at(format!("{tried} of {all}: {line}"));
                } else {
                    last.push(line);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                // It may have ended in this very moment; either way it is reaped.
                let _ = child.kill();
                let _ = child.wait();
                anyhow::bail!("cargo-mutants was silent for {} s and was ended", SILENCE.as_secs());
            }
        }
    }
    let status = child.wait().context("cannot wait for cargo-mutants")?;
    Ok((status, last.join("\n")))
}

/// The lines of both outputs, as they come; closed when both are.
fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let outputs: [Option<Box<dyn std::io::Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as Box<_>),
        child.stderr.take().map(|pipe| Box::new(pipe) as Box<_>),
    ];
    for output in outputs.into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}
