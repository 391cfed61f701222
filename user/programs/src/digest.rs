//! How `sha256sum` writes a digest down.

use core::fmt;

/// One line of `sha256sum`, without the newline: the digest in hex, two spaces, the name. A name with a backslash, a
/// newline or a carriage return is escaped, and the line then starts with a backslash.
pub struct Line<'a> {
    /// SHA-256 digest.
    pub digest: [u8; 32],
    /// The file's name, as given.
    pub name: &'a str,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(['\\', '\n', '\r']) {
            f.write_str("\\")?;
        }
        for byte in self.digest {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("  ")?;
        for part in self.name.split_inclusive(['\\', '\n', '\r']) {
            match part.as_bytes().last() {
                Some(b'\\') => write!(f, "{}\\\\", &part[..part.len() - 1])?,
                Some(b'\n') => write!(f, "{}\\n", &part[..part.len() - 1])?,
                Some(b'\r') => write!(f, "{}\\r", &part[..part.len() - 1])?,
                _ => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str) -> String {
        use sha2::{Digest, Sha256};
        Line { digest: Sha256::digest(b"").into(), name }.to_string()
    }

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn is_what_sha256sum_prints() {
        assert_eq!(line("some file"), format!("{EMPTY}  some file"));
        // As GNU coreutils 9.1 prints it for a file of that name.
        assert_eq!(line("a\\b\nc\rd"), format!("\\{EMPTY}  a\\\\b\\nc\\rd"));
    }
}
