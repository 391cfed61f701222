//! Which fault, on which CPU, from when on and how often.

use alloc::string::{String, ToString};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use antler_abi::MachineExit;
use antler_facts::Marker;
use antler_nucleus::Fault as Sched;

use super::Fault;
use crate::hart::HartBlock;
use crate::{end, state};

/// Whose code commits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Kernel(Fault),
    Sched(Sched),
}

/// One fault under its name.
struct Entry {
    name: &'static str,
    which: Which,
    /// It is committed once this marker has been stated; `None`: from the first instruction on.
    after: Option<Marker>,
    /// How often it is committed at most.
    times: u32,
}

const ALWAYS: u32 = u32::MAX;

const fn entry(name: &'static str, which: Which, after: Option<Marker>, times: u32) -> Entry {
    Entry { name, which, after, times }
}

/// All faults. What each must turn red stands with the host, in `proof/counterfactuals.toml`.
static FAULTS: &[Entry] = &[
    entry("ipi-dropped", Which::Kernel(Fault::IpiDropped), Some(Marker::IpiCounterfactual), ALWAYS),
    entry("doorbell-first", Which::Sched(Sched::DoorbellFirst), Some(Marker::IpiCounterfactual), ALWAYS),
    entry("mail-read-early", Which::Kernel(Fault::MailReadEarly), Some(Marker::SmpOnline), ALWAYS),
    entry("tick-instead", Which::Kernel(Fault::TickInstead), Some(Marker::IpiCounterfactual), ALWAYS),
    entry("wrong-sender", Which::Sched(Sched::WrongSender), Some(Marker::IpiCounterfactual), ALWAYS),
    entry("ring-latched", Which::Sched(Sched::RingLatched), Some(Marker::IpiCounterfactual), 1),
    entry("wake-unrung", Which::Sched(Sched::WakeUnrung), Some(Marker::IpiCounterfactual), ALWAYS),
    entry("doorbell-by-timer", Which::Kernel(Fault::DoorbellByTimer), Some(Marker::SmpOnline), ALWAYS),
    entry("refused-rings", Which::Kernel(Fault::RefusedRings), None, ALWAYS),
    entry("stacks-shared", Which::Kernel(Fault::StacksShared), None, ALWAYS),
    entry("secondary-idle", Which::Kernel(Fault::SecondaryIdle), None, ALWAYS),
    entry("online-by-starter", Which::Kernel(Fault::OnlineByStarter), None, ALWAYS),
    entry("harts-misnumbered", Which::Kernel(Fault::HartsMisnumbered), None, ALWAYS),
    entry("steal-unbounded", Which::Sched(Sched::StealUnbounded), Some(Marker::WorkStealing), ALWAYS),
    entry("steal-deep", Which::Sched(Sched::StealDeep), Some(Marker::WorkStealing), ALWAYS),
    entry("steal-never", Which::Sched(Sched::StealNever), Some(Marker::RejectOffline), ALWAYS),
    entry("steal-unsaid", Which::Sched(Sched::StealUnsaid), Some(Marker::RejectOffline), 1),
    entry(
        "ceiling-ignored",
        Which::Kernel(Fault::CeilingIgnored),
        Some(Marker::RejectStealAboveBound),
        ALWAYS,
    ),
    entry("lowest-first", Which::Sched(Sched::LowestFirst), Some(Marker::Trap), ALWAYS),
    entry("task-lost", Which::Sched(Sched::TaskLost), Some(Marker::RejectOffline), 1),
    entry("task-twice", Which::Sched(Sched::TaskTwice), Some(Marker::RejectOffline), 1),
    entry("task-strays", Which::Sched(Sched::TaskStrays), Some(Marker::RejectOffline), 1),
    entry("satp-stale", Which::Kernel(Fault::SatpStale), Some(Marker::UserMode), ALWAYS),
    entry("seen-kept-on-leave", Which::Kernel(Fault::SeenKeptOnLeave), None, ALWAYS),
    entry("seen-kept-on-unmap", Which::Kernel(Fault::SeenKeptOnUnmap), None, ALWAYS),
    entry("frame-late", Which::Kernel(Fault::FrameLate), Some(Marker::RejectOffline), ALWAYS),
    entry("fp-unsaved", Which::Kernel(Fault::FpUnsaved), None, ALWAYS),
    entry("fp-leaked", Which::Kernel(Fault::FpLeaked), None, ALWAYS),
    entry("timer-early", Which::Sched(Sched::TimerEarly), Some(Marker::UserMode), ALWAYS),
    entry("timer-clobbered", Which::Sched(Sched::TimerClobbered), Some(Marker::UserMode), ALWAYS),
    entry("pointer-unchecked", Which::Kernel(Fault::PointerUnchecked), Some(Marker::Timer), ALWAYS),
    entry("wild-lives", Which::Kernel(Fault::WildLives), None, ALWAYS),
    entry("target-unchecked", Which::Kernel(Fault::TargetUnchecked), None, ALWAYS),
    entry("offline-accepted", Which::Kernel(Fault::OfflineAccepted), None, ALWAYS),
    entry("hart-not-stopped", Which::Kernel(Fault::HartNotStopped), None, ALWAYS),
    entry("stop-ignored", Which::Kernel(Fault::StopIgnored), None, ALWAYS),
    entry("call-swallowed", Which::Kernel(Fault::CallSwallowed), Some(Marker::Timer), 1),
    entry("right-ignored", Which::Kernel(Fault::RightIgnored), None, ALWAYS),
    entry("any-call-accepted", Which::Kernel(Fault::AnyCallAccepted), None, ALWAYS),
    entry("boot-unstated", Which::Kernel(Fault::BootUnstated), None, ALWAYS),
    entry("trap-misattributed", Which::Kernel(Fault::TrapMisattributed), Some(Marker::Timer), 1),
    entry("fact-lost", Which::Kernel(Fault::FactLost), Some(Marker::Timer), 1),
    entry("dispatch-unsaid", Which::Kernel(Fault::DispatchUnsaid), Some(Marker::Timer), 1),
    entry("preempt-misstated", Which::Kernel(Fault::PreemptMisstated), None, ALWAYS),
    entry("refusal-unsaid", Which::Kernel(Fault::RefusalUnsaid), None, ALWAYS),
    entry("deadline-misstated", Which::Kernel(Fault::DeadlineMisstated), Some(Marker::UserMode), ALWAYS),
    entry("marker-twice", Which::Kernel(Fault::MarkerTwice), Some(Marker::UserMode), 1),
    entry("marker-unbacked", Which::Kernel(Fault::MarkerUnbacked), Some(Marker::UserMode), 1),
    entry("marker-silent", Which::Kernel(Fault::MarkerSilent), Some(Marker::UserMode), 1),
    entry("exit-lies", Which::Kernel(Fault::ExitLies), None, ALWAYS),
];

/// Index of the chosen fault; past the end: none.
static CHOSEN: AtomicUsize = AtomicUsize::new(usize::MAX);
/// The CPU that commits it; past every CPU: any.
static CPU: AtomicUsize = AtomicUsize::new(usize::MAX);
/// How often it may still be committed; 0 before its marker.
static LEFT: AtomicU32 = AtomicU32::new(0);
/// Whether it has been committed.
static DONE: AtomicBool = AtomicBool::new(false);

/// Takes `fault=NAME[@cpuN]` out of the boot arguments, and returns the others.
pub(crate) fn take(text: &str) -> String {
    let is_fault = |word: &&str| word.starts_with("fault=");
    if let Some(second) = text.split_ascii_whitespace().filter(is_fault).nth(1) {
        end::refuse(
            MachineExit::BadInput,
            format_args!(
                "boot argument `{second}`: one fault at a time, or none could be told by its effect"
            ),
        );
    }
    if let Some(word) = text.split_ascii_whitespace().find(is_fault) {
        choose(word).unwrap_or_else(|| {
            let names: String = FAULTS.iter().flat_map(|fault| [" ", fault.name]).collect();
            end::refuse(
                MachineExit::BadInput,
                format_args!("boot argument `{word}`: expected fault=NAME[@cpuN], NAME one of{names}"),
            )
        });
    }
    text.split_ascii_whitespace()
        .filter(|word| !is_fault(word))
        .flat_map(|word| [word, " "])
        .collect::<String>()
        .trim_end()
        .to_string()
}

fn choose(word: &str) -> Option<()> {
    let value = word.strip_prefix("fault=")?;
    let (name, cpu) = match value.split_once("@cpu") {
        Some((name, cpu)) => (name, cpu.parse().ok()?),
        None => (value, usize::MAX),
    };
    let index = FAULTS.iter().position(|fault| fault.name == name)?;
    CPU.store(cpu, Ordering::Relaxed);
    if FAULTS[index].after.is_none() {
        LEFT.store(FAULTS[index].times, Ordering::Relaxed);
    }
    CHOSEN.store(index, Ordering::Relaxed);
    Some(())
}

/// Refuses a fault that is to be committed on a CPU that there is not.
pub(crate) fn demand(cpus: usize) {
    let cpu = CPU.load(Ordering::Relaxed);
    if CHOSEN.load(Ordering::Relaxed) < FAULTS.len() && cpu != usize::MAX && cpu >= cpus {
        end::refuse(
            MachineExit::BadInput,
            format_args!("boot argument `fault=`: there is no cpu{cpu}, but {cpus} CPUs"),
        );
    }
}

/// The exit code of a machine that was to commit a fault: if it never had occasion to, the run says nothing of it.
pub(crate) fn told(exit: MachineExit) -> MachineExit {
    match FAULTS.get(CHOSEN.load(Ordering::Relaxed)) {
        Some(fault) if exit == MachineExit::Success && !DONE.load(Ordering::Relaxed) => {
            say!("antler: the fault {} was never committed", fault.name);
            MachineExit::BadInput
        }
        _ => exit,
    }
}

/// A marker was stated: the fault that waits for it may be committed from now on.
pub(crate) fn reached(marker: Marker) {
    if let Some(fault) = FAULTS.get(CHOSEN.load(Ordering::Relaxed))
        && fault.after == Some(marker)
    {
        LEFT.store(fault.times, Ordering::Relaxed);
    }
}

/// Whether this CPU is to do this wrong, here and now.
pub(crate) fn commits(fault: Fault) -> bool {
    is_due(Which::Kernel(fault))
}

/// Whether what this kernel was told to do wrong is done where every call is handled from the start: then none is answered in
/// a shorter way. All other faults are committed on the ways that the shipped kernel takes.
pub(crate) fn meddles() -> bool {
    const FROM_THE_START: [Fault; 4] =
        [Fault::CallSwallowed, Fault::AnyCallAccepted, Fault::TrapMisattributed, Fault::MailReadEarly];
    FAULTS
        .get(CHOSEN.load(Ordering::Relaxed))
        .is_some_and(|entry| FROM_THE_START.iter().any(|&fault| entry.which == Which::Kernel(fault)))
}

/// As [`commits`], for what the scheduler asks.
pub(crate) fn scheduler_commits(fault: Sched) -> bool {
    is_due(Which::Sched(fault))
}

#[inline(never)]
fn is_due(which: Which) -> bool {
    let Some(chosen) = FAULTS.get(CHOSEN.load(Ordering::Relaxed)) else { return false };
    if chosen.which != which {
        return false;
    }
    // Until there are hart blocks there is one hart only.
    let here = || state::try_kernel().map_or(0, |_| HartBlock::mine().cpu.index());
    let cpu = CPU.load(Ordering::Relaxed);
    if cpu != usize::MAX && cpu != here() {
        return false;
    }
    let spend = |left: u32| match left {
        ALWAYS => Some(ALWAYS),
        left => left.checked_sub(1),
    };
    let commits = LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok();
    if commits {
        DONE.store(true, Ordering::Relaxed);
    }
    commits
}
