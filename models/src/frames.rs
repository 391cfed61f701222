use loom::sync::atomic::{AtomicU32, Ordering};

/// What tasks carry outside their slots, as a task's saved registers are: one number each, written and read plainly.
/// Whoever gets a task without what came before it may read an older number, in some execution that loom then shows.
#[derive(Debug)]
pub struct Frames(Box<[AtomicU32]>);

impl Frames {
    /// Frames of `count` tasks; each holds 0, which no model writes.
    pub fn new(count: usize) -> Frames {
        Frames((0..count).map(|_| AtomicU32::new(0)).collect())
    }

    /// Writes the frame of task `slot`; by the holder of its token.
    pub fn save(&self, slot: usize, value: u32) {
        self.0[slot].store(value, Ordering::Relaxed);
    }

    /// Reads the frame of task `slot`; by the holder of its token.
    pub fn load(&self, slot: usize) -> u32 {
        self.0[slot].load(Ordering::Relaxed)
    }
}
