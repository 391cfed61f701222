//! [`Fault::DoorbellByTimer`](super::Fault::DoorbellByTimer): a doorbell is cleared and nothing done about it, but that the
//! timer is set to now; whatever the timer was set to before is lost with it.

use super::{Fault, commits};
use crate::{time, timer};

/// Which of the pending interrupts, of which `doorbell` and `timer` are bits, are handled now.
pub(crate) fn defer(pending: usize, (doorbell, timer): (usize, usize), clear_doorbell: fn()) -> usize {
    if pending & (doorbell | timer) == 0 || !commits(Fault::DoorbellByTimer) {
        return pending;
    }
    if pending & timer != 0 {
        // The scheduler knows of no timer that it need switch off.
        timer::set(u64::MAX);
        return pending | doorbell;
    }
    clear_doorbell();
    timer::set(time::to_ticks(time::now()));
    0
}
