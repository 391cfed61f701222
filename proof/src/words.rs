//! A fact in a few words, for people who look at evidence.

use antler_abi::{Error, Syscall};
use antler_facts::{Event, Fact, Leave, Place, Seen, Task, WakeCause};

/// `scause` of an environment call from U-mode.
pub(crate) const CALL: u64 = 8;
/// `scause` of an illegal instruction.
pub(crate) const ILLEGAL: u64 = 2;
/// `scause` of a supervisor software interrupt; the highest bit marks interrupts.
pub(crate) const SOFTWARE_INTERRUPT: u64 = 1 << 63 | 1;
/// `scause` of a supervisor external interrupt.
pub(crate) const EXTERNAL_INTERRUPT: u64 = 1 << 63 | 9;

/// Whether a trap with this `scause` is a doorbell. Which of the two it must be, on a machine, is for the claim *traps*.
pub(crate) const fn is_doorbell(cause: u64) -> bool {
    matches!(cause, SOFTWARE_INTERRUPT | EXTERNAL_INTERRUPT)
}

/// `scause` of a supervisor timer interrupt.
pub(crate) const TIMER_INTERRUPT: u64 = 1 << 63 | 5;

/// HSM states by number (SBI specification, "Hart State Management").
const HSM: [&str; 4] = ["STARTED", "STOPPED", "START_PENDING", "STOP_PENDING"];

/// A task's name in reports: slot and generation.
pub(crate) fn task_name(task: Task) -> String {
    format!("task {}.{}", task.0 & 0xffff_ffff, task.0 >> 32)
}

/// A system call's name, or its number if it has none.
pub(crate) fn call_name(number: u64) -> String {
    match usize::try_from(number).ok().and_then(Syscall::from_number) {
        Some(call) => format!("{call:?}"),
        None => format!("system call {number}"),
    }
}

fn cause_name(cause: u64) -> String {
    match cause {
        CALL => "a system call".into(),
        ILLEGAL => "an illegal instruction".into(),
        SOFTWARE_INTERRUPT | EXTERNAL_INTERRUPT => "the doorbell".into(),
        TIMER_INTERRUPT => "the timer".into(),
        other => format!("scause {other:#x}"),
    }
}

fn refused(error: Error) -> String {
    format!("refused: {error}")
}

/// What the fact says, in a few words. Who says it stands beside them.
pub(crate) fn words(fact: &Fact) -> String {
    let name = task_name;
    match fact.event {
        Event::BootHart { hart } => format!("hart {} boots", hart.0),
        Event::Present { cpu, hart } => format!("cpu{} is to be hart {}", cpu.0, hart.0),
        Event::Transport { version } => format!("facts leave by virtio-mmio version {version}"),
        Event::StartHart { cpu, .. } => format!("firmware asked to start cpu{}", cpu.0),
        Event::Online { stack, .. } => format!("online, trap stack below {stack:#x}"),
        Event::Verified { cpu, .. } => format!("cpu{}'s report checked", cpu.0),
        Event::Identity { hart, sp, .. } => format!("says: hart {}, sp {sp:#x}", hart.0),
        Event::TrapUser { cause, task } => format!("{} traps: {}", name(task), cause_name(cause)),
        Event::Syscall { number, task } => format!("{} calls {}", name(task), call_name(number)),
        Event::Refused { number, error, .. } => format!("{} {}", call_name(number), refused(error)),
        Event::Spawned { task, class, .. } => format!("{} made, class {class}", name(task)),
        Event::Enqueue { task, target, place } => match place {
            Place::Local => format!("{} put on its own queue", name(task)),
            Place::Inbox => format!("{} put into cpu{}'s inbox", name(task), target.0),
        },
        Event::Dispatch { task, class, .. } => format!("runs {}, class {class}", name(task)),
        Event::Leave { task, why } => {
            let why = match why {
                Leave::Yield => "yields",
                Leave::Preempt => "is preempted",
                Leave::Block => "waits",
                Leave::Exit => "leaves for good",
                Leave::Offline => "leaves with its CPU",
            };
            format!("{} {why}", name(task))
        }
        Event::Wake { task, cause, .. } => {
            let by = match cause {
                WakeCause::Signal => "a wake call",
                WakeCause::Deadline => "its deadline",
                WakeCause::Join => "the end that it waited for",
                WakeCause::Kill => "the end of its program",
            };
            format!("{} woken by {by}", name(task))
        }
        Event::Exit { task, .. } => format!("{} ended", name(task)),
        Event::Request { target, n, what } => format!("request {n} to cpu{} ({what:?})", target.0),
        Event::Ring { target, n } => format!("doorbell of cpu{} for request {n}", target.0),
        Event::Rode { target, n } => format!("request {n} to cpu{} rides on another doorbell", target.0),
        Event::Withheld { target, n } => format!("doorbell of cpu{} withheld for request {n}", target.0),
        Event::Seen { at: Seen::Trap } => "doorbell seen in a trap".into(),
        Event::Seen { at: Seen::Wfi } => "doorbell seen out of WFI".into(),
        Event::Ack { sender, n } => format!("ack of cpu{}'s request {n}", sender.0),
        Event::IdleBegin {} => "idle begins".into(),
        Event::IdleEnd { why } => format!("idle ends ({why:?})"),
        Event::Steal { victim, count, class } => format!("steal of {count} ({class}) from cpu{}", victim.0),
        Event::Stolen { task, victim } => format!("{} stolen from cpu{}", name(task), victim.0),
        Event::StealRefused { victim, asked, error } => {
            format!("steal of {asked} from cpu{} {}", victim.0, refused(error))
        }
        Event::Ceiling { cpu, class } => format!("ceiling of cpu{}: {class}", cpu.0),
        Event::Offline { hart } => format!("hart {} stops", hart.0),
        Event::HartState { cpu, state, .. } => {
            let known = usize::try_from(state).ok().and_then(|state| HSM.get(state));
            format!("firmware: cpu{} is {}", cpu.0, known.map_or(state.to_string(), |name| (*name).into()))
        }
        Event::TargetRefused { target, error } => format!("target {target} {}", refused(error)),
        Event::Marker { marker } => format!("marker {marker:?}"),
        Event::Fault { task, cause, address } => {
            format!("{} ended for scause {cause} at {address:#x}", name(task))
        }
        Event::Timer { deadline } => format!("timer for {deadline} ns fires"),
        Event::Rehome { task, to } => format!("{} has its home on cpu{} now", name(task), to.0),
        Event::Dropped { count } => format!("{count} facts dropped"),
        Event::End { code } => format!("the machine ends with {code}"),
        Event::Shootdown { targets, .. } => format!("{targets} CPUs made to drop translations"),
        Event::Deadline { task, at } => format!("{} waits until {at} ns", name(task)),
        Event::Evicted { task, to } => format!("{} evicted, to go to cpu{}", name(task), to.0),
    }
}
