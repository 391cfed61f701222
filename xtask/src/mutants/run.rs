//! One run of cargo-mutants over one package.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use super::{Outcomes, Package, quick};
use crate::ctx::Ctx;
use crate::setup;
use crate::ui::Step;

/// Longest silence: the first build, or one mutant with both of its time-outs.
const SILENCE: Duration = Duration::from_secs(1800);

/// What cargo-mutants says of a diff in which there is nothing to mutate, when it then ends with 0.
const NOTHING: [&str; 3] =
    ["No mutants to filter", "Diff changes no Rust source files", "Diff file is empty"];

/// In a pipe the count is shown after this many mutants.
const COUNT: usize = 20;

/// Tries every mutant of the package, or those in the lines of `diff`: first without its slow tests, then what survived with
/// all of them.
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
    let pass = |more: &[OsString]| {
        let mut command = command(tool, package, jobs, &out, ctx);
        if let Some(diff) = diff {
            command.arg("--in-diff").arg(diff);
        }
        once(command.args(more), &out, diff.is_some(), progress)
    };
    if package.slow_tests().is_empty() {
        return pass(&[])?.map_or(Ok(Outcomes::default()), |json| Outcomes::read(&json));
    }
    let config = quick::config(package.slow_tests(), &out, ctx)?;
    let first = pass(&["--config".into(), config.into()])?;
    let mut outcomes = first.map_or(Ok(Outcomes::default()), |json| Outcomes::read(&json))?;
    if outcomes.missed.is_empty() {
        return Ok(outcomes);
    }
    progress.note(&format!("{} survived the quick tests; again with all", outcomes.missed.len()));
    let names = outcomes.missed_names.iter().map(|name| quick::exactly(name));
    let only: Vec<OsString> = names.flat_map(|name| ["--re".into(), name.into()]).collect();
    let again = pass(&only)?;
    outcomes.tried_again(&again.context("none of the survivors was tried again")?)?;
    Ok(outcomes)
}

fn command(tool: &Path, package: Package, jobs: u8, out: &Path, ctx: &Ctx) -> Command {
    let mut command = Command::new(tool);
    command.arg("mutants").current_dir(ctx.root());
    command.args(["--package", package.name(), "--test-package", &package.tested_by().join(",")]);
    command.args(["--caught", "--unviable", "--no-times", "--colors", "never", "--jobs", &jobs.to_string()]);
    command.arg("--output").arg(out);
    // Each mutant is built in its copy of the tree; one folder for all would mix them up.
    command.env_remove("CARGO_TARGET_DIR").env("CARGO", super::tool::cargo());
    // Many tests notice one mutant, and nobody reads where they were.
    command.env_remove("RUST_BACKTRACE");
    command
}

/// Runs it once, and returns the `outcomes.json` that it left; none if the diff has nothing to mutate.
fn once(command: &mut Command, out: &Path, in_diff: bool, progress: &Step) -> anyhow::Result<Option<String>> {
    let results = out.join("mutants.out/outcomes.json");
    // An old one must not be taken for this run's.
    match std::fs::remove_file(&results) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", results.display()));
        }
        _ => {}
    }
    let (status, said) = follow(command, progress)?;
    let json = std::fs::read_to_string(&results);
    let json = json.with_context(|| format!("cannot read {}", results.display()));
    result(status, &said, in_diff, json).with_context(|| {
        format!("cargo-mutants ended with {status}; its log is in {}", out.join("mutants.out").display())
    })
}

/// What a run of cargo-mutants says, by how it ended, by its last words and by the results that it left.
fn result(
    status: ExitStatus,
    said: &str,
    in_diff: bool,
    json: anyhow::Result<String>,
) -> anyhow::Result<Option<String>> {
    match status.code() {
        // Without a mutant to try it leaves no results. Nothing else may be taken for that.
        Some(0) if in_diff && json.is_err() && NOTHING.iter().any(|words| said.contains(words)) => Ok(None),
        // 2 and 3: mutants survived, or timed out. What that means is for us to say.
        Some(0 | 2 | 3) => json.map(Some),
        Some(4) => anyhow::bail!("the tests fail without any mutant\n{said}"),
        _ => anyhow::bail!("it could not do its work\n{said}"),
    }
}

/// Runs the command and counts its lines, one a mutant. Its last words come back for an error.
fn follow(command: &mut Command, progress: &Step) -> anyhow::Result<(ExitStatus, String)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = setup::start(command).context("cannot start cargo-mutants")?;
    let lines = lines(&mut child);
    let mut last: Vec<String> = Vec::new();
    let (mut tried, mut all) = (0, String::from("?"));
    loop {
        match lines.recv_timeout(SILENCE) {
            Ok(line) => {
                if let Some(found) = line.strip_prefix("Found ") {
                    all = found.split(' ').next().unwrap_or("?").to_owned();
                    progress.note(&format!("{all} mutants; first the tests without any"));
                }
                let Some((became, mutant)) = tried_one(&line) else {
                    last.push(line);
                    continue;
                };
                tried += 1;
                progress.at(format!("{tried} of {all}: {became}: {mutant}"));
                if matches!(became, "survived" | "timed out") {
                    progress.note(&format!("{became}: {mutant}"));
                }
                if tried % COUNT == 0 {
                    progress.note(&format!("{tried} of {all} tried"));
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                setup::end(&mut child);
                anyhow::bail!("cargo-mutants was silent for {} s and was ended", SILENCE.as_secs());
            }
        }
    }
    let status = child.wait().context("cannot wait for cargo-mutants")?;
    setup::pass();
    Ok((status, last.join("\n")))
}

/// What became of a mutant, and which, if that is what cargo-mutants says in this line.
fn tried_one(line: &str) -> Option<(&'static str, &str)> {
    let (word, mutant) = line.trim_start().split_once(' ')?;
    let became = match word {
        "caught" => "caught",
        "MISSED" => "survived",
        "TIMEOUT" => "timed out",
        "unviable" => "does not compile",
        _ => return None,
    };
    Some((became, mutant.trim_start()))
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    const ONE: &str = r#"{"outcomes": [{"scenario": "Baseline", "summary": "Success"},
        {"scenario": {"Mutant": {"name": "a.rs:3:9: delete ! in f", "file": "a.rs"}}, "summary": "MissedMutant"}],
        "total_mutants": 1}"#;

    #[test]
    fn only_a_diff_with_nothing_to_mutate_has_no_results() {
        let end = |code: i32, said: &str, in_diff: bool, json: Option<&str>| {
            let json = json.map(str::to_owned).context("no results");
            result(ExitStatus::from_raw(code << 8), said, in_diff, json)
                .map(|json| json.map_or(0, |json| Outcomes::read(&json).expect("results").total()))
                .map_err(|error| error.to_string())
        };
        let nothing = " INFO No mutants to filter";
        assert_eq!(end(0, nothing, true, None), Ok(0));
        assert_eq!(end(0, "all is well", true, None), Err("no results".into()), "it did not say why");
        assert_eq!(end(0, nothing, false, None), Err("no results".into()), "the whole package");
        for code in [2, 3] {
            assert_eq!(end(code, "", true, Some(ONE)), Ok(1));
            assert_eq!(end(code, nothing, true, None), Err("no results".into()), "it found some");
        }
        assert!(end(4, "", true, Some(ONE)).unwrap_err().starts_with("the tests fail without any mutant"));
        assert!(end(70, "out of disk", true, Some(ONE)).unwrap_err().ends_with("out of disk"));
    }

    #[test]
    fn lines_about_mutants_are_told_from_others() {
        assert_eq!(
            tried_one("MISSED   a.rs:1:2: delete ! in f"),
            Some(("survived", "a.rs:1:2: delete ! in f"))
        );
        assert_eq!(tried_one("unviable a.rs:1:2: x"), Some(("does not compile", "a.rs:1:2: x")));
        assert_eq!(tried_one("Found 8 mutants to test"), None);
    }
}
