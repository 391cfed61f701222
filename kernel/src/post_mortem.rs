//! What is said of every hart after a panic.

use core::sync::atomic::Ordering;

use antler_nucleus::{CpuId, CpuSet};

use crate::hart::HartBlock;
use crate::memory::stacks;
use crate::state::{WORDS, kernel};
use crate::trap::entry::trap_entry;
use crate::{evidence, program};

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
        if let Some(slot) = block.task.load(Ordering::Relaxed).checked_sub(1) {
            let (slot, tasks) = (slot as usize, &k.sched.tasks);
            say!("    runs {:#x} of program {}", tasks.handle(slot).to_raw(), program::of_slot(slot).name);
        }
        // SAFETY: the hart has stopped, or may be running the task: then this reads words that change, into numbers.
        let frame = unsafe { *block.frame.get() };
        if !frame.is_null() {
            // SAFETY: as above; frames live as long as the machine.
            let (whole, x) = unsafe { ((*frame).whole != 0, &(*frame).x) };
            let kept = if whole {
                ""
            } else {
                " (as a call left it: a2 to a7 and t0 to t6 are older, or another's)"
            };
            say!("    registers when it last left U-mode with all saved{kept}:");
            registers(x);
        }
        // SAFETY: as above.
        if unsafe { *block.nested.get() } != 0 {
            say!("    registers when the kernel trapped:");
            // SAFETY: as above.
            registers(unsafe { &*block.dump.get() });
        }
        last_facts(block.cpu);
    }
}

/// ABI names of x1 to x31; x0's place holds the program counter.
const NAMES: [&str; 32] = [
    "pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6",
    "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

fn registers(x: &[u64; 32]) {
    for (names, values) in NAMES.chunks(4).zip(x.chunks(4)) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| (names[i], values[i]));
        say!(
            "      {:>3} {:#18x}  {:>3} {:#18x}  {:>3} {:#18x}  {:>3} {:#18x}",
            a.0,
            a.1,
            b.0,
            b.1,
            c.0,
            c.1,
            d.0,
            d.1
        );
    }
}

fn last_facts(cpu: CpuId) {
    for fact in evidence::last(cpu, FACTS) {
        say!("    {:>12} ns  {:?}", fact.time, fact.event);
    }
}

/// Bytes of the trap entry, and some more.
const ENTRY: u64 = 0x800;

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
        // What called the first of our functions: its own caller is the task, whose frame pointer is none of ours.
        if ra == 0 || ra.wrapping_sub(trap_entry as *const () as u64) < ENTRY {
            return;
        }
        say!("    called from {ra:#x}");
        if next <= fp {
            return;
        }
        fp = next;
    }
}
