//! The checked-in inputs of each target.

use std::io;
use std::path::{Path, PathBuf};

/// One input and the name of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// File name within the target's folder.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Folder of a target's corpus, `root` being the repository's.
pub fn folder(root: &Path, target: &str) -> PathBuf {
    root.join("fuzz/corpus").join(target)
}

/// The corpus of a target, by file name, so that a seed means the same on every machine.
///
/// # Errors
/// The folder or a file of it cannot be read, or there is no file: a campaign over nothing would prove nothing. The error
/// names the path.
pub fn corpus(root: &Path, target: &str) -> io::Result<Vec<Sample>> {
    let folder = folder(root, target);
    let at = |path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| io::Error::new(error.kind(), format!("{path}: {error}"))
    };
    let mut samples = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(at(&folder))? {
        let entry = entry.map_err(at(&folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        samples.push(Sample { name, bytes: std::fs::read(entry.path()).map_err(at(&entry.path()))? });
    }
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    match samples.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::NotFound, format!("{} is empty", folder.display()))),
        false => Ok(samples),
    }
}
