//! The guest's console on ours: what programs print goes to stdout, everything about the machine to stderr.

use std::io::Write as _;
use std::time::Duration;

use antler_abi::MachineExit;
use anyhow::Context as _;

use crate::qemu::{Ended, Next};
use crate::ui::{Step, Ui};

/// How the kernel begins the lines of its boot.
const KERNEL: &[u8] = b"KINIT:";

/// How the kernel begins its own lines.
const KERNELS: [&[u8]; 3] = [KERNEL, b"antler: ", b"PANIC: "];

/// How the kernel says, at the end, that a program failed: `antler: program NAME ended with exit code CODE`.
const FAILED: (&str, &str) = ("antler: program ", " ended with exit code ");

/// How the table begins with which the kernel ends every run that came to its end; `run` always asks for it.
const TABLE: &[u8] = b"            tasks           wakes";

/// The screen of one run.
pub(super) struct Screen {
    ui: Ui,
    /// The boot, until the kernel's first line.
    booting: Option<Step>,
    /// Bytes that are not a whole line yet.
    rest: Vec<u8>,
    /// Whether the kernel's table came.
    table: bool,
    /// Whether the kernel said that a program failed.
    failed: bool,
    /// Why stdout cannot be written, if it cannot.
    broken: Option<std::io::Error>,
}

impl Screen {
    pub fn new(ui: Ui, smp: u16) -> Screen {
        let harts = if smp == 1 { "1 hart".to_owned() } else { format!("{smp} harts") };
        Screen {
            ui,
            booting: Some(ui.step(format!("booting {harts}"))),
            rest: Vec::new(),
            table: false,
            failed: false,
            broken: None,
        }
    }

    /// Shows a piece of the console. Firmware's banner is not shown; the console file has it.
    pub fn take(&mut self, bytes: &[u8]) -> Next {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.line(&line);
        }
        // Nobody reads any more: a program that prints for ever would run for ever.
        if self.broken.is_some() { Next::EndWithin(Duration::ZERO) } else { Next::GoOn }
    }

    /// How a guest that QEMU ends with 0 really ended. Without a test device, or before it has found one, the kernel can
    /// only end the machine in a way that QEMU turns into 0, whatever happened.
    pub fn really(&self) -> MachineExit {
        match (self.table, self.failed) {
            (false, _) => MachineExit::BootRefused,
            (true, true) => MachineExit::ProgramFailed,
            (true, false) => MachineExit::Success,
        }
    }

    fn line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(KERNEL)
            && let Some(step) = self.booting.take()
        {
            step.done("");
        }
        if self.booting.is_some() {
            return;
        }
        let text = String::from_utf8_lossy(line);
        // The table is the last thing on the console: from its first line on, nothing is a program's.
        self.table |= line.starts_with(TABLE);
        self.failed |= text.starts_with(FAILED.0) && text.contains(FAILED.1);
        if self.table {
            tell!("{text}");
        } else if KERNELS.iter().any(|start| line.starts_with(start)) {
            match self.ui.terminal() {
                true => tell!("\x1b[2m{text}\x1b[0m"),
                false => tell!("{text}"),
            }
        } else if self.broken.is_none() {
            let mut out = std::io::stdout().lock();
            let written = out.write_all(line).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
            self.broken = written.err();
        }
    }

    /// Shows what is left, and firmware's words too if the kernel never said one.
    pub fn end(&mut self, ended: &Ended) -> anyhow::Result<()> {
        let rest = std::mem::take(&mut self.rest);
        if let Some(step) = self.booting.take() {
            step.failed("the kernel never spoke");
            std::io::stderr().write_all(&ended.console).context("cannot write to stderr")?;
        } else if !rest.is_empty() {
            self.line(&rest);
        }
        match self.broken.take() {
            Some(error) => Err(error).context("cannot write to stdout; the run was ended"),
            None => Ok(()),
        }
    }
}
