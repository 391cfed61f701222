//! The initrd's file `manifest`: which programs to start, with which rights and arguments.
//!
//! ```text
//! antler-manifest 1
//! # comment
//! program sha256
//!   qos interactive
//!   right pin
//!   arg some file.bin
//! ```
//!
//! The first line is exactly that. Blank lines and lines that start with `#` are skipped. `program NAME` starts a
//! section that loads `bin/NAME`; the lines up to the next `program` belong to it. Spaces before a line's first word do
//! not count; the text of `arg` runs, verbatim, from the space after `arg` to the end of the line.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use antler_abi::{ARGS_MAX, Qos, Rights};

use crate::excerpt;

/// The first line of a manifest.
pub const HEADER: &str = "antler-manifest 1";

/// Programs that a manifest may start.
pub const MAX_PROGRAMS: usize = 64;

/// One program to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Loads `bin/<name>`. Letters, digits, `.`, `_`, `-`; several sections may have the same name.
    pub name: String,
    /// Class of its first thread; [`Qos::Normal`] unless said otherwise.
    pub qos: Qos,
    /// The union of its `right` lines.
    pub rights: Rights,
    /// One string per `arg` line, in order, without NUL; with a NUL after each, at most [`ARGS_MAX`] bytes.
    pub args: Vec<String>,
}

/// Why a manifest was refused: the line, counted from 1, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong there.
    pub kind: ManifestErrorKind,
}

/// What is wrong with a line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestErrorKind {
    /// The text is not UTF-8.
    NotUtf8,
    /// The first line is not [`HEADER`].
    BadHeader,
    /// The line starts with none of the known words; its beginning is carried.
    UnknownWord(String),
    /// `qos`, `right` or `arg` before the first `program`.
    NoProgram,
    /// `program` without a usable name; what stood there is carried.
    BadName(String),
    /// No class is called that.
    BadQos(String),
    /// A second `qos` in one section.
    SecondQos,
    /// No right is called that.
    BadRight(String),
    /// An argument holds a NUL.
    NulInArg,
    /// The section's arguments exceed [`ARGS_MAX`] bytes.
    ArgsTooLong,
    /// More than [`MAX_PROGRAMS`] sections.
    TooManyPrograms,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "manifest, line {}: ", self.line)?;
        match &self.kind {
            ManifestErrorKind::NotUtf8 => f.write_str("not UTF-8 text"),
            ManifestErrorKind::BadHeader => write!(f, "expected exactly `{HEADER}`"),
            ManifestErrorKind::UnknownWord(word) => {
                write!(f, "unknown word `{word}`; expected program, qos, right, arg or a comment (#)")
            }
            ManifestErrorKind::NoProgram => f.write_str("expected `program NAME` before this line"),
            ManifestErrorKind::BadName(name) => {
                write!(
                    f,
                    "`{name}` is no program name; expected letters, digits, `.`, `_` or `-`, and not a leading `.`"
                )
            }
            ManifestErrorKind::BadQos(name) => {
                write!(f, "no QoS class is called `{name}`; expected one of")?;
                Qos::ALL.iter().try_for_each(|qos| write!(f, " {qos}"))
            }
            ManifestErrorKind::SecondQos => f.write_str("second `qos` for one program; expected one at most"),
            ManifestErrorKind::BadRight(name) => {
                write!(f, "no right is called `{name}`; expected one of")?;
                Rights::NAMES.iter().try_for_each(|(name, _)| write!(f, " {name}"))
            }
            ManifestErrorKind::NulInArg => f.write_str("NUL in an argument"),
            ManifestErrorKind::ArgsTooLong => {
                write!(f, "this program's arguments take more than {ARGS_MAX} bytes")
            }
            ManifestErrorKind::TooManyPrograms => write!(f, "more than {MAX_PROGRAMS} programs"),
        }
    }
}

impl core::error::Error for ManifestError {}

/// Reads a manifest. One without a `program` line is valid and starts nothing.
///
/// # Errors
/// The first line that is wrong.
pub fn parse(bytes: &[u8]) -> Result<Vec<Program>, ManifestError> {
    let text = core::str::from_utf8(bytes).map_err(|error| ManifestError {
        line: bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1,
        kind: ManifestErrorKind::NotUtf8,
    })?;
    let mut reader = Reader::default();
    // Not `str::lines`, which would take a carriage return off the end of an argument.
    for (index, line) in text.split('\n').enumerate() {
        let result = match index {
            0 if line == HEADER => Ok(()),
            0 => Err(ManifestErrorKind::BadHeader),
            _ => reader.line(line),
        };
        result.map_err(|kind| ManifestError { line: index + 1, kind })?;
    }
    Ok(reader.programs)
}

#[derive(Default)]
struct Reader {
    programs: Vec<Program>,
    /// Whether the last section had its `qos` line.
    qos_given: bool,
    /// Bytes of the last section's arguments, NULs included.
    args_len: usize,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), ManifestErrorKind> {
        let line = line.trim_start_matches([' ', '\t']);
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word.is_empty() || word.starts_with('#') {
            return Ok(());
        }
        match word {
            "program" => self.program(rest.trim_ascii()),
            "qos" | "right" | "arg" => {
                let Some(program) = self.programs.last_mut() else {
                    return Err(ManifestErrorKind::NoProgram);
                };
                match word {
                    "qos" => {
                        let name = rest.trim_ascii();
                        program.qos =
                            Qos::from_name(name).ok_or_else(|| ManifestErrorKind::BadQos(excerpt(name)))?;
                        if core::mem::replace(&mut self.qos_given, true) {
                            return Err(ManifestErrorKind::SecondQos);
                        }
                    }
                    "right" => {
                        let name = rest.trim_ascii();
                        program.rights |= Rights::from_right_name(name)
                            .ok_or_else(|| ManifestErrorKind::BadRight(excerpt(name)))?;
                    }
                    _ => {
                        if rest.contains('\0') {
                            return Err(ManifestErrorKind::NulInArg);
                        }
                        self.args_len += rest.len() + 1;
                        if self.args_len > ARGS_MAX {
                            return Err(ManifestErrorKind::ArgsTooLong);
                        }
                        program.args.push(rest.to_string());
                    }
                }
                Ok(())
            }
            _ => Err(ManifestErrorKind::UnknownWord(excerpt(word))),
        }
    }

    fn program(&mut self, name: &str) -> Result<(), ManifestErrorKind> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(ManifestErrorKind::BadName(excerpt(name)));
        }
        if self.programs.len() == MAX_PROGRAMS {
            return Err(ManifestErrorKind::TooManyPrograms);
        }
        self.programs.push(Program {
            name: name.to_string(),
            qos: Qos::Normal,
            rights: Rights::empty(),
            args: Vec::new(),
        });
        (self.qos_given, self.args_len) = (false, 0);
        Ok(())
    }
}
