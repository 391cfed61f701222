use loom::sync::atomic::{AtomicBool, Ordering};

/// A doorbell as the hardware has it: a pending flag, set by whoever rings, cleared by its hart, ordered with memory on
/// both sides as `Machine::ring` and the kernel's clearing of SSIP are by their fences.
#[derive(Debug, Default)]
pub struct Bell(AtomicBool);

impl Bell {
    /// Rings: what was written before is visible to the hart that clears the flag.
    pub fn ring(&self) {
        self.0.swap(true, Ordering::AcqRel);
    }

    /// Clears the flag; true if it was set. What the hart reads afterwards is read after.
    pub fn clear(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }

    /// Whether the flag is set.
    pub fn is_pending(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
