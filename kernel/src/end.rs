//! How the machine ends: on purpose, or by a panic. One hart is elected to say why; all others are stopped first.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use antler_abi::MachineExit;
use antler_facts::{Event, Request};
use antler_nucleus::{AtomicCpuSet, CpuId, CpuSet, Machine};
use antler_sync::HartToken;

use crate::faults::{self, Fault};
use crate::hart::HartBlock;
use crate::machine::Here;
use crate::memory::layout::to_virtual;
use crate::state::{self, WORDS};
use crate::{console, counters, doorbell, evidence, post_mortem, sbi, stats, time, timer};

/// Physical address of the board's test device; 0: none.
static TEST_DEVICE: AtomicU64 = AtomicU64::new(0);

/// Set by the one hart that ends the machine.
static ENDING: AtomicBool = AtomicBool::new(false);

/// CPUs that were asked to stop and did.
static STOPPED: spin::Once<AtomicCpuSet<WORDS>> = spin::Once::new();

/// How long the others may take to stop, and the test device to end the machine, in ns.
const PATIENCE: u64 = 20_000_000_000;

/// Remembers where the test device is.
pub(crate) fn init(test_device: Option<u64>) {
    TEST_DEVICE.store(test_device.unwrap_or(0), Ordering::Relaxed);
}

/// Ends the machine with this code. The test device passes it on; firmware's reset can only say that it failed, and is
/// asked when there is no such device, or when it has not ended the machine after a while: asked too early, it would
/// overtake the device and end the machine with 0.
pub(crate) fn power_off(exit: MachineExit) -> ! {
    let device = TEST_DEVICE.load(Ordering::Relaxed);
    if device != 0 {
        let word = match exit.code() {
            0 => 0x5555,
            code => u32::from(code) << 16 | 0x3333,
        };
        // SAFETY: the device tree says that the test device is there, and it is mapped.
        unsafe { (to_virtual(device) as *mut u32).write_volatile(word) };
        let deadline = time::now() + PATIENCE;
        while time::now() < deadline {
            timer::set(time::to_ticks(deadline));
            // SAFETY: only the timer may end the sleep.
            unsafe { core::arch::asm!("csrw sie, {}", "wfi", in(reg) 1 << 5, options(nomem, nostack)) };
        }
    }
    sbi::shutdown_failed();
    sleep_for_ever()
}

/// The timer, in `sie` and `sip`.
const TIMER: usize = 1 << 5;

/// From now on only this source ends this hart's sleep.
fn listen_only_to(source: usize) {
    // SAFETY: the kernel takes no interrupt; this hart does not go back to U-mode.
    unsafe { core::arch::asm!("csrw sie, {}", in(reg) source, options(nomem, nostack)) };
}

/// No more of this hart.
pub(crate) fn sleep_for_ever() -> ! {
    loop {
        // SAFETY: with no interrupt enabled, nothing will run here any more.
        unsafe { core::arch::asm!("csrw sie, zero", "wfi", options(nomem, nostack)) };
    }
}

/// The boot cannot go on: says why, in the words that fail every gate, and ends the machine.
pub(crate) fn refuse(exit: MachineExit, why: core::fmt::Arguments<'_>) -> ! {
    say!("KINIT: FAIL {why}");
    power_off(exit)
}

/// Every program is over, or a self-test failed: the machine's regular end.
pub(crate) fn finish(here: &mut HartToken, exit: MachineExit) -> ! {
    if ENDING.swap(true, Ordering::AcqRel) {
        // Another hart is at it, and will stop us.
        listen_only_to(doorbell::pending_bit());
        loop {
            stop_if_asked();
            riscv::asm::wfi();
        }
    }
    let k = state::kernel();
    if exit != MachineExit::Success {
        // A doorbell that firmware lost is the one failure that leaves no other trace.
        let online = k.sched.online();
        for block in k.blocks.iter().filter(|block| online.contains(block.cpu) && k.sched.is_rung(block.cpu))
        {
            say!("antler: {} ({}) has not seen the doorbell that was rung for it", block.cpu, block.hart);
        }
    }
    if let Some(cpu) = stop_others(here).iter().next() {
        say!("KINIT: FAIL {cpu} ({}) did not stop", k.blocks[cpu.index()].hart);
        power_off(MachineExit::Panic);
    }
    if k.stats {
        stats::print();
    }
    counters::print();
    let lies = faults::commits(Fault::ExitLies);
    #[cfg(feature = "faults")]
    let exit = faults::told(exit);
    Here.fact(Event::End { code: u64::from(exit.code()) });
    if let Err(error) = evidence::drain_all() {
        say!("KINIT: FAIL facts are lost: {error}");
        power_off(MachineExit::Panic);
    }
    if lies {
        power_off(MachineExit::SelftestFailed);
    }
    power_off(exit)
}

/// Asks every other CPU to stop and waits until each has, within a bound; returns those that have not.
fn stop_others(here: &HartToken) -> CpuSet<WORDS> {
    let k = state::kernel();
    let stopped = STOPPED.call_once(AtomicCpuSet::default);
    // Mirror of `bringup::report`.
    fence(Ordering::SeqCst);
    let mut silent = k.sched.online();
    silent.remove(CpuId::here(here));
    for cpu in silent.iter() {
        if let Ok(target) = k.sched.target(cpu.index()) {
            // A CPU that left meanwhile has stopped by itself.
            let _left = k.sched.request(&Here, here, target, Request::Stop);
        }
    }
    // A doorbell that somebody rings now is not answered any more, and pending it would end every sleep.
    listen_only_to(TIMER);
    let deadline = time::now() + PATIENCE;
    while !silent.is_empty() && time::now() < deadline {
        for cpu in silent.iter() {
            if stopped.contains(cpu) || k.sched.target(cpu.index()).is_err() {
                silent.remove(cpu);
            }
        }
        // A short sleep: a spinning hart would take the others' turn under single-threaded emulation.
        timer::set(time::to_ticks(time::now() + 1_000_000));
        riscv::asm::wfi();
    }
    silent
}

/// This CPU was asked to stop: says that it has, and is gone.
pub(crate) fn stop_here() -> ! {
    // Nobody may have asked yet: of two that panic at once, one comes here by itself.
    STOPPED.call_once(AtomicCpuSet::default).insert(HartBlock::mine().cpu);
    sleep_for_ever()
}

/// A hart that comes online while the machine ends was not asked to stop: it sees for itself.
pub(crate) fn sleep_if_ending() {
    if ENDING.load(Ordering::Acquire) {
        stop_here();
    }
}

/// Stops if the machine is ending; asked by whoever waits for something in the kernel.
pub(crate) fn stop_if_asked() {
    let sip: usize;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("csrr {}, sip", out(reg) sip, options(nomem, nostack)) };
    if ENDING.load(Ordering::Relaxed) && sip & doorbell::pending_bit() != 0 && STOPPED.get().is_some() {
        stop_here();
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if ENDING.swap(true, Ordering::AcqRel) {
        // Somebody else reports already, or our own report went wrong: the first words count.
        if PANICKED_HERE.load(Ordering::Relaxed) == HartBlock::mine() as *const _ as u64 {
            power_off(MachineExit::Panic);
        }
        stop_here();
    }
    PANICKED_HERE.store(HartBlock::mine() as *const _ as u64, Ordering::Relaxed);
    console::begin_last_words();
    if state::try_kernel().is_none() {
        say!("PANIC: during boot: {info}");
        power_off(MachineExit::Panic);
    }
    let block = HartBlock::mine();
    say!("PANIC: {} ({}): {info}", block.cpu, block.hart);
    // SAFETY: whoever had this CPU's token is below us on the stack and will never run again.
    let here = unsafe { HartToken::claim(block.cpu.index()) };
    let silent = stop_others(&here);
    post_mortem::print(&silent);
    evidence::drain_after_panic();
    power_off(MachineExit::Panic)
}

/// Block of the hart that panicked first.
static PANICKED_HERE: AtomicU64 = AtomicU64::new(0);
