//! External commands that cannot hang us: each has a limit, and ends with it.

use std::fmt;
use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::family::{end, pass, start};

/// How often a child is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// How long output may still trickle in after the child ended: a grandchild can hold the pipe open for ever.
const LINGER: Duration = Duration::from_secs(1);

/// What a command that ended left behind.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to stdout, invalid UTF-8 replaced.
    pub stdout: String,
    /// What it wrote to stderr, invalid UTF-8 replaced.
    pub stderr: String,
}

impl Output {
    /// The output of a command that must succeed; else how it ended and the last line it wrote.
    pub fn success(self) -> Result<Output, Trouble> {
        if self.status.success() {
            return Ok(self);
        }
        let mut said = self.stderr.lines().chain(self.stdout.lines()).map(str::trim);
        // Tools put the cause into an "error" line and advice after it.
        let errors: Vec<&str> = said.clone().filter(|line| is_error(line)).collect();
        let text = if errors.is_empty() {
            said.rfind(|line| !line.is_empty()).unwrap_or("without a word").to_owned()
        } else {
            errors.join("; ")
        };
        Err(Trouble::Failed { status: self.status, text })
    }
}

fn is_error(line: &str) -> bool {
    line.starts_with("E: ") || line.starts_with("error:")
}

/// Why a command gave no output to use.
#[derive(Debug)]
pub enum Trouble {
    /// It could not be started.
    Start(std::io::Error),
    /// It did not end within the limit and was killed.
    Slow(Duration),
    /// It ended with a failure; `text` is its own reason.
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        text: String,
    },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Start(error) if error.kind() == std::io::ErrorKind::NotFound => f.write_str("not found"),
            Trouble::Start(error) => write!(f, "cannot be started: {error}"),
            Trouble::Slow(limit) => write!(f, "did not end within {} s and was killed", limit.as_secs()),
            Trouble::Failed { status, text } => write!(f, "{status}: {text}"),
        }
    }
}

impl std::error::Error for Trouble {}

/// Runs a command to its end, without input, and collects its output. Kills the child, and what that started, when `limit`
/// passes.
pub fn run(command: &mut Command, limit: Duration) -> Result<Output, Trouble> {
    let begun = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = start(command).map_err(Trouble::Start)?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begun.elapsed() < limit => thread::sleep(POLL),
            Ok(None) => {
                end(&mut child);
                return Err(Trouble::Slow(limit));
            }
            Err(error) => {
                end(&mut child);
                return Err(Trouble::Start(error));
            }
        }
    };
    // What a signal to us ended is no result.
    pass();
    Ok(Output { status, stdout: stdout(), stderr: stderr() })
}

/// Runs a command and returns its trimmed stdout; any failure is an error.
pub fn text(command: &mut Command, limit: Duration) -> Result<String, Trouble> {
    Ok(run(command, limit)?.success()?.stdout.trim().to_owned())
}

/// Reads a pipe on a thread of its own. The result gives what came until the pipe closed, or lingered too long.
fn collect<R: Read + Send + 'static>(pipe: Option<R>) -> impl FnOnce() -> String {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
    }
    move || {
        let mut bytes = Vec::new();
        while let Ok(part) = receiver.recv_timeout(LINGER) {
            bytes.extend(part);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_failure_come_back() {
        assert_eq!(text(&mut sh("echo hello"), Duration::from_secs(10)).unwrap(), "hello");
        let trouble =
            text(&mut sh("echo 'E: no such package' >&2; echo advice >&2; exit 3"), Duration::from_secs(10))
                .unwrap_err();
        assert!(trouble.to_string().ends_with("E: no such package"), "{trouble}");
    }

    #[test]
    fn a_child_that_hangs_is_ended() {
        let trouble = run(&mut sh("exec sleep 1000"), Duration::from_millis(100)).unwrap_err();
        assert!(matches!(trouble, Trouble::Slow(_)));
    }

    #[test]
    fn a_missing_command_says_so() {
        let trouble = run(&mut Command::new("/nowhere/at-all"), Duration::from_secs(1)).unwrap_err();
        assert_eq!(trouble.to_string(), "not found");
    }
}
