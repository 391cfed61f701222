//! Calls this program again, as a user would, and looks at what came of it.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use super::step::{Count, Failure, Outcome};
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::setup;

/// Longest that one call may take. Every command bounds itself far below; this detects one that does not.
const LIMIT: Duration = Duration::from_secs(1800);

/// Variables that would change what a step means when the caller has them set.
const FOREIGN: [&str; 7] =
    ["SMP", "REQUIRE_SMP", "RUN_UNTIL_MARKER", "RUN_TIMEOUT", "QEMU_FORCE_LEGACY", "QEMU_ARGS", "NO_COLOR"];

/// A call of `cargo xtask` to come.
#[derive(Clone, Debug, Default)]
pub struct Call {
    args: Vec<OsString>,
    variables: Vec<(String, String)>,
}

impl Call {
    /// `cargo xtask` with these arguments.
    pub fn new<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Call {
        Call { args: args.into_iter().map(Into::into).collect(), variables: Vec::new() }
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Call {
        self.args.push(arg.into());
        self
    }

    /// One environment variable.
    pub fn set(mut self, name: &str, value: &str) -> Call {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Makes the call in the repository's root.
    pub fn run(&self, ctx: &Ctx) -> Result<Done, Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::one(format!("who am I? {error}")))?;
        let mut command = Command::new(program);
        command.args(&self.args).current_dir(ctx.root());
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = setup::run_bounded(&mut command, LIMIT)
            .map_err(|trouble| Failure::one(format!("{}\n{trouble}", self.line())))?;
        Ok(Done {
            call: self.line(),
            code: output.status.code(),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }

    /// The call as one could type it.
    fn line(&self) -> String {
        let variables = self.variables.iter().map(|(name, value)| format!("{name}={value} "));
        let args = self.args.iter().map(|arg| format!(" {}", arg.to_string_lossy()));
        format!("$ {}cargo xtask{}", variables.collect::<String>(), args.collect::<String>())
    }
}

/// A call that ended.
#[derive(Debug)]
pub struct Done {
    call: String,
    code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Done {
    /// The call must have ended so.
    pub fn exits(self, exit: Exit) -> Result<Done, Failure> {
        if self.code == Some(i32::from(exit.code())) {
            return Ok(self);
        }
        Err(self.failure(&format!("expected exit code {} ({exit})", exit.code())))
    }

    /// Some line of its output must contain this text.
    pub fn says(self, text: &str) -> Result<Done, Failure> {
        if self.stdout.contains(text) || self.stderr.contains(text) {
            return Ok(self);
        }
        Err(self.failure(&format!("expected it to say {text:?}")))
    }

    /// No line of its output may contain this text.
    pub fn does_not_say(self, text: &str) -> Result<Done, Failure> {
        if !self.stdout.contains(text) && !self.stderr.contains(text) {
            return Ok(self);
        }
        Err(self.failure(&format!("expected it not to say {text:?}")))
    }

    /// Everything expected of it was so.
    pub fn passes(self) -> Outcome {
        Ok(Count::ONE)
    }

    /// Something expected of it was not so.
    pub fn failure(self, why: &str) -> Failure {
        let code = self.code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
        let Done { call, stdout, stderr, .. } = self;
        Failure::one(format!("{call}\n{stdout}{stderr}it ended with {code}\n{why}"))
    }
}
