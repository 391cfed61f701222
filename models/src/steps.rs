use loom::sync::atomic::{AtomicU32, Ordering};

/// Has loom try the operations of all threads in every order, one against another.
///
/// Loom's reduction remembers the last access to each word, not the last of each thread. So a store is not tried before
/// another thread's load when its own thread loads in between, as every load-then-exchange does: a reader that starts
/// first may find nothing in all executions. A step before each operation is an exchange of one word that everybody
/// exchanges, which loom does try in every order; it is relaxed and orders no memory.
#[derive(Debug, Default)]
pub struct Steps(AtomicU32);

impl Steps {
    /// An operation begins.
    pub fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
