//! Where a proof leaves its files. It works in a folder of its own, which takes its name when everything is in it: two
//! proofs of one configuration at the same time leave the files of one of them, and never a mixture.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// How often a folder that another proof puts there meanwhile is replaced again.
const TRIES: usize = 16;

/// A folder being filled.
pub(super) struct Folder {
    path: PathBuf,
    place: PathBuf,
}

impl Folder {
    /// An empty folder, to become `parent/name`.
    pub fn new(parent: &Path, name: &str) -> anyhow::Result<Folder> {
        let path = parent.join(format!(".{name}.{}", std::process::id()));
        // What an earlier process of the same number left must not be taken for this one's.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Folder { path, place: parent.join(name) })
    }

    /// Where it is now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, in place of the folder that has it; the folder's path from now on.
    pub fn publish(self) -> anyhow::Result<PathBuf> {
        let failed = || format!("cannot put the proof's files into {}", self.place.display());
        let command = self.path.join("command.txt");
        // The command names files of this folder, and is to work afterwards.
        let text = std::fs::read_to_string(&command).with_context(failed)?;
        let (old, new) = (self.path.to_string_lossy(), self.place.to_string_lossy());
        std::fs::write(&command, text.replace(&*old, &new)).with_context(failed)?;
        let mut tries = 0;
        loop {
            tries += 1;
            let _ = std::fs::remove_dir_all(&self.place);
            match std::fs::rename(&self.path, &self.place) {
                Ok(()) => return Ok(self.place.clone()),
                Err(error) if tries == TRIES => return Err(error).with_context(failed),
                Err(_) => {}
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Gone already when it was published.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
