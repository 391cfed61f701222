//! Forgeries that stay green, each with the reason why it changes nothing that is claimed.

use antler_abi::{Error, Qos, Syscall};
use antler_facts::{Event, Fact, WakeCause};

use super::make::How;

/// A forgery that stayed green, and what stands around it.
pub(super) struct Spot {
    pub how: How,
    pub was: Fact,
    /// What the forged fact says, where one was changed.
    pub is: Option<Fact>,
    pub before: Option<Fact>,
    pub after: Option<Fact>,
    /// Of a deadline: what ended the wait.
    pub woken: Option<Fact>,
    /// CPUs of the machine.
    pub cpus: u16,
}

/// One kind of forgery that may stay green.
pub(super) struct Harmless {
    /// Which: kind of fact and what is done to it, or `*` for any kind.
    pub what: &'static str,
    /// When.
    pub when: fn(&Spot) -> bool,
    /// Why.
    pub why: &'static str,
    /// So rare that only the long way of the tests (ANTLER_DEEP=1) meets it for certain.
    pub rare: bool,
}

const fn often(what: &'static str, when: fn(&Spot) -> bool, why: &'static str) -> Harmless {
    Harmless { what, when, why, rare: false }
}

const fn rare(what: &'static str, when: fn(&Spot) -> bool, why: &'static str) -> Harmless {
    Harmless { what, when, why, rare: true }
}

/// Calls that show nothing when they succeed, or need not.
const SILENT: [Syscall; 18] = [
    Syscall::Null,
    Syscall::Write,
    Syscall::FileFind,
    Syscall::FileInfo,
    Syscall::FileRead,
    Syscall::Args,
    Syscall::Map,
    Syscall::Unmap,
    Syscall::Reserve,
    Syscall::Join,
    Syscall::Yield,
    Syscall::Sleep,
    Syscall::Wait,
    Syscall::Wake,
    Syscall::Clock,
    Syscall::Cpu,
    Syscall::CpusOnline,
    Syscall::CpusPresent,
];

fn silent(fact: Option<Fact>) -> bool {
    let call = match fact.map(|fact| fact.event) {
        Some(Event::Syscall { number, .. } | Event::Refused { number, .. }) => number as usize,
        _ => return false,
    };
    let call = Syscall::from_number(call);
    call.is_some_and(|call| SILENT.contains(&call) || matches!(call, Syscall::SetQos | Syscall::Probe))
}

fn call(fact: Option<Fact>) -> Option<Syscall> {
    match event(fact) {
        Some(Event::Syscall { number, .. }) => Syscall::from_number(usize::try_from(number).ok()?),
        _ => None,
    }
}

/// One way to end for the other. Of a thread that others outlive it is red.
fn ends_the_last(spot: &Spot) -> bool {
    let ends = |fact| matches!(call(fact), Some(Syscall::Exit | Syscall::ThreadExit));
    ends(Some(spot.was)) && ends(spot.is)
}

fn event(fact: Option<Fact>) -> Option<Event> {
    fact.map(|fact| fact.event)
}

fn waits_in_the_kernel(spot: &Spot) -> bool {
    let interrupted = matches!(event(spot.before), Some(Event::TrapUser { .. }));
    !interrupted && !matches!(event(spot.after), Some(Event::Wake { .. }))
}

/// What it may have waited for came first.
fn ended_by_a_call(spot: &Spot) -> bool {
    matches!(event(spot.woken), Some(Event::Wake { cause, .. }) if cause != WakeCause::Deadline)
}

/// A deadline that is put off, though not beyond the moment at which its task is woken for it.
fn still_comes(spot: &Spot) -> bool {
    match (spot.was.event, event(spot.is), spot.woken) {
        (Event::Deadline { at: was, .. }, Some(Event::Deadline { at: is, .. }), Some(woken)) => {
            was < is && is <= woken.time
        }
        _ => false,
    }
}

/// Its time is still between those of its CPU's neighbours.
fn between(spot: &Spot) -> bool {
    let How::Timed(time) = spot.how else { return false };
    spot.before.is_none_or(|fact| fact.time <= time) && spot.after.is_none_or(|fact| time <= fact.time)
}

pub(super) static HARMLESS: &[Harmless] = &[
    often(
        "*: another time",
        between,
        "no claim uses a duration: between what its CPU says before and after, and with the \
        same order to what other CPUs say of the same matter, the moment means nothing",
    ),
    often(
        "Exit: another value",
        |_| true,
        "what a thread returns is for its program, and no fact says what it was to be",
    ),
    often(
        "Fault: another address",
        |spot| match event(spot.is) {
            Some(Event::Fault { cause, address, .. }) => !matches!(cause, 13 | 5) || address >> 63 == 1,
            _ => false,
        },
        "a read of kernel memory stays one; where else a program went wrong is not claimed",
    ),
    often(
        "Online: another block",
        |spot| spot.cpus == 1,
        "one CPU has nobody to share with, and answers no Call",
    ),
    often(
        "Online: another stack",
        |spot| spot.cpus == 1,
        "one CPU has nobody to share with, and answers no Call",
    ),
    often(
        "Refused: another argument",
        |_| true,
        "what else was wrong with a call is for its caller; a target that it named \
        is stated beside it",
    ),
    rare(
        "Refused: another error",
        |spot| silent(Some(spot.was)) || spawns(spot),
        "the caller compares its answers itself; both \
        are answers to that call, and others of the kind that is claimed remain",
    ),
    often(
        "Refused: dropped",
        |spot| silent(Some(spot.was)),
        "a call of this kind shows nothing when it succeeds, so its \
        success is no other trace; the caller compares its answers itself",
    ),
    often(
        "Syscall: another number",
        |spot| silent(Some(spot.was)) && silent(spot.is),
        "neither call shows anything when it \
        succeeds",
    ),
    often(
        "Timer: another deadline",
        |spot| match (spot.was.event, event(spot.is)) {
            (Event::Timer { deadline: was }, Some(Event::Timer { deadline: is })) => {
                is <= spot.was.time && (is < was || !matches!(event(spot.after), Some(Event::Wake { .. })))
            }
            _ => false,
        },
        "it still is not early; if it ends waits, it is not set for later than their deadlines, and others that are set \
        for just that remain",
    ),
    often(
        "Deadline: another at",
        |spot| ended_by_a_call(spot) || still_comes(spot),
        "a call ended the wait, whatever its bound was; or the deadline still comes before the timer that ends it, and no \
        timer of its CPU was set for later",
    ),
    often(
        "Deadline: dropped",
        |spot| ended_by_a_call(spot) && call(spot.before) == Some(Syscall::Wait),
        "a call ended the wait, which may have had no bound",
    ),
    often(
        "Timer: dropped",
        waits_in_the_kernel,
        "it ended a wait in the kernel and woke nobody: the CPU looked by itself",
    ),
    often("Timer: moved", waits_in_the_kernel, "it woke nobody: some CPU that waited looked by itself"),
    often("Timer: swapped", waits_in_the_kernel, "it woke nobody: the CPU looked by itself, sooner or later"),
    rare(
        "IdleBegin: dropped",
        |spot| matches!(event(spot.before), Some(Event::Exit { .. })),
        "after a task's end its CPU may \
        see doorbells while it waits for others to leave the program's page table",
    ),
    rare(
        "Ack: swapped",
        |spot| matches!(event(spot.after), Some(Event::Ack { .. })),
        "senders met under one doorbell are \
        met in no order",
    ),
    often(
        "Ceiling: another class",
        |_| true,
        "nothing that the CPU did meanwhile was above the forged ceiling either, and \
        another ceiling is the one that was tested",
    ),
    often(
        "Ceiling: dropped",
        |_| true,
        "the CPU is not the one whose ceiling was tested, or has a wider one for a while",
    ),
    rare(
        "Ceiling: moved",
        |_| true,
        "the other CPU was in a probe call at that moment as well; who set a ceiling is not claimed",
    ),
    often("HartState: doubled", |_| true, "firmware may be asked as often as one likes"),
    often("HartState: dropped", |_| true, "firmware was asked more often than is needed"),
    often("Rehome: another to", |_| true, "a home is a hint for wakers; any other CPU will do"),
    often("Rehome: dropped", |_| true, "whether the task had its home there is in no fact"),
    often(
        "StealRefused: another asked",
        |spot| match event(spot.is) {
            Some(Event::StealRefused { asked, .. }) => asked > 4,
            _ => false,
        },
        "it still is above the bound",
    ),
    often("StealRefused: another victim", |_| true, "nothing moved from either"),
    often(
        "Stolen: swapped",
        |spot| matches!(event(spot.after), Some(Event::Stolen { .. })),
        "one exchange took the tasks of \
        one steal, all at once",
    ),
    rare(
        "TargetRefused: another target",
        |spot| match event(spot.is) {
            Some(Event::TargetRefused { target, error }) => {
                error == Error::InvalidTarget && target >= u64::from(spot.cpus)
            }
            _ => false,
        },
        "a probe's target is stated only there; neither CPU exists",
    ),
    often(
        "Dispatch: another satp",
        |spot| matches!(event(spot.is), Some(Event::Dispatch { satp, .. }) if satp >> 60 == 8),
        "the only run of a program of one thread: no other fact says which space is its, and no other program has this one",
    ),
    rare(
        "Dispatch: another class",
        |spot| matches!(spot.was.event, Event::Dispatch { .. }),
        "the task had called SetQos, \
        and no fact says for which class",
    ),
    rare(
        "Syscall: another number",
        ends_the_last,
        "of the last thread of a program, the end of the thread is the end of the program",
    ),
    rare(
        "TrapUser: dropped",
        |spot| matches!(spot.was.event, Event::TrapUser { cause: 2, .. }),
        "whether a task had its floating-point unit before is not claimed",
    ),
    rare(
        "Ack: another n",
        |spot| matches!(event(spot.is), Some(Event::Ack { .. })),
        "what was asked after the last marker may be overtaken by the machine's end",
    ),
    rare(
        "Ceiling: another cpu",
        |spot| match event(spot.is) {
            Some(Event::Ceiling { cpu, class }) => cpu == spot.was.cpu && class == Qos::PerfBurst,
            _ => false,
        },
        "a CPU that keeps every class says so again, and the one that was meant is told so once more later",
    ),
];

fn spawns(spot: &Spot) -> bool {
    let Event::Refused { number, .. } = spot.was.event else { return false };
    let calls = [Syscall::Spawn, Syscall::CpuOffline, Syscall::CpuOnline];
    calls.iter().any(|call| call.number() as u64 == number)
}
