use antler_sync::Relax;

/// How a model's thread waits for a lock: it lets another thread run, and gives up after more turns than any lock is
/// held for in a model.
#[derive(Debug)]
pub struct Turn;

impl Relax for Turn {
    fn relax(&self, spins: u64) {
        assert!(spins < 1000, "the lock is never opened");
        loom::thread::yield_now();
    }
}
