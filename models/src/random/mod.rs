//! The whole scheduler under shuttle: virtual CPUs, each a thread of shuttle, run random programs through the scheduler
//! in the way the kernel's loop does, and every schedule is watched by oracles.
//!
//! [`cpu`] is the kernel's loop, [`deeds`] its system calls, [`hotplug`] CPUs that come and go, [`machine`] the world
//! as the scheduler sees it, [`rest`] WFI, doorbells and virtual time, [`ledger`] what facts say of each task,
//! [`turns`] whose turn it is, [`quiet`] what must hold when every CPU is at rest, [`run`] the exploration.

mod cpu;
mod deeds;
mod hotplug;
mod ledger;
mod machine;
mod plan;
mod quiet;
mod rest;
mod run;
mod turns;
mod world;

pub use plan::{Deed, Mix, Plan};
pub use run::explore_programs;
