//! The watcher against a stand-in for QEMU: a shell script that knows where the console is.

use std::path::PathBuf;

use super::*;
use crate::exit::Exit;
use crate::setup::Qemu;

/// A machine whose QEMU runs a script. `$console` is the console file in it.
fn machine(name: &str, script: &str) -> Machine {
    let dir = std::env::temp_dir().join(format!("antler-guest-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    // Read by a shell, not executed: a file written just now cannot be, while another test is forking.
    let kernel = dir.join("script");
    std::fs::write(&kernel, script).expect("a script");
    let binary = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/qemu/stand-in.sh"));
    let qemu = Qemu { binary, version: "0".into(), firmware: PathBuf::new() };
    Machine::new(qemu, 1, kernel, "initrd".into(), dir.join("out"))
}

fn run(machine: &Machine) -> Ended {
    let ended = boot(machine, |_| Next::GoOn).expect("it starts");
    let _ = std::fs::remove_dir_all(machine.dir.parent().expect("the folder made above"));
    ended
}

#[test]
fn the_kernels_codes_are_told_from_qemus() {
    let good = run(&machine("good", "printf 'hello\\n' >> \"$console\"; exit 0"));
    assert_eq!(good.exit, GuestExit::Code(MachineExit::Success));
    assert_eq!(good.console, b"hello\n");
    let panic = run(&machine("panic", "printf 'PANIC\\n' >> \"$console\"; exit 35"));
    assert_eq!(panic.exit.exit(), Exit::Panic);
    let unable = run(&machine("unable", "echo 'no such machine' >&2; exit 1"));
    assert_eq!(unable.exit, GuestExit::Other(Some(1), "no such machine".into()));
    assert_eq!(unable.exit.exit(), Exit::Silent);
    let signalled = run(&machine(
        "signalled",
        "printf x >> \"$console\"; echo 'qemu: terminating on signal 15 from pid 1' >&2; exit 0",
    ));
    assert_eq!(signalled.exit.exit(), Exit::Silent, "a signal is nobody's success");
}

#[test]
fn time_and_silence_end_the_run_and_the_process() {
    let mut late = machine("late", "printf 'hello\\n' >> \"$console\"; exec sleep 600");
    late.limit = Some(Duration::from_millis(300));
    assert_eq!(
        run(&late).exit,
        GuestExit::TimedOut(Duration::from_millis(300)),
        "it says the limit that was set"
    );
    let mut silent = machine("silent", "exec sleep 600");
    silent.silence = Duration::from_millis(300);
    let ended = run(&silent);
    assert!(matches!(ended.exit, GuestExit::Silent(_)), "{:?}", ended.exit);
    let mut short = machine("short", "exec sleep 600");
    short.limit = Some(Duration::from_millis(1));
    assert_eq!(run(&short).exit.exit(), Exit::Timeout, "too short to call it silence");
    assert!(matches!(run(&machine("mute", "exit 0")).exit, GuestExit::Silent(_)));
}

#[test]
fn the_end_may_be_near() {
    let machine = machine("near", "printf 'done\\n' >> \"$console\"; exec sleep 600");
    let ended = boot(&machine, |_| Next::EndWithin(Duration::from_millis(200))).expect("it starts");
    assert!(matches!(ended.exit, GuestExit::TimedOut(_)));
    let _ = std::fs::remove_dir_all(machine.dir.parent().expect("the folder made above"));
}
