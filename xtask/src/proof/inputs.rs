//! What a run was made of, so that what it shows can be held against the same things later.

use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The file in a proof's folder.
const FILE: &str = "inputs.json";

/// Digests are SHA-256 in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Of the kernel's ELF file.
    pub kernel: String,
    /// Of the initrd.
    pub initrd: String,
    /// Of the device tree.
    pub board: String,
    /// Version of QEMU.
    pub qemu: String,
}

impl Inputs {
    /// Reads those of a proof's folder; `None` if it has none.
    pub fn read(folder: &Path) -> Option<Inputs> {
        serde_json::from_slice(&std::fs::read(folder.join(FILE)).ok()?).ok()
    }

    /// Leaves them in a proof's folder.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(FILE);
        let json = serde_json::to_string_pretty(self).context("cannot write inputs as JSON")?;
        std::fs::write(&path, json + "\n").with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The digest of a file.
pub fn sha256(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(digest(&bytes))
}

/// The digest of bytes.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
