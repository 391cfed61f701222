//! What is said of every hart after a panic.

use antler_nucleus::{CpuId, CpuSet};

use crate::evidence;
use crate::hart::HartBlock;
use crate::memory::stacks;
use crate::state::{WORDS, kernel};

/// Facts shown for each hart.
const FACTS: u32 = 5;

/// Frames that a backtrace follows at most.
const DEPTH: usize = 32;

/// Prints the panicking hart's backtrace, then a paragraph for each CPU. `silent` did not answer the stop request.
pub(crate) fn print(silent: &CpuSet<WORDS>) {
    let k = kernel();
    let me = HartBlock::mine();
    let fp: u64;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mv {}, s0", out(reg) fp, options(nomem, nostack)) };
    backtrace(me, fp);
    for block in &k.blocks {
        let state = if block.cpu == me.cpu {
            "panicked"
        } else if silent.contains(block.cpu) {
            "DID NOT ANSWER"
        } else if k.sched.online().contains(block.cpu) {
            "stopped"
        } else {
            "offline"
        };
        say!("  {} ({}): {state}, {:?}", block.cpu, block.hart, k.sched.presence(block.cpu));
        // SAFETY: the hart has stopped, or may be running the task: then this reads words that change, into numbers.
        let frame = unsafe { *block.frame.get() };
        if !frame.is_null() {
            // SAFETY: frames live as long as the machine.
            let (pc, ra, sp) = unsafe { ((*frame).x[0], (*frame).x[1], (*frame).x[2]) };
            say!("    last in U-mode: pc {pc:#x} ra {ra:#x} sp {sp:#x}");
        }
        last_facts(block.cpu);
    }
}

fn last_facts(cpu: CpuId) {
    for fact in evidence::last(cpu, FACTS) {
        say!("    {:>12} ns  {:?}", fact.time, fact.event);
    }
}

/// Follows saved frame pointers (s0) as long as they stay on one of the hart's stacks.
pub(crate) fn backtrace(block: &HartBlock, mut fp: u64) {
    let on_stack = |fp: u64| {
        (block.stack_bottom..=block.stack_top).contains(&fp)
            || (block.emergency_top - stacks::EMERGENCY as u64..=block.emergency_top).contains(&fp)
    };
    for _ in 0..DEPTH {
        if !fp.is_multiple_of(8) || !on_stack(fp) || !on_stack(fp - 16) {
            return;
        }
        // SAFETY: a word of a mapped stack: the addresses were checked.
        let (ra, next) = unsafe { (*((fp - 8) as *const u64), *((fp - 16) as *const u64)) };
        if ra == 0 {
            return;
        }
        say!("    called from {ra:#x}");
        if next <= fp {
            return;
        }
        fp = next;
    }
}
