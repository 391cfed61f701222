//! `cargo xtask tidy`: rules of the tree that no compiler checks. Also a test, so that `cargo test` tells.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::setup;

/// Longest file that people read in one go, in lines.
const LONGEST: usize = 400;

/// Crates whose promises rest on having no unsafe code at all.
const SAFE_CRATES: [&str; 8] =
    ["crates/abi", "crates/facts", "crates/nucleus", "crates/parse", "fuzz", "proof", "report", "sim"];

/// Arguments of `tidy`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// `cargo xtask tidy`: prints every finding.
pub fn main(_args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let (files, findings) = check(ctx.root())?;
    for finding in &findings {
        say!("{finding}");
    }
    anyhow::ensure!(findings.is_empty(), "{} findings in {files} files", findings.len());
    say!("tidy ok: {files} files");
    Ok(Exit::Success)
}

/// A file and its text. Paths are relative to the root.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn has_extension(&self, any: &[&str]) -> bool {
        self.path.extension().and_then(|end| end.to_str()).is_some_and(|end| any.contains(&end))
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }
}

/// A broken rule: where and what.
struct Finding {
    path: PathBuf,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.what)
    }
}

/// Applies every rule to every file that git knows or would add.
fn check(root: &Path) -> anyhow::Result<(usize, Vec<Finding>)> {
    let files = files(root)?;
    let mut findings = Vec::new();
    for file in &files {
        let mut report = |line: usize, what: String| {
            findings.push(Finding { path: file.path.clone(), line, what });
        };
        if file.has_extension(&["rs", "md", "toml", "sh", "S", "ld"]) {
            length(file, &mut report);
            own_paths(file, &mut report);
        }
        if file.has_extension(&["rs", "md"]) {
            blanks(file, &mut report);
        }
        if file.has_extension(&["rs"]) {
            safety(file, &mut report);
            facade(file, &mut report);
        }
        if file.has_extension(&["md"]) {
            links(file, root, &mut report);
        }
        if file.path.ends_with("Cargo.toml") && file.path != Path::new("Cargo.toml") {
            lints(file, &mut report);
        }
        if SAFE_CRATES.iter().any(|name| file.path == Path::new(name).join("src/lib.rs")) {
            forbids_unsafe(file, &mut report);
        }
    }
    Ok((files.len(), findings))
}

fn files(root: &Path) -> anyhow::Result<Vec<File>> {
    let mut command = Command::new("git");
    command.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = setup::run_bounded(&mut command, Duration::from_secs(30))
        .and_then(setup::Output::success)
        .context("cannot list the files of the repository with git")?;
    let mut files = Vec::new();
    for name in listed.stdout.split_terminator('\0') {
        // Files that were deleted but not committed yet are listed, too; pictures are not text.
        if let Ok(text) = std::fs::read_to_string(root.join(name)) {
            files.push(File { path: PathBuf::from(name), text });
        }
    }
    Ok(files)
}

fn length(file: &File, report: &mut impl FnMut(usize, String)) {
    let lines = file.text.lines().count();
    if lines > LONGEST {
        report(LONGEST + 1, format!("{lines} lines; split it so that {LONGEST} are enough"));
    }
}

/// Paths of one machine mean nothing on another.
fn own_paths(file: &File, report: &mut impl FnMut(usize, String)) {
    const PREFIXES: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ho", "me/")];
    for (number, line) in file.lines() {
        for prefix in PREFIXES {
            // Inside a longer path it is a folder of the repository.
            let alone = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-".contains(c));
            if line.match_indices(prefix).any(|(at, _)| alone(at)) {
                report(number, format!("names a path of one machine ({prefix})"));
            }
        }
    }
}

fn blanks(file: &File, report: &mut impl FnMut(usize, String)) {
    for (number, line) in file.lines() {
        if line.contains('\t') {
            report(number, "tab".to_owned());
        }
        if line.ends_with([' ', '\r']) {
            report(number, "blank at the end of the line".to_owned());
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        report(file.text.lines().count(), "no line break at the end of the file".to_owned());
    }
}

/// Every unsafe block or impl is argued for in a comment right above it, or above the statement it is part of.
fn safety(file: &File, report: &mut impl FnMut(usize, String)) {
    const WORDS: [&str; 2] = [concat!("unsafe", " {"), concat!("unsafe", " impl")];
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    for (at, line) in lines.iter().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        if WORDS.iter().any(|word| code.contains(word)) && !argued(&lines, at) {
            report(at + 1, "unsafe without a SAFETY comment above it".to_owned());
        }
    }
}

/// Only the facade over atomics, and the models themselves, know that there are checkers: the code that runs is the code
/// that is checked.
fn facade(file: &File, report: &mut impl FnMut(usize, String)) {
    const CHECKERS: [&str; 3] = ["loom", "shuttle", "counted"];
    if ["crates/sync", "models"].iter().any(|folder| file.path.starts_with(folder)) {
        return;
    }
    for (number, line) in file.lines() {
        // Within `cfg(..)`, `cfg!(..)` or `cfg_attr(..)`, however the condition is put together.
        let condition = line.split_once("cfg").map_or("", |(_, rest)| rest);
        let mut words = condition.split(|c: char| !c.is_alphanumeric() && c != '_');
        if condition.starts_with(['(', '!', '_']) && words.any(|word| CHECKERS.contains(&word)) {
            report(number, "code that knows of its checker; that belongs into crates/sync".to_owned());
        }
    }
}

fn argued(lines: &[&str], at: usize) -> bool {
    let is_comment = |line: &str| line.starts_with("//");
    let ends_statement = |line: &str| line.is_empty() || line.ends_with([';', '{', '}']);
    let above = lines[..at].iter().rev();
    let mut comments = above.skip_while(|line| !is_comment(line) && !ends_statement(line));
    comments.by_ref().take_while(|line| is_comment(line)).any(|line| line.contains("SAFETY:"))
}

/// Links of Markdown files into the repository lead somewhere.
fn links(file: &File, root: &Path, report: &mut impl FnMut(usize, String)) {
    let folder = root.join(file.path.parent().unwrap_or(Path::new("")));
    let mut fenced = false;
    for (number, line) in file.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split(['#', ' ']).next().unwrap_or_default();
            let outside = path.contains("://") || path.starts_with("mailto:");
            if !outside && !path.is_empty() && !folder.join(path).exists() {
                report(number, format!("link to {path}, which is not there"));
            }
        }
    }
}

/// Every crate takes part in the workspace's lints.
fn lints(file: &File, report: &mut impl FnMut(usize, String)) {
    let mut lines = file.text.lines().skip_while(|line| line.trim() != "[lints]").skip(1);
    if lines.next().map(str::trim) != Some("workspace = true") {
        report(1, "no `[lints]` with `workspace = true`".to_owned());
    }
}

fn forbids_unsafe(file: &File, report: &mut impl FnMut(usize, String)) {
    if !file.text.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]") {
        report(1, "no `#![forbid(unsafe_code)]`".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(rule: impl Fn(&File, &mut Vec<usize>), text: &str) -> Vec<usize> {
        let file = File { path: PathBuf::from("src/x.md"), text: text.to_owned() };
        let mut lines = Vec::new();
        rule(&file, &mut lines);
        lines
    }

    #[test]
    fn the_tree_is_tidy() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let (files, findings) = check(root).unwrap();
        assert!(files > 50, "only {files} files were looked at");
        let text: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert!(text.is_empty(), "\n{}", text.join("\n"));
    }

    #[test]
    fn unsafe_needs_its_argument_close_by() {
        let rule = |file: &File, lines: &mut Vec<usize>| safety(file, &mut |line, _| lines.push(line));
        let open = concat!("unsafe", " {");
        let good = format!("// SAFETY: because\n// it is\nlet x =\n    {open} f() }};\n");
        assert!(findings(rule, &good).is_empty());
        let attribute =
            format!("// SAFETY: because\n#[inline]\n{} Send for X {{}}\n", concat!("unsafe", " impl"));
        assert!(findings(rule, &attribute).is_empty());
        assert_eq!(findings(rule, &format!("// SAFETY: of another\ng();\n{open} f() }};\n")), [3]);
        assert_eq!(findings(rule, &format!("// plain\n{open} f() }};\n")), [2]);
        assert!(findings(rule, &format!("// {open} in prose\n")).is_empty());
    }

    #[test]
    fn paths_blanks_links_and_lints_are_found() {
        let paths = |file: &File, lines: &mut Vec<usize>| own_paths(file, &mut |line, _| lines.push(line));
        let home = concat!("/ho", "me/");
        assert_eq!(findings(paths, &format!("a\ncd {home}me\nsrc{home}page.rs\n")), [2]);

        let trailing = |file: &File, lines: &mut Vec<usize>| blanks(file, &mut |line, _| lines.push(line));
        assert_eq!(findings(trailing, "a \nb\tc\nd"), [1, 2, 3]);

        let link = |file: &File, lines: &mut Vec<usize>| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            links(file, root, &mut |line, _| lines.push(line));
        };
        let text =
            "[a](../Cargo.toml)\n[b](gone.md#x) [c](https://x.example/y)\n```\n[d](gone)\n```\n[e](#here)\n";
        assert_eq!(findings(link, text), [2]);

        let checkers = |file: &File, lines: &mut Vec<usize>| facade(file, &mut |line, _| lines.push(line));
        for condition in ["loom", "not(loom)", "any(shuttle, counted)", "all(test, not(counted))"] {
            assert_eq!(findings(checkers, &format!("a\n#[cfg({condition})]\nfn f() {{}}\n")), [2]);
            assert_eq!(findings(checkers, &format!("if cfg!({condition}) {{}}\n")), [1]);
            assert_eq!(findings(checkers, &format!("#![cfg_attr({condition}, no_std)]\n")), [1]);
        }
        assert!(findings(checkers, "the counted ones; --cfg loom; cfg(bloom)\n").is_empty());

        let table = |file: &File, lines: &mut Vec<usize>| lints(file, &mut |line, _| lines.push(line));
        assert!(findings(table, "[package]\n\n[lints]\nworkspace = true\n").is_empty());
        assert_eq!(findings(table, "[package]\n"), [1]);
    }
}
