//! How a command ends: a number for scripts, and the error that carries it.

use std::fmt;
use std::process::ExitCode;

macro_rules! exits {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $text:literal;)*) => {
        /// Every exit code of `cargo xtask`. The numbers are a public interface: scripts branch on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Exit { $($(#[doc = $doc])+ $name = $code,)* }

        impl Exit {
            /// Every exit code, in numeric order.
            pub const ALL: &'static [Exit] = &[$(Exit::$name),*];

            /// The name used in messages and in `verdict.json`.
            pub const fn name(self) -> &'static str {
                match self { $(Exit::$name => $text,)* }
            }

            /// What the code means, for `--help`.
            pub const fn doc(self) -> &'static str {
                match self { $(Exit::$name => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

exits! {
    /// Everything asked for happened.
    Success = 0, "success";
    /// A proof is red, a test failed, or the work could not be done.
    Red = 1, "red";
    /// The command line or an environment variable is wrong.
    Usage = 2, "usage";
    /// A compiler, QEMU or firmware is missing and could not be installed.
    Setup = 3, "setup";
    /// The guest did not end in time.
    Timeout = 4, "timeout";
    /// The kernel panicked.
    Panic = 5, "panic";
    /// The kernel refused the board or its firmware, or a hart did not come up.
    BootRefused = 6, "boot-refused";
    /// A program ended with a code other than 0, or because of a fault.
    ProgramFailed = 7, "program-failed";
    /// The run used the legacy transport, so it can prove nothing.
    NotAuthoritative = 8, "not-authoritative";
    /// The guest ended without a word, or QEMU could not start.
    Silent = 9, "silent";
    /// The kernel refused the boot arguments, the initrd or its manifest.
    BadInput = 10, "bad-input";
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The table of all codes, one a line, for `--help`.
    pub fn table() -> String {
        let lines = Exit::ALL
            .iter()
            .map(|exit| format!("  {:>2}  {:<17} {}\n", exit.code(), exit.name(), exit.doc()));
        let signals = "  129, 130, 143: ended by SIGHUP, SIGINT, SIGTERM (128 and the signal), with everything it started\n";
        format!("Exit codes:\n{}{signals}", lines.collect::<String>())
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// An error that knows its exit code. `anyhow` carries it; context may be put on top.
#[derive(Debug)]
pub struct Fail {
    exit: Exit,
    message: String,
}

impl Fail {
    /// An error with this exit code and this message for people.
    #[expect(clippy::new_ret_no_self, reason = "nobody has a use for one that `anyhow` does not carry")]
    pub fn new(exit: Exit, message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Fail { exit, message: message.into() })
    }

    /// A wrong command line or environment variable.
    pub fn usage(message: impl Into<String>) -> anyhow::Error {
        Fail::new(Exit::Usage, message)
    }

    /// Something missing that could not be installed.
    pub fn setup(message: impl Into<String>) -> anyhow::Error {
        Fail::new(Exit::Setup, message)
    }

    /// The exit code that an error carries; [`Exit::Red`] for errors that carry none.
    pub fn exit_of(error: &anyhow::Error) -> Exit {
        error.downcast_ref::<Fail>().map_or(Exit::Red, |fail| fail.exit)
    }
}

impl fmt::Display for Fail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fail {}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn codes_and_names_are_distinct_and_documented() {
        for (at, &exit) in Exit::ALL.iter().enumerate() {
            assert_eq!(usize::from(exit.code()), at);
            assert!(!exit.doc().is_empty());
            assert!(Exit::ALL.iter().filter(|other| other.name() == exit.name()).count() == 1);
        }
    }

    #[test]
    fn context_keeps_the_exit_code() {
        let error = Err::<(), _>(Fail::setup("no QEMU")).context("cannot run").unwrap_err();
        assert_eq!(Fail::exit_of(&error), Exit::Setup);
        assert_eq!(format!("{error:#}"), "cannot run: no QEMU");
        assert_eq!(Fail::exit_of(&anyhow::anyhow!("plain")), Exit::Red);
    }
}
