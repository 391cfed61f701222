//! What set-up remembers between runs: a refusal that takes long to get again.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::ctx::Ctx;

/// The content of `target/antler/setup.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// `rustup target add` was refused: for which toolchain, and why.
    pub rustup: Option<Refusal>,
}

/// A refusal and what it was about.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// The toolchain's folder and version. Another toolchain is asked anew.
    pub toolchain: String,
    /// What was said.
    pub why: String,
}

impl Memory {
    /// What is remembered; nothing if the file is missing or unreadable, since everything can be found out again.
    pub fn load(ctx: &Ctx) -> Memory {
        let text = std::fs::read_to_string(path(ctx)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Keeps it. Fails when the folder cannot be written.
    pub fn save(&self, ctx: &Ctx) -> anyhow::Result<()> {
        let path = path(ctx);
        std::fs::create_dir_all(ctx.out())
            .with_context(|| format!("cannot create {}", ctx.out().display()))?;
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

fn path(ctx: &Ctx) -> PathBuf {
    ctx.out().join("setup.json")
}
