//! Ends a command together with what it started: cargo, killed alone, leaves the test that it runs running.

use std::path::Path;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

/// Generations that are followed, so that the walk ends whatever the processes do meanwhile.
const DEPTH: usize = 16;

/// Kills a child and its descendants, and reaps it. A child of another user (`sudo`) cannot be killed, and must then not be
/// waited for.
pub(super) fn end(child: &mut Child) {
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
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

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
        // Killed ones may stand as zombies until their new parent looks; they run no more.
        let runs = |pid: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z ") && !stat.contains(") X ")
        };
        while family.iter().any(runs) && Instant::now() < bound {}
        assert!(!family.iter().any(runs), "somebody of {family:?} goes on");
    }
}
