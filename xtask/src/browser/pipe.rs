//! The DevTools protocol over a pair of pipes (`--remote-debugging-pipe`): JSON messages, each ended by a zero byte.
//!
//! No port is opened, nobody else can connect, and a browser whose pipe closes ends: it cannot outlive this program.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

/// Longest that one answer may take. A page of 100,000 facts is read within it, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(120);

/// How long it may take to end by itself before it is killed.
const FAREWELL: Duration = Duration::from_secs(10);

/// Nothing but the page: no GPU, no first-run pages, no traffic of its own. The sandbox needs rights that a container seldom
/// has, and only the project's own pages are opened.
const ARGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--remote-debugging-pipe",
];

/// A browser and the way to talk to it.
pub struct Pipe {
    child: Child,
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    next: u64,
    /// Events that came while an answer was awaited.
    events: Vec<Value>,
}

impl Pipe {
    /// Starts a browser.
    pub fn open(program: &Path, profile: &Path) -> anyhow::Result<Pipe> {
        // The browser reads descriptor 3 and writes 4. A shell that then becomes the browser puts them there.
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null"#, "sh"]).arg(program).args(ARGS);
        command.arg(format!("--user-data-dir={}", profile.display())).arg("about:blank");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let (to, from) = (child.stdin.take(), child.stdout.take().context("the browser has no output")?);
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(from);
            let mut message = Vec::new();
            while matches!(reader.read_until(0, &mut message), Ok(1..)) {
                let read = serde_json::from_slice(message.strip_suffix(&[0]).unwrap_or(&message));
                message.clear();
                if read.is_ok_and(|value: Value| sender.send(value).is_err()) {
                    break;
                }
            }
        });
        Ok(Pipe { child, to, from: receiver, next: 0, events: Vec::new() })
    }

    /// Calls a method and waits for its answer.
    pub fn ask(&mut self, session: Option<&str>, method: &str, params: Value) -> anyhow::Result<Value> {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = serde_json::to_vec(&message)?;
        bytes.push(0);
        let to = self.to.as_mut().context("the browser was closed")?;
        to.write_all(&bytes).and_then(|()| to.flush()).context("the browser does not listen any more")?;
        let until = Instant::now() + LIMIT;
        loop {
            let answer = self.receive(until).with_context(|| format!("no answer to {method}"))?;
            if answer["id"] == self.next {
                if let Some(error) = answer.get("error") {
                    bail!("the browser refused {method}: {error}");
                }
                return Ok(answer["result"].clone());
            }
            self.events.push(answer);
        }
    }

    /// Waits for an event, which may have come already.
    pub fn wait(&mut self, session: &str, method: &str) -> anyhow::Result<Value> {
        let until = Instant::now() + LIMIT;
        let wanted = |event: &Value| event["sessionId"] == session && event["method"] == method;
        loop {
            if let Some(at) = self.events.iter().position(wanted) {
                return Ok(self.events.remove(at)["params"].clone());
            }
            let event = self.receive(until).with_context(|| format!("{method} never came"))?;
            self.events.push(event);
        }
    }

    /// Takes the events of a session that came so far.
    pub fn events(&mut self, session: &str) -> Vec<Value> {
        while let Ok(event) = self.from.try_recv() {
            self.events.push(event);
        }
        let (taken, kept) = self.events.drain(..).partition(|event| event["sessionId"] == session);
        self.events = kept;
        taken
    }

    fn receive(&self, until: Instant) -> anyhow::Result<Value> {
        match self.from.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(value) => Ok(value),
            Err(RecvTimeoutError::Timeout) => bail!("the browser said nothing for {} s", LIMIT.as_secs()),
            Err(RecvTimeoutError::Disconnected) => bail!("the browser ended"),
        }
    }

    /// Closes the pipe, at which the browser ends; kills it if it does not.
    pub fn close(&mut self) {
        self.to = None;
        let until = Instant::now() + FAREWELL;
        while Instant::now() < until {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
