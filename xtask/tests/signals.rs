//! SIGTERM to the process alone, as a CI's time-out sends it: nothing that it started may stay.
#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Detects only that somebody hangs.
const BOUND: Duration = Duration::from_secs(120);

/// Waits until it is so.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < BOUND, "{what}: not within {BOUND:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process has not ended; a zombie has.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// `check growth` with a cargo that starts two more and waits, one of which does not listen to SIGTERM.
#[test]
fn sigterm_ends_what_was_started() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("signals-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (cargo, pids) = (folder.join("cargo"), folder.join("pids"));
    let script = "#!/bin/sh\n\
        sleep 1000 & echo $! >> \"$PIDS\"\n\
        sh -c 'trap \"\" TERM; echo $$ >> \"$PIDS\"; exec sleep 1000' &\n\
        echo $$ >> \"$PIDS\"\n\
        wait\n";
    std::fs::write(&cargo, script).unwrap();
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    xtask.args(["check", "growth"]).env("CARGO", &cargo).env("PIDS", &pids);
    let mut xtask = xtask.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = || -> Vec<String> {
        std::fs::read_to_string(&pids).unwrap_or_default().lines().map(str::to_owned).collect()
    };
    until("three processes started", || started().len() == 3);

    kill_process(Pid::from_raw(xtask.id() as i32).unwrap(), Signal::TERM).unwrap();
    let mut status = None;
    until("xtask ended", || {
        status = xtask.try_wait().unwrap();
        status.is_some()
    });
    let status = status.unwrap();
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()), "{status}");
    let left: Vec<String> = started().into_iter().filter(|pid| runs(pid)).collect();
    for pid in left.iter().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
        let _ended = kill_process(pid, Signal::KILL);
    }
    assert!(left.is_empty(), "{left:?} go on");
    std::fs::remove_dir_all(folder).unwrap();
}
