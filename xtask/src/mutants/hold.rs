//! One run at a time: two would remove each other's diff and results.

use std::fs::{File, TryLockError};

use anyhow::Context as _;

use crate::ctx::Ctx;

/// Waits until no other run holds `target/mutants`, and holds it for as long as the file that comes back is open: until
/// this process ends, however it ends.
pub fn hold(ctx: &Ctx) -> anyhow::Result<File> {
    let folder = ctx.root().join("target/mutants");
    let path = folder.join("lock");
    let failed = || format!("cannot lock {}", path.display());
    std::fs::create_dir_all(&folder).with_context(failed)?;
    let lock = File::create(&path).with_context(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            ctx.ui.line("another run holds target/mutants; waiting");
            lock.lock().with_context(failed)?;
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(failed),
    }
    Ok(lock)
}
