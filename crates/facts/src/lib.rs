//! The evidence vocabulary. A *fact* is one thing that happened on one CPU; the kernel states facts, the judge on the
//! host decides what they prove. This crate says only which facts there are and how they look in bytes: no predicate
//! and no expected value lives here, because kernel and judge share it.
#![no_std]
#![forbid(unsafe_code)]

mod codec;
mod event;
mod field;

pub use codec::{DecodeError, Fact, RECORD};
pub use event::{Event, Kind, KindMask};
pub use field::{Cpu, Hart, IdleEnd, Leave, Marker, Place, Request, Seen, Task, WakeCause};
