//! Where we are: the repository, its output folders, and how to talk to the user.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::ui::Ui;

/// What every command gets.
#[derive(Debug)]
pub struct Ctx {
    root: PathBuf,
    /// How progress is shown.
    pub ui: Ui,
}

impl Ctx {
    /// The context of this process. Fails when the repository that this program was built from is gone.
    pub fn new() -> anyhow::Result<Ctx> {
        // `cargo xtask` tells at run time where the manifest lies, so a moved checkout still finds itself.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let manifest = manifest.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        let root = manifest.parent().context("xtask has no parent folder")?;
        anyhow::ensure!(
            root.join("Cargo.toml").is_file(),
            "{} is not the repository any more; start this through `cargo xtask` inside it",
            root.display()
        );
        Ok(Ctx { root: root.to_path_buf(), ui: Ui::new() })
    }

    /// The repository's root, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `target/antler`: the kernel, the initrd and what set-up remembers.
    pub fn out(&self) -> PathBuf {
        self.root.join("target/antler")
    }

    /// `target/proof`: console, facts and verdict of the last proof.
    pub fn proof_out(&self) -> PathBuf {
        self.root.join("target/proof")
    }

    /// The built kernel, for QEMU's `-kernel`.
    pub fn kernel(&self) -> PathBuf {
        self.out().join("kernel")
    }

    /// The built firmware that can be told to misbehave, for QEMU's `-bios`.
    pub fn firmware(&self) -> PathBuf {
        self.out().join("firmware")
    }

    /// The default initrd, for QEMU's `-initrd`.
    pub fn initrd(&self) -> PathBuf {
        self.out().join("initrd")
    }
}
