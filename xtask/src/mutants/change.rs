//! What git says has changed.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use crate::ctx::Ctx;
use crate::exit::Fail;
use crate::setup;

/// A difference between the tree as it is and an earlier one.
#[derive(Debug)]
pub enum Diff {
    /// There is none in any Rust source.
    Empty,
    /// It is in this file.
    File(PathBuf),
}

impl Diff {
    /// The file, if there is a difference.
    pub fn file(self) -> Option<PathBuf> {
        match self {
            Diff::Empty => None,
            Diff::File(file) => Some(file),
        }
    }
}

/// What has changed in Rust sources since `reference`, anything that git takes for a commit.
pub fn since(reference: &str, ctx: &Ctx) -> anyhow::Result<Diff> {
    let mut git = Command::new("git");
    git.current_dir(ctx.root()).args(["diff", "--no-color", "--no-ext-diff", "--end-of-options", reference]);
    git.args(["--", "*.rs"]);
    let diff = setup::run_bounded(&mut git, Duration::from_secs(60)).and_then(setup::Output::success);
    let diff = diff.map_err(|trouble| Fail::usage(format!("git diff {reference}: {trouble}")))?.stdout;
    if diff.is_empty() {
        return Ok(Diff::Empty);
    }
    let folder = ctx.root().join("target/mutants");
    let file = folder.join("changes.diff");
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&file, diff))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(Diff::File(file))
}
