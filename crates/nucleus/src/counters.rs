use antler_sync::atomic::{AtomicU64, Ordering};

/// One number that its CPU counts and others may read.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds to it; by its CPU only, so no read-modify-write is needed.
    pub(crate) fn add(&self, amount: u64) {
        self.0.store(self.0.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
    }

    /// Sets it; by its CPU only.
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Its value, perhaps a moment old.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a CPU has done since it came online.
#[derive(Debug, Default)]
pub struct Counters {
    /// Tasks it started running.
    pub dispatches: Count,
    /// Those of them that were not the task that ran here before.
    pub switches: Count,
    /// Tasks it made runnable.
    pub wakes_sent: Count,
    /// Tasks that came in by its inbox.
    pub wakes_received: Count,
    /// Doorbells it rang.
    pub ipis_sent: Count,
    /// Requests of its own that rode on another's ring.
    pub ipis_coalesced: Count,
    /// Times it saw its doorbell.
    pub ipis_taken: Count,
    /// Victims it tried.
    pub steals_tried: Count,
    /// Tasks it got from them.
    pub tasks_stolen: Count,
    /// Steals that got something.
    pub steals_won: Count,
    /// Nanoseconds spent idle, up to the last time it left idle.
    pub idle_ns: Count,
    /// When it fell idle, ns since boot; 0 while it is not idle.
    pub idle_since: Count,
    /// Nanoseconds spent online in former lives.
    pub online_ns: Count,
    /// When it came online last, ns since boot; 0 while it is offline.
    pub online_since: Count,
}
