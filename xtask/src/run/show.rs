//! The guest's console on ours: what programs print goes to stdout, everything about the machine to stderr.

use std::io::Write as _;

use anyhow::Context as _;

use crate::qemu::{Ended, Next};
use crate::ui::{Step, Ui};

/// How the kernel begins its own lines.
const KERNEL: &[u8] = b"KINIT:";

/// The screen of one run.
pub(super) struct Screen {
    ui: Ui,
    /// The boot, until the kernel's first line.
    booting: Option<Step>,
    /// Bytes that are not a whole line yet.
    rest: Vec<u8>,
    /// Why stdout cannot be written, if it cannot.
    broken: Option<std::io::Error>,
}

impl Screen {
    pub fn new(ui: Ui, smp: u16) -> Screen {
        let harts = if smp == 1 { "1 hart".to_owned() } else { format!("{smp} harts") };
        Screen { ui, booting: Some(ui.step(format!("booting {harts}"))), rest: Vec::new(), broken: None }
    }

    /// Shows a piece of the console. Firmware's banner is not shown; the console file has it.
    pub fn take(&mut self, bytes: &[u8]) -> Next {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.line(&line);
        }
        Next::GoOn
    }

    fn line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(KERNEL) {
            if let Some(step) = self.booting.take() {
                step.done("");
            }
            let text = String::from_utf8_lossy(line);
            match self.ui.terminal() {
                true => eprintln!("\x1b[2m{text}\x1b[0m"),
                false => eprintln!("{text}"),
            }
        } else if self.booting.is_none() {
            let mut out = std::io::stdout().lock();
            let written = out.write_all(line).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
            // Whoever reads us may have had enough; the run goes on and its exit code still counts.
            self.broken = written.err();
        }
    }

    /// Shows what is left, and firmware's words too if the kernel never said one.
    pub fn end(mut self, ended: &Ended) -> anyhow::Result<()> {
        let rest = std::mem::take(&mut self.rest);
        if let Some(step) = self.booting.take() {
            step.failed("the kernel never spoke");
            std::io::stderr().write_all(&ended.console).context("cannot write to stderr")?;
        } else if !rest.is_empty() {
            self.line(&rest);
        }
        match self.broken {
            Some(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(error).context("cannot write to stdout")
            }
            _ => Ok(()),
        }
    }
}
