//! The scheduler that the kernel boots, on virtual harts: one thread, virtual time, every choice from a seed. A hart's
//! step is one kernel entry, so this explores how entries of different harts follow each other, not what happens inside
//! one; that is for model checkers.
#![forbid(unsafe_code)]

mod hart;
mod world;

pub use hart::{Act, Failure, Report, Scenario, run};
pub use world::World;
