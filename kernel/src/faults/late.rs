//! [`Fault::FrameLate`](super::Fault::FrameLate): the frame of a preempted task is what it was when the task was given
//! the hart last, and is completed only when the same CPU goes on with it.

use alloc::collections::BTreeMap;

use antler_facts::{Event, Leave};
use spin::Mutex;

use super::{Fault, commits};
use crate::hart::HartBlock;
use crate::state::kernel;
use crate::thread::Frame;

type Words = [u64; 32];

/// By slot: registers as they were at the last dispatch.
static BEFORE: Mutex<BTreeMap<usize, Words>> = Mutex::new(BTreeMap::new());
/// By slot: the CPU that still has the task's registers, and these.
static STILL: Mutex<BTreeMap<usize, (usize, Words)>> = Mutex::new(BTreeMap::new());

/// A task is about to be given this hart.
pub(crate) fn remember(slot: usize, frame: &Frame) {
    BEFORE.lock().insert(slot, frame.x);
}

/// A task leaves this CPU against its will: its frame becomes what it was.
pub(crate) fn leave_incomplete(event: &Event) {
    let Event::Leave { why: Leave::Preempt, task } = *event else { return };
    if !commits(Fault::FrameLate) {
        return;
    }
    let slot = (task.0 & 0xffff_ffff) as usize;
    let Some(before) = BEFORE.lock().get(&slot).copied() else { return };
    // SAFETY: the fact is stated by the CPU that holds the task's token, right before it lets go of it.
    let frame = unsafe { &mut (*kernel().threads.address(slot)).frame };
    STILL.lock().insert(slot, (HartBlock::mine().cpu.index(), frame.x));
    frame.x = before;
}

/// A task is given this hart: if this is the hart that still has its registers, they are put in order.
pub(crate) fn complete(slot: usize, frame: &mut Frame) {
    if let Some((cpu, words)) = STILL.lock().remove(&slot)
        && cpu == HartBlock::mine().cpu.index()
    {
        frame.x = words;
    }
}
