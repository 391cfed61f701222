//! What came of each image.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::table::{Changed, End, Tampered};
use crate::counterfactuals;
use crate::exit::Exit;
use crate::proof::Outcome;

/// Whether an image must end and be red exactly as the table says. With another compiler the same change may do its harm at
/// another place; green it may not be then either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactly {
    /// The kernel was compiled by the table's compiler.
    Yes,
    /// By another one.
    No,
}

/// One image and its run.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The image, with what is expected of it.
    #[serde(flatten)]
    image: Tampered,
    /// Its instructions that are not the shipped kernel's.
    changed: Vec<Changed>,
    /// Claims that are red, and markers whose line is missing or has no fact.
    is_red: BTreeSet<String>,
    /// The verdict is green: nobody noticed.
    green: bool,
    /// How the guest ended.
    ended: End,
    /// The same in words.
    guest: String,
    /// Everything expected is so.
    ok: bool,
    /// What is not so.
    wrong: Vec<String>,
    /// What came otherwise than with the table's compiler, which is no error.
    other: Vec<String>,
    /// How long the run took, s.
    host_seconds: f64,
    /// The command that repeats the run.
    repeat: String,
}

impl Row {
    /// Compares.
    pub fn new(image: &Tampered, changed: &[Changed], outcome: &Outcome, how: Exactly) -> Row {
        let (verdict, ended) = (&outcome.verdict, End::from(outcome.verdict.end));
        let is_red = counterfactuals::red(verdict);
        let (mut wrong, mut other) = (Vec::new(), Vec::new());
        let green = verdict.green || outcome.exit == Exit::Success;
        if green {
            wrong.push("NOBODY NOTICED: the verdict is green".to_owned());
        }
        let unseen: Vec<&str> = image.red.difference(&is_red).map(String::as_str).collect();
        let beside = if how == Exactly::Yes { &mut wrong } else { &mut other };
        if !unseen.is_empty() {
            beside.push(format!("not red: {}", unseen.join(", ")));
        }
        if !image.end.contains(&ended) {
            beside.push(format!("ended otherwise: {ended} ({})", outcome.guest));
        }
        Row {
            image: image.clone(),
            changed: changed.to_vec(),
            is_red,
            green,
            ended,
            guest: outcome.guest.clone(),
            ok: wrong.is_empty(),
            wrong,
            other,
            host_seconds: outcome.took.as_secs_f64(),
            repeat: format!("cargo xtask tamper {}", image.name),
        }
    }
}

/// All rows.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Rows {
    rows: Vec<Row>,
}

impl Rows {
    /// Of rows in any order.
    pub fn new(mut rows: Vec<Row>) -> Rows {
        rows.sort_by(|a, b| a.image.name.cmp(&b.image.name));
        Rows { rows }
    }

    /// Whether every image ended as it must, and none was green.
    pub fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.ok)
    }

    /// The table, on stdout.
    pub fn print(&self) {
        let width = self.rows.iter().map(|row| row.image.name.len()).max().unwrap_or(0);
        for row in &self.rows {
            let red: Vec<&str> = row.image.red.iter().map(String::as_str).collect();
            let others = row.is_red.difference(&row.image.red).count();
            let mark = if row.ok { "ok  " } else { "HOLE" };
            let more = if others == 0 { String::new() } else { format!(" (and {others} more)") };
            say!("  {mark} {:width$}  {}; red: {}{more}", row.image.name, row.ended, red.join(", "));
            row.other.iter().for_each(|other| say!("       {:width$}  with this compiler: {other}", ""));
            if !row.ok {
                row.wrong.iter().for_each(|wrong| say!("       {:width$}  {wrong}", ""));
                row.changed.iter().for_each(|changed| say!("       {:width$}  {changed}", ""));
                say!("       {:width$}  repeat: {}", "", row.repeat);
            }
        }
    }

    /// Writes it for machines.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let json = serde_json::to_string_pretty(self).context("cannot write the table as JSON")?;
        std::fs::write(path, json + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    /// One line: how many, and whether all were seen.
    pub fn line(&self) -> String {
        let (all, seen) = (self.rows.len(), self.rows.iter().filter(|row| row.ok).count());
        let green = self.rows.iter().filter(|row| row.green).count();
        let word = if self.is_good() { "TAMPER GREEN" } else { "TAMPER RED" };
        format!("{word}: {seen} of {all} patched images end as they must; {green} got a green verdict")
    }
}
