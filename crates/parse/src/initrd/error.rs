use alloc::string::String;
use core::fmt;

use super::{MAX_FILES, MAX_NAME};

/// Why an archive was refused. Offsets are in bytes from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TarError {
    /// The archive ends within this entry.
    Truncated {
        /// Name of the entry.
        name: String,
    },
    /// The archive ends, or has something else, where the two zero blocks of its end should be.
    MissingEnd {
        /// Name of the last whole entry; empty if there is none.
        after: String,
    },
    /// A header's checksum is wrong: damaged, or no tar archive at all.
    BadChecksum {
        /// Where the header is.
        offset: usize,
        /// Name of the entry before it; empty if it is the first.
        after: String,
    },
    /// A size is not an octal number.
    BadSize {
        /// Name of the entry.
        name: String,
    },
    /// A name is empty, not UTF-8, or longer than [`MAX_NAME`] bytes.
    BadName {
        /// Where its header is.
        offset: usize,
    },
    /// An entry that is neither a regular file nor a directory.
    NotAFile {
        /// Name of the entry.
        name: String,
        /// The format's letter for its kind.
        kind: u8,
    },
    /// Two files have this name.
    DuplicateName(String),
    /// More than [`MAX_FILES`] files.
    TooManyFiles,
}

impl fmt::Display for TarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tar archive: ")?;
        match self {
            TarError::Truncated { name } => write!(f, "ends within `{name}`"),
            TarError::MissingEnd { after } if after.is_empty() => {
                f.write_str("truncated: neither an entry nor the two zero blocks of an end")
            }
            TarError::MissingEnd { after } => {
                write!(f, "truncated: no two zero blocks mark its end, the last entry is `{after}`")
            }
            TarError::BadChecksum { after, .. } if after.is_empty() => {
                f.write_str("the first header's checksum is wrong; damaged, or not a tar archive")
            }
            TarError::BadChecksum { offset, after } => {
                write!(f, "the checksum of the header at byte {offset}, after `{after}`, is wrong")
            }
            TarError::BadSize { name } => write!(f, "the size of `{name}` is not an octal number"),
            TarError::BadName { offset } => {
                write!(f, "the name of the entry at byte {offset} is not 1 to {MAX_NAME} bytes of UTF-8")
            }
            TarError::NotAFile { name, kind } => {
                let what = match kind {
                    b'1' => "a hard link",
                    b'2' | b'K' => "a symbolic link",
                    b'3' | b'4' | b'6' => "a device or pipe",
                    b'x' | b'g' => "a pax header; make the archive with --format=gnu or --format=ustar",
                    b'S' => "a sparse file; make the archive without --sparse",
                    _ => "of an unknown kind",
                };
                write!(f, "`{name}` is neither file nor directory, but {what}")
            }
            TarError::DuplicateName(name) => write!(f, "two files are called `{name}`"),
            TarError::TooManyFiles => write!(f, "more than {MAX_FILES} files"),
        }
    }
}

impl core::error::Error for TarError {}
