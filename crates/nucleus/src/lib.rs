//! Antler's scheduling logic, with no architecture in it: the same source runs in the kernel, in models and in the
//! simulator. It owns no statics, performs no I/O and logs nothing; the world is reached through [`Machine`].
//!
//! Read in this order: [`ids`](CpuId), [`task`](TaskPool), [`ring`](Ring), `inbox`, `mailbox`, `presence`, then the
//! scheduler's verbs: `place`, `ipi`, `dispatch`, `steal`, `block`, `hotplug`, and last `audit`, which says what must
//! hold whenever nothing moves.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod audit;
mod block;
mod calls;
mod classes;
mod counters;
mod cpu;
mod cpuset;
mod dispatch;
mod fault;
mod fifo;
mod hotplug;
mod ids;
mod inbox;
mod ipi;
mod machine;
mod mailbox;
mod phase;
mod place;
mod presence;
mod ring;
mod scheduler;
mod steal;
mod task;
mod timers;
mod turn;
mod waits;

pub use audit::AuditError;
pub use calls::{Call, CallBlock};
pub use counters::Counters;
pub use cpuset::{AtomicCpuSet, CpuSet};
pub use dispatch::Next;
pub use fault::Fault;
pub use ids::{CpuId, HartId, OnlineCpu, TargetError};
pub use inbox::{Inbox, Mail};
pub use machine::{Machine, RingError};
pub use mailbox::{Kinds, Mailbox, Post};
pub use phase::Phase;
pub use presence::{Presence, State};
pub use ring::{OwnerEnd, Ring, Take};
pub use scheduler::{CeilingError, Config, Placement, Scheduler};
pub use steal::{Steal, StealRefused};
pub use task::{PoolFull, Runnable, Running, TaskPool, Ticket};
pub use timers::Timers;
pub use waits::{BUCKET_RANK, Key, WaitTable};

/// How many tasks one steal moves at most.
pub const STEAL_BOUND: usize = 4;
