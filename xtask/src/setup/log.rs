//! What set-up found, line by line: chosen, rejected, missing, and why.

use crate::ui::Ui;

/// The findings so far. Shown as they come, or kept for an error message.
#[derive(Debug)]
pub struct Log {
    live: bool,
    ui: Ui,
    lines: Vec<String>,
}

impl Log {
    /// A log that prints to stdout at once (`live`), or keeps quiet until asked.
    pub fn new(ui: Ui, live: bool) -> Log {
        Log { live, ui, lines: Vec::new() }
    }

    /// Begins a group of findings ("libcore for riscv64").
    pub fn heading(&mut self, text: &str) {
        self.push(text.to_owned());
    }

    /// `what` is used, because `why`.
    pub fn chosen(&mut self, what: &str, why: &str) {
        self.push(format!("  chosen    {what}: {why}"));
    }

    /// `what` is not used, because `why`.
    pub fn rejected(&mut self, what: &str, why: &str) {
        self.push(format!("  rejected  {what}: {why}"));
    }

    /// Something worth saying that decides nothing.
    pub fn note(&mut self, text: &str) {
        self.push(format!("  note      {text}"));
    }

    /// How progress of a long action is shown.
    pub fn ui(&self) -> Ui {
        self.ui
    }

    /// Everything said so far, for the message of an error; empty if it was printed already.
    pub fn unsaid(&self) -> String {
        if self.live { String::new() } else { self.lines.iter().map(|line| format!("\n{line}")).collect() }
    }

    fn push(&mut self, line: String) {
        if self.live {
            say!("{line}");
        }
        self.lines.push(line);
    }
}
