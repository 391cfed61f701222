//! Test programs: built by cargo, run by us, as many tests at once as there are cores, each in a process of its own. So a
//! long one that cannot be divided leaves the other cores to the rest, and one that dies takes no other along.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use super::BUILD;
use crate::setup;

/// Longest that a program may take to list its tests.
const LIST: Duration = Duration::from_secs(60);

/// A test program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Folder of the package.
    pub package: PathBuf,
    /// Name of the target.
    pub target: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Completes and runs a `cargo test` command such that it only builds; what it built, in cargo's order.
pub fn build(cargo: &mut Command) -> anyhow::Result<Vec<Program>> {
    cargo.args(["--no-run", "--message-format", "json-render-diagnostics"]);
    let output = setup::run_bounded(cargo, BUILD)?;
    anyhow::ensure!(output.status.success(), "{}", output.stderr.trim_end());
    let programs = read(&output.stdout)?;
    anyhow::ensure!(!programs.is_empty(), "cargo named no test program:\n{}", output.stderr);
    Ok(programs)
}

/// The test programs in cargo's messages.
fn read(messages: &str) -> anyhow::Result<Vec<Program>> {
    let mut programs = Vec::new();
    for line in messages.lines() {
        let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let (Some(manifest), Some(path)) =
            (message["manifest_path"].as_str(), message["executable"].as_str())
        else {
            continue;
        };
        let package = Path::new(manifest).parent().context("a manifest in no folder")?.to_path_buf();
        let target = message["target"]["name"].as_str().context("a program of no target")?.to_owned();
        programs.push(Program { package, target, path: PathBuf::from(path) });
    }
    Ok(programs)
}

/// Names of the tests in a program.
pub fn tests(program: &Path) -> anyhow::Result<Vec<String>> {
    let mut list = Command::new(program);
    list.args(["--list", "--format", "terse"]);
    let output = setup::run_bounded(&mut list, LIST).and_then(setup::Output::success)?;
    Ok(output.stdout.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

/// A command that runs one test of a program and shows what it prints.
pub fn one(program: &Path, test: &str) -> Command {
    let mut command = Command::new(program);
    command.args([test, "--exact", "--nocapture"]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_read_from_among_other_messages() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/a/b/Cargo.toml","target":{"name":"lib"},"executable":null}
not json
{"reason":"compiler-artifact","manifest_path":"/a/b/Cargo.toml","target":{"name":"loom-x"},"executable":"/t/loom_x-1"}
{"reason":"build-finished","success":true}"#;
        let program = Program { package: "/a/b".into(), target: "loom-x".into(), path: "/t/loom_x-1".into() };
        assert_eq!(read(messages).unwrap(), [program]);
    }
}
