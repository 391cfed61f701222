//! One step of the test run.

use crate::ctx::Ctx;

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// How many were left out because what is installed cannot run them.
    pub skipped: usize,
}

impl Count {
    /// A step that is one test, passed.
    pub const ONE: Count = Count { passed: 1, failed: 0, skipped: 0 };
    /// A step that what is installed cannot run.
    pub const SKIPPED: Count = Count { passed: 0, failed: 0, skipped: 1 };

    /// Adds another count to this one.
    pub fn add(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Why a step failed, with everything its commands printed.
#[derive(Debug)]
pub struct Failure {
    /// How many tests that was; at least one failed.
    pub count: Count,
    /// Shown in full at the end.
    pub output: String,
}

impl Failure {
    /// A step that is one test, failed.
    pub fn one(output: impl Into<String>) -> Failure {
        Failure { count: Count { failed: 1, ..Count::default() }, output: output.into() }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::one(format!("{error:#}"))
    }
}

/// How a step ended.
pub type Outcome = Result<Count, Failure>;

/// A named piece of the test run.
pub struct Step {
    /// Names it in progress and summary; `cargo xtask test NAME` runs it alone.
    pub name: String,
    /// Whether it can only run after a build.
    pub needs_build: bool,
    /// Whether it is that build.
    pub is_build: bool,
    /// Does it.
    pub run: Box<dyn Fn(&Ctx) -> Outcome>,
}

impl Step {
    /// A step that needs no build.
    pub fn host(name: impl Into<String>, run: impl Fn(&Ctx) -> Outcome + 'static) -> Step {
        Step { name: name.into(), needs_build: false, is_build: false, run: Box::new(run) }
    }

    /// A step that boots what was built.
    pub fn boots(name: impl Into<String>, run: impl Fn(&Ctx) -> Outcome + 'static) -> Step {
        Step { needs_build: true, ..Step::host(name, run) }
    }

    /// The build.
    pub fn build(name: impl Into<String>, run: impl Fn(&Ctx) -> Outcome + 'static) -> Step {
        Step { is_build: true, ..Step::host(name, run) }
    }
}
