//! What one CPU asks others to do at once, and the waiting for it.

use core::sync::atomic::{Ordering, fence};

use antler_facts::Event;
use antler_nucleus::{Call, CpuId, CpuSet, Machine};
use antler_sync::HartToken;

use crate::faults::{Fault, commits};
use crate::hart::HartBlock;
use crate::interrupts::wait_until;
use crate::machine::Here;
use crate::memory::paging;
use crate::state::{WORDS, kernel};

/// State who you are.
pub(crate) const IDENTIFY: u64 = 1;
/// Drop all translations of user memory.
pub(crate) const SHOOT_DOWN: u64 = 2;
/// Go offline.
pub(crate) const LEAVE: u64 = 3;

/// How long an answer may take, in ns. A host may be busy; a hart that is online does answer.
const PATIENCE: u64 = 20_000_000_000;

/// How often a waiting CPU looks by itself, in ns; the reply's doorbell normally ends the wait.
const STEP: u64 = 50_000_000;

/// Does what a Call asks of this CPU.
pub(crate) fn answer(here: &mut HartToken, _caller: CpuId, call: Call) {
    match call.op {
        IDENTIFY => {
            let (sp, tp): (u64, u64);
            // SAFETY: reads two registers.
            unsafe {
                core::arch::asm!("mv {}, sp", "mv {}, tp", out(reg) sp, out(reg) tp, options(nomem, nostack))
            };
            let hart = antler_facts::Hart(HartBlock::mine().hart.0);
            Here.fact(Event::Identity { hart, block: tp, sp });
        }
        SHOOT_DOWN => forget_user_memory(here),
        LEAVE => kernel().contexts.mine(here).leave = true,
        op => panic!("a call of unknown kind {op}"),
    }
}

/// Asks `targets`, this CPU not among them, and waits until each that could be reached has answered: one that leaves
/// meanwhile answers on its way out.
pub(crate) fn call(here: &mut HartToken, op: u64, argument: u64, targets: &CpuSet<WORDS>) {
    let k = kernel();
    let _reached = k.sched.call(&Here, here, Call { op, argument }, targets);
    let answered = wait_until(here, PATIENCE, STEP, |here| k.sched.call_done(here));
    if answered.is_err() {
        let silent = k.sched.call_waits_for(here).iter().next().unwrap_or(CpuId::BOOT);
        panic!("{silent} ({}) does not answer a call", k.blocks[silent.index()].hart);
    }
}

/// Makes every other CPU that may have translations of a program's space forget them.
pub(crate) fn shoot_down(here: &mut HartToken, program: u32) {
    let k = kernel();
    forget_user_memory(here);
    // Mirror of `cpu::change_space` (join the active set, fence, walk the table): either that hart is found here, or it walks
    // the table as it is now.
    fence(Ordering::SeqCst);
    let mut targets = k.programs()[program as usize].active.load();
    targets.remove(CpuId::here(here));
    if !targets.is_empty() {
        let count = targets.len() as u64;
        Here.fact(Event::Shootdown { space: u64::from(program), targets: count });
        call(here, SHOOT_DOWN, u64::from(program), &targets);
    }
}

/// Something was unmapped: this hart's translations are worth nothing any more.
fn forget_user_memory(here: &mut HartToken) {
    paging::flush_local();
    if !commits(Fault::SeenKeptOnUnmap) {
        HartBlock::mine().seen.forget();
    }
    kernel().contexts.mine(here).stale = Default::default();
}

/// Waits, without a Call, until no CPU has the space of a program that is over: CPUs that ran its threads may not have left its page
/// table yet.
pub(crate) fn await_unused(here: &mut HartToken, program: &crate::program::Program) {
    let left = wait_until(here, PATIENCE, STEP / 1000, |_| program.active.load().is_empty());
    assert!(left.is_ok(), "a CPU stays on the page table of a program that is over");
}
