//! The scheduler that the kernel boots, on virtual harts: virtual time, every choice from a seed, and oracles that keep
//! a book of their own. A step is one kernel entry of one hart, so this explores how entries of different harts follow
//! each other, not what happens inside one; that is for model checkers.
//!
//! Read in this order: [`Plan`] and [`Scenario`] (what is simulated), `world` (time, timers, doorbells), `sim` with
//! `entry`, `acts` and `waits` (what a hart does), `book` (where everything is, from facts), `oracles` (what must hold),
//! [`judge`] and [`shrink`] (what a run shows).
#![forbid(unsafe_code)]

mod acts;
mod bits;
mod book;
mod bounds;
mod choices;
mod digest;
mod entry;
mod judge;
mod note;
mod oracles;
mod outcome;
mod plan;
mod scenario;
mod shrink;
mod sim;
mod waits;
mod watch;
mod wires;
mod world;

pub use bounds::Bound;
pub use digest::Digest;
pub use judge::{judge, judge_halved, judging, trace};
pub use outcome::{Failure, Outcome, Report};
pub use plan::{Fault, PLANS, Plan};
pub use scenario::{Act, Acts, MAX_HARTS, MAX_STEPS, Scenario};
pub use shrink::{Shrunk, shrink};
