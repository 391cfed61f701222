//! What a proof shows and leaves behind.

use std::io::IsTerminal as _;

use antler_proof::{State, Verdict};
use anyhow::Context as _;
use serde::Serialize;

use super::{Outcome, Plan};
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::qemu::{Ended, GuestExit};
use crate::ui::{Step, Ui};

/// Lines of a panic that are shown.
const PANIC_LINES: usize = 60;

/// Lines of a console that ended badly that are shown.
const LAST_LINES: usize = 12;

/// The checklist on the screen. It is the result, so it goes to stdout.
pub(super) struct Report {
    show: bool,
    colour: bool,
    booting: Option<Step>,
}

impl Report {
    pub fn new(ui: Ui, show: bool, name: &str) -> Report {
        let colour = std::io::stdout().is_terminal() && ui.terminal();
        Report { show, colour, booting: show.then(|| ui.step(format!("booting {name}"))) }
    }

    fn paint(&self, state: State) -> String {
        let (mark, code) = match state {
            State::Green => ("ok  ", "32"),
            State::Red => ("RED ", "31"),
            State::NotJudged => ("-   ", "2"),
        };
        if self.colour { format!("\x1b[{code}m{mark}\x1b[0m") } else { mark.to_owned() }
    }

    fn spoke(&mut self) {
        if let Some(step) = self.booting.take() {
            step.done("");
        }
    }

    /// A marker arrived in its place.
    pub fn marker(&mut self, line: &str) {
        self.spoke();
        if self.show {
            say!("  {}{line}", self.paint(State::Green));
        }
    }

    /// The console said something that makes the run red.
    pub fn red(&mut self, reason: &str) {
        self.spoke();
        if self.show {
            say!("  {}{reason}", self.paint(State::Red));
        }
    }

    /// Claims, verdict, and what to look at.
    pub fn end(&mut self, plan: &Plan, ended: &Ended, outcome: &Outcome) -> anyhow::Result<()> {
        if let Some(step) = self.booting.take() {
            step.failed("no marker came");
        }
        if !self.show {
            return Ok(());
        }
        let verdict = &outcome.verdict;
        for marker in verdict.markers.iter().filter(|marker| marker.state == State::Red) {
            say!("  {}{}: {}", self.paint(State::Red), marker.line, marker.reasons.join("; "));
        }
        say!("claims, from {} facts:", verdict.facts);
        for claim in &verdict.claims {
            let found = if claim.found.is_empty() { String::new() } else { format!(" ({})", claim.found) };
            say!("  {}{}: {}{found}", self.paint(claim.state), claim.name, claim.says);
            for reason in &claim.reasons {
                say!("        {reason}");
            }
        }
        if ended.exit != GuestExit::Code(antler_abi::MachineExit::Success) {
            self.console(ended);
            say!("{}", ended.exit.text());
        }
        if plan.legacy {
            say!("legacy transport (QEMU_FORCE_LEGACY=1): for debugging only, this run proves nothing");
        }
        say!("{}", self.verdict(verdict));
        say!("console, facts, verdict.json and junit.xml: {}", outcome.dir.display());
        if !verdict.green {
            let same =
                if plan.icount { "the very same run" } else { "with --icount, runs repeat to the byte" };
            say!("repeat: {} ({same})", crate::report::command(plan));
        }
        Ok(())
    }

    fn verdict(&self, verdict: &Verdict) -> String {
        let reasons: Vec<&str> = verdict.reasons.iter().take(3).map(String::as_str).collect();
        let line = match (reasons.is_empty(), verdict.reasons.len().saturating_sub(3)) {
            (true, _) => verdict.line(),
            (false, 0) => format!("{}: {}", verdict.line(), reasons.join("; ")),
            (false, more) => format!("{}: {}; and {more} more", verdict.line(), reasons.join("; ")),
        };
        match (self.colour, verdict.green) {
            (false, _) => line,
            (true, true) => format!("\x1b[1;32m{line}\x1b[0m"),
            (true, false) => format!("\x1b[1;31m{line}\x1b[0m"),
        }
    }

    /// The lines of the console that tell what went wrong: the panic if there is one, else the last lines.
    fn console(&self, ended: &Ended) {
        let text = String::from_utf8_lossy(&ended.console);
        let lines: Vec<&str> = text.lines().collect();
        let panic = lines.iter().position(|line| line.contains("PANIC") || line.contains("panicked"));
        let (from, count) = match panic {
            Some(at) => (at, PANIC_LINES),
            None => (lines.len().saturating_sub(LAST_LINES), LAST_LINES),
        };
        for line in lines.iter().skip(from).take(count) {
            say!("  | {line}");
        }
    }
}

/// `verdict.json`.
#[derive(Serialize)]
struct Left<'a> {
    configuration: String,
    exit: &'a str,
    exit_code: u8,
    guest: &'a str,
    host_seconds: f64,
    legacy: bool,
    repeat: String,
    qemu: &'a str,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// Writes `verdict.json` and `junit.xml`.
pub(super) fn leave(plan: &Plan, outcome: &Outcome) -> anyhow::Result<()> {
    let left = Left {
        configuration: plan.name(),
        exit: outcome.exit.name(),
        exit_code: outcome.exit.code(),
        guest: &outcome.guest,
        host_seconds: outcome.took.as_secs_f64(),
        legacy: plan.legacy,
        repeat: crate::report::command(plan),
        qemu: &outcome.qemu,
        verdict: &outcome.verdict,
    };
    let json = serde_json::to_string_pretty(&left).context("cannot write the verdict as JSON")?;
    let path = outcome.dir.join("verdict.json");
    std::fs::write(&path, json + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    // A run that does not end with success has failed, whatever its facts prove.
    let outside = (outcome.exit != Exit::Success)
        .then(|| format!("the proof ended as {} ({}); {}", left.exit, left.exit_code, left.guest));
    let path = outcome.dir.join("junit.xml");
    std::fs::write(&path, outcome.verdict.to_junit(&plan.name(), outside.as_deref()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Makes this proof the last one: copies of its files stand beside all proofs' folders.
pub(super) fn make_last(ctx: &Ctx, outcome: &Outcome) -> anyhow::Result<()> {
    for name in ["console.txt", "facts.bin", "verdict.json", "junit.xml"] {
        let (from, to) = (outcome.dir.join(name), ctx.proof_out().join(name));
        // Written beside and renamed, so that a proof that runs at the same time leaves whole files too.
        let part = ctx.proof_out().join(format!(".{name}.{}", std::process::id()));
        std::fs::copy(&from, &part)
            .and_then(|_| std::fs::rename(&part, &to))
            .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    }
    Ok(())
}
