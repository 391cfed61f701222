//! Progress for people: a spinner on a terminal, plain lines into a pipe. All of it on stderr, so that stdout holds
//! results alone.

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Why a result could not be written to stdout, if one could not.
static LOST: OnceLock<std::io::Error> = OnceLock::new();

/// Keeps why a result could not be written. A reader that has had enough is no reason: whoever pipes into `head` knows.
pub fn written(result: std::io::Result<()>) {
    if let Err(error) = result
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        // The first reason is the one that is told.
        let _ = LOST.set(error);
    }
}

/// Why results were lost, if some were.
pub fn lost() -> Option<&'static std::io::Error> {
    LOST.get()
}

/// How progress is shown in this process.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    terminal: bool,
}

impl Ui {
    /// A terminal gets colour and movement unless `NO_COLOR` is set or `TERM` is `dumb`.
    pub fn new() -> Ui {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Ui { terminal: std::io::stderr().is_terminal() && !plain }
    }

    /// Whether stderr gets colour and movement.
    pub fn terminal(self) -> bool {
        self.terminal
    }

    /// Begins a step called `label` ("building kernel"). The step ends with [`Step::done`] or [`Step::failed`].
    pub fn step(self, label: impl Into<String>) -> Step {
        let label = label.into();
        let bar = if self.terminal {
            let style = ProgressStyle::with_template("{spinner} {prefix} {msg:.dim} {elapsed:.dim}");
            let bar = ProgressBar::new_spinner()
                .with_style(style.expect("the template is valid"))
                .with_prefix(label.clone());
            bar.enable_steady_tick(Duration::from_millis(100));
            Some(bar)
        } else {
            tell!("{label} ...");
            None
        };
        Step { label, bar, begun: Instant::now(), ui: self }
    }

    /// One line that stays.
    pub fn line(self, text: &str) {
        tell!("{text}");
    }
}

/// A step under way.
#[derive(Debug)]
pub struct Step {
    label: String,
    bar: Option<ProgressBar>,
    begun: Instant,
    ui: Ui,
}

impl Step {
    /// Says what the step is at ("compiling core"). Shown on a terminal only: a pipe would drown in it.
    pub fn at(&self, what: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.into());
        }
    }

    /// One line that stays, for whoever reads a log: on a terminal [`Step::at`] shows it, and the result at the end.
    pub fn note(&self, what: &str) {
        if self.bar.is_none() {
            tell!("  {}: {what}", self.label);
        }
    }

    /// Ends the step well. `result` says what came of it, and may be empty.
    pub fn done(self, result: &str) {
        self.end("ok", "\x1b[32m", result);
    }

    /// Ends the step badly.
    pub fn failed(self, result: &str) {
        self.end("FAILED", "\x1b[31m", result);
    }

    fn end(self, word: &str, colour: &str, result: &str) {
        let seconds = self.begun.elapsed().as_secs_f32();
        let Step { label, bar, ui, .. } = self;
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        let (on, off) = if ui.terminal { (colour, "\x1b[0m") } else { ("", "") };
        let gap = if result.is_empty() { "" } else { " " };
        tell!("{label} {on}{word}{off}{gap}{result} ({seconds:.1} s)");
    }
}
