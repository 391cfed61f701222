//! The process: started, watched, ended by its own handle, always reaped.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use antler_abi::MachineExit;
use anyhow::Context as _;

use super::{Ended, GuestExit, Machine, Next, command};
use crate::exit::Fail;
use crate::setup;

/// How often the console file is looked at. Nothing depends on it but how soon a line is shown.
const LOOK: Duration = Duration::from_millis(5);

/// A run whose limit is shorter than this is cut short before silence means anything.
const MEANINGFUL: Duration = Duration::from_secs(10);

/// Ends the process and reaps it when the owner goes, whatever the reason.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Boots the machine and waits for its end. `on_bytes` gets every piece of the console as it comes, and may say that
/// the end is near. Host time decides only when a run has failed: `limit`, and `silence` for the first byte.
///
/// # Errors
/// When files cannot be written or QEMU cannot be started; a guest that ends badly is no error but a [`GuestExit`].
pub fn boot(machine: &Machine, mut on_bytes: impl FnMut(&[u8]) -> Next) -> anyhow::Result<Ended> {
    if machine.icount && machine.smp > 1 && !machine.qemu.is_fair_under_icount() {
        return Err(Fail::setup(format!(
            "QEMU {} gives a spinning hart every turn under -icount, and the others starve: use QEMU 8.1 or newer, one \
             hart, or no --icount",
            machine.qemu.version
        )));
    }
    std::fs::create_dir_all(&machine.dir)
        .with_context(|| format!("cannot create {}", machine.dir.display()))?;
    for path in [machine.console(), machine.facts()] {
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut qemu = command::command(machine)?;
    let log = machine.dir.join("qemu.log");
    let said = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    std::fs::write(machine.dir.join("command.txt"), command::spelled(&qemu)? + "\n")
        .with_context(|| format!("cannot write into {}", machine.dir.display()))?;
    let output = said.try_clone().context("cannot share qemu.log")?;
    qemu.stdin(Stdio::null()).stdout(output).stderr(said);
    let mut console = File::open(machine.console()).context("cannot read the console")?;
    let begun = Instant::now();
    let child = setup::start(&mut qemu).map_err(|error| {
        Fail::setup(format!(
            "cannot start {}: {error}; try `cargo xtask setup`",
            machine.qemu.binary.display()
        ))
    })?;
    let mut child = Guard(child);
    let mut text = Vec::new();
    let mut deadline = machine.limit;
    let exit = loop {
        let status = child.0.try_wait().context("cannot wait for QEMU")?;
        // What was printed before the end is in the file by now, so it is read after the status.
        let from = text.len();
        console.read_to_end(&mut text).context("cannot read the console")?;
        let mut next = Next::GoOn;
        if text.len() > from {
            next = on_bytes(&text[from..]);
        }
        if let Some(status) = status {
            break ended(status.code(), &log, text.is_empty(), begun.elapsed());
        }
        let took = begun.elapsed();
        if let Next::EndWithin(grace) = next {
            deadline = Some(deadline.map_or(took + grace, |deadline| deadline.min(took + grace)));
        }
        let passed = deadline.filter(|deadline| took >= *deadline);
        if text.is_empty() && (took >= machine.silence || (passed.is_some() && took >= MEANINGFUL)) {
            break GuestExit::Silent(took);
        }
        // The limit that was set, and not when we happened to look.
        if let Some(limit) = passed {
            break GuestExit::TimedOut(limit);
        }
        std::thread::sleep(LOOK);
    };
    drop(child);
    // A QEMU that a signal to us ended is no result of the guest's.
    setup::pass();
    Ok(Ended { exit, console: text, facts: machine.facts(), took: begun.elapsed() })
}

fn ended(code: Option<i32>, log: &Path, silent: bool, took: Duration) -> GuestExit {
    let said = std::fs::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    // QEMU ends with 0 when a signal asks it to: that is nobody's success.
    let signalled = said.contains("terminating on signal");
    let known = code.and_then(|code| u16::try_from(code).ok()).and_then(MachineExit::from_code);
    match known.filter(|_| !signalled) {
        Some(MachineExit::Success) if silent => GuestExit::Silent(took),
        Some(exit) => GuestExit::Code(exit),
        None => GuestExit::Other(code.filter(|_| !signalled), said),
    }
}

#[cfg(test)]
#[path = "guest_tests.rs"]
mod tests;
