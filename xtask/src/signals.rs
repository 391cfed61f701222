//! Ended by a signal: what was started ends first. A CI's time-out reaches this process alone, and what cargo, QEMU or
//! cargo-mutants leave running would hold their locks and the processor.

use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::setup;

/// From here on, SIGTERM, SIGINT and SIGHUP end this process with everything it started. Those that whoever started us
/// wants ignored (`nohup`, a shell's background) stay ignored.
pub fn watch() -> anyhow::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let heard =
        [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| ignored(&status) & (1 << (signal - 1)) == 0);
    let mut signals = Signals::new(heard).context("cannot listen to signals")?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            setup::end_all();
            // As if nobody had listened, so that a shell knows that it was the signal. Not for the first process of a
            // container, which no signal ends by itself.
            if std::process::id() != 1 {
                let _failed = signal_hook::low_level::emulate_default_handler(signal);
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// The signals that are ignored, a bit each from bit 0 for signal 1 (proc(5), `SigIgn`); none where there is no `/proc`.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read() {
        assert_eq!(ignored("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t1\n"), 0x1001);
        assert_eq!(ignored(""), 0);
    }
}
