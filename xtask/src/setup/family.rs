//! Ends a command together with what it started: cargo, killed alone, leaves the test that it runs running.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::RwLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Shared while a child is started; taken for good by whoever ends them all.
static GATE: RwLock<()> = RwLock::new(());

/// How long a family may take to end by itself, when asked: cargo-mutants removes its copies of the tree.
const GRACE: Duration = Duration::from_secs(5);

/// When a family that cannot be killed is left alone.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Generations that are followed, so that the walk ends whatever the processes do meanwhile.
const DEPTH: usize = 16;

/// Kills a child and its descendants, and reaps it. A child of another user (`sudo`) cannot be killed, and must then not be
/// waited for.
pub fn end(child: &mut Child) {
    // Found before the child is dead: after that its children are somebody else's.
    let family = descendants(child.id());
    if child.kill().is_ok() {
        for pid in family.into_iter().filter_map(|pid| Pid::from_raw(pid as i32)) {
            // One that has ended meanwhile needs nothing.
            let _ended = kill_process(pid, Signal::KILL);
        }
        let _status = child.wait();
    }
}

/// Starts a command, unless everything is being ended: then this thread goes no further.
pub fn start(command: &mut Command) -> std::io::Result<Child> {
    let _open = GATE.read();
    command.spawn()
}

/// Goes no further while everything is being ended, which ends this process.
pub fn pass() {
    drop(GATE.read());
}

/// Ends everything that this process started, and lets nothing more be started: asks first, and kills what has not ended
/// by then. What cannot be ended (another user's) is left. The caller ends the process.
pub fn end_all() {
    std::mem::forget(GATE.write());
    let own = std::process::id();
    // From now on the children of one that ends become ours, so none gets away. Without that, those seen are ended.
    #[cfg(target_os = "linux")]
    let _adopting = rustix::process::set_child_subreaper(Pid::from_raw(own as i32));
    let begun = Instant::now();
    let mut asked: Vec<Pid> = Vec::new();
    while begun.elapsed() < PATIENCE {
        let family = descendants(own).into_iter().filter(|pid| runs(*pid));
        let family: Vec<Pid> = family.filter_map(|pid| Pid::from_raw(pid as i32)).collect();
        let mut left = false;
        for pid in family {
            let reached = if begun.elapsed() >= GRACE {
                kill_process(pid, Signal::KILL)
            } else if asked.contains(&pid) {
                test_kill_process(pid)
            } else {
                asked.push(pid);
                kill_process(pid, Signal::TERM)
            };
            left |= reached.is_ok();
        }
        if !left {
            return;
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether a process runs still: one that has ended stands as a zombie until its parent looks.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state stands behind the name, which may hold anything.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !"ZX".contains(state))
}

/// Processes that a process started, and those that they started. Where there is no `/proc`, nobody is found.
fn descendants(pid: u32) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::new();
    let mut parents = vec![pid];
    for _ in 0..DEPTH {
        parents = parents.into_iter().flat_map(children).filter(|pid| !found.contains(pid)).collect();
        if parents.is_empty() {
            break;
        }
        found.extend(&parents);
    }
    found
}

/// Children of all threads of a process (proc(5), `/proc/PID/task/TID/children`).
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task"));
    let lists = threads
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_grandchild_ends_with_its_family() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & sh -c 'sleep 1000; true'"]).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let bound = Instant::now() + Duration::from_secs(60);
        let mut family = Vec::new();
        while family.len() < 3 && Instant::now() < bound {
            family = descendants(child.id());
        }
        assert_eq!(family.len(), 3, "two sleeps and a shell");
        end(&mut child);
        let anybody = || family.iter().any(|pid| runs(*pid));
        while anybody() && Instant::now() < bound {}
        assert!(!anybody(), "somebody of {family:?} goes on");
    }
}
