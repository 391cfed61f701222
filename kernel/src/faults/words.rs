//! Facts that are stated otherwise than things are, or not at all.

use antler_abi::Error;
use antler_facts::{Event, Leave};

use super::{Fault, commits};

/// How much later than its own a stated deadline is, in ns.
const LATER: u64 = 1_000_000;

/// The fact as this kernel states it, if it does.
pub(crate) fn misstate(event: Event) -> Option<Event> {
    match event {
        Event::Dispatch { .. } if commits(Fault::DispatchUnsaid) => None,
        Event::Refused { error: Error::BadAddress | Error::BadHandle, .. }
            if commits(Fault::RefusalUnsaid) =>
        {
            None
        }
        Event::Leave { task, why: Leave::Preempt } if commits(Fault::PreemptMisstated) => {
            Some(Event::Leave { task, why: Leave::Yield })
        }
        Event::Deadline { task, at } if commits(Fault::DeadlineMisstated) => {
            Some(Event::Deadline { task, at: at.saturating_add(LATER) })
        }
        event => Some(event),
    }
}
