//! System calls and what comes of them: every call has the effects of its kind, and nothing that takes a call happens
//! without one.

use std::collections::BTreeMap;

use antler_abi::{Error, Syscall};
use antler_facts::{Cpu, Event, Fact, IdleEnd, Leave, Marker, Request, Task, WakeCause};

use super::{Findings, rights};
use crate::case::Case;
use crate::life::Lives;
use crate::requests::leaving;
use crate::trace::Trace;
use crate::words::{call_name, task_name};

/// HSM state of a stopped hart (SBI specification, "Hart State Management").
const STOPPED: u64 = 1;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let programs = Programs::read(trace);
    let parked = parked(trace);
    last_entries(trace, &programs, &mut findings);
    rights::judge(trace, &mut findings);
    let (mut calls, mut refused) = (0usize, 0usize);
    for cpu in trace.cpus() {
        let facts = trace.of(cpu);
        let leaves = leaving(facts);
        let mut entry = Entry { booting: cpu == Cpu(0), ..Entry::default() };
        for (index, fact) in facts.iter().enumerate() {
            if let Some(why) = cause(fact, &entry, leaves[index], &programs, &parked) {
                let under: Vec<&Fact> = entry.fact.into_iter().chain([fact]).collect();
                findings.at(&under).red(format!(
                    "cpu{} at {} ns: {} {why}",
                    cpu.0,
                    fact.time,
                    fact.event.kind().name()
                ));
            }
            if let Event::Syscall { number, task } = fact.event {
                calls += 1;
                let span = &facts[index + 1..];
                let end = span.iter().position(leaves_call).unwrap_or(span.len());
                let came = &span[..end];
                refused += came.iter().filter(|fact| matches!(fact.event, Event::Refused { .. })).count();
                // A CPU that was stopped in the middle of a call owes nothing for it.
                if end < span.len()
                    && let Err(why) = effects(number, task, came)
                {
                    let all: Vec<&Fact> = [fact].into_iter().chain(came).take(8).collect();
                    findings.at(&all).red(format!(
                        "cpu{} at {} ns: {} called {} {why}",
                        cpu.0,
                        fact.time,
                        task_name(task),
                        call_name(number)
                    ));
                } else if entry.shown.insert(number, ()).is_none() {
                    findings.shows_all([fact].into_iter().chain(came).take(4));
                }
            }
            entry.take(fact);
        }
    }
    findings.must(calls > 0, || "no system call was ever made".into());
    findings.found(format!("{calls} calls, {refused} of them refused"));
    findings
}

/// What a CPU is doing in the kernel.
#[derive(Default)]
struct Entry<'a> {
    /// The call under way.
    call: Option<(Option<Syscall>, Task)>,
    fact: Option<&'a Fact>,
    /// A task ended in this entry.
    exited: bool,
    running: Option<Task>,
    /// cpu0 has not booted the machine yet.
    booting: bool,
    ran: bool,
    shown: BTreeMap<u64, ()>,
}

impl<'a> Entry<'a> {
    fn take(&mut self, fact: &'a Fact) {
        match fact.event {
            Event::Syscall { number, task } => {
                let call = usize::try_from(number).ok().and_then(Syscall::from_number);
                (self.call, self.fact) = (Some((call, task)), Some(fact));
            }
            Event::TrapUser { .. } | Event::IdleBegin {} => {
                (self.call, self.fact, self.exited) = (None, None, false);
            }
            Event::Dispatch { task, .. } => {
                (self.call, self.fact, self.exited) = (None, None, false);
                (self.running, self.ran) = (Some(task), true);
            }
            Event::Leave { .. } => self.running = None,
            Event::Exit { .. } => self.exited = true,
            Event::Marker { marker: Marker::Boot } => self.booting = false,
            _ => {}
        }
    }

    fn is(&self, calls: &[Syscall]) -> bool {
        self.call.is_some_and(|(call, _)| call.is_some_and(|call| calls.contains(&call)))
    }

    fn by(&self, task: Task, calls: &[Syscall]) -> bool {
        self.is(calls) && self.call.is_some_and(|(_, caller)| caller == task)
    }
}

/// When a program was ended by one of its threads: by a call or for a fault.
struct Programs<'a> {
    lives: &'a Lives,
    doomed: BTreeMap<Task, u64>,
    over: BTreeMap<Task, u64>,
}

impl Programs<'_> {
    fn read(trace: &Trace) -> Programs<'_> {
        let mut programs = Programs { lives: trace.lives(), doomed: BTreeMap::new(), over: BTreeMap::new() };
        for fact in trace.all() {
            let task = match fact.event {
                Event::Fault { task, .. } => task,
                Event::Syscall { number, task } if number == Syscall::Exit.number() as u64 => task,
                _ => continue,
            };
            let first = programs.first_of(task);
            let at = programs.doomed.entry(first).or_insert(fact.time);
            *at = fact.time.min(*at);
            let gone = trace.lives().get(task).and_then(|life| {
                let leaves = |step: &&Fact| matches!(step.event, Event::Leave { why: Leave::Exit, .. });
                life.steps.iter().find(leaves).map(|step| step.time)
            });
            if let Some(gone) = gone.filter(|gone| *gone >= fact.time) {
                let over = programs.over.entry(first).or_insert(gone);
                *over = gone.min(*over);
            }
        }
        programs
    }

    fn first_of(&self, task: Task) -> Task {
        self.lives.first_of(task)
    }

    /// When its program was ended for sure, so that its threads end at their next entry: when the thread that ended it left.
    fn over(&self, task: Task) -> Option<u64> {
        self.over.get(&self.first_of(task)).copied()
    }

    fn is_doomed(&self, task: Task, at: u64) -> bool {
        self.doomed.get(&self.first_of(task)).is_some_and(|since| *since <= at)
    }
}

/// When a program is over, each of its threads enters the kernel once more at most.
fn last_entries(trace: &Trace, programs: &Programs<'_>, findings: &mut Findings) {
    let mut entered: BTreeMap<Task, &Fact> = BTreeMap::new();
    for fact in trace.all() {
        let Event::TrapUser { task, .. } = fact.event else { continue };
        if programs.over(task).is_none_or(|over| fact.time <= over) {
            continue;
        }
        if let Some(before) = entered.insert(task, fact) {
            findings.at(&[before, fact]).red(format!(
                "cpu{} at {} ns: {} goes on, though its program was ended before it last entered the kernel",
                fact.cpu.0,
                fact.time,
                task_name(task)
            ));
        }
    }
}

/// When each task began to wait, and in which call.
fn parked(trace: &Trace) -> BTreeMap<Task, Vec<(u64, Syscall)>> {
    let mut parked: BTreeMap<Task, Vec<(u64, Syscall)>> = BTreeMap::new();
    for cpu in trace.cpus() {
        let mut call = None;
        for fact in trace.of(cpu) {
            match fact.event {
                Event::Syscall { number, .. } => {
                    call = usize::try_from(number).ok().and_then(Syscall::from_number);
                }
                Event::Leave { task, why: Leave::Block } => {
                    parked.entry(task).or_default().extend(call.map(|call| (fact.time, call)));
                }
                _ => {}
            }
        }
    }
    parked.values_mut().for_each(|times| times.sort_by_key(|(at, _)| *at));
    parked
}

/// What is wrong with a fact that needs a cause, if it has none.
fn cause(
    fact: &Fact,
    entry: &Entry<'_>,
    leaves: bool,
    programs: &Programs<'_>,
    parked: &BTreeMap<Task, Vec<(u64, Syscall)>>,
) -> Option<String> {
    use Syscall::{CpuOffline, CpuOnline, Exit, Join, Probe, Sleep, Spawn, ThreadExit, Unmap, Wait, Yield};
    let need = |holds: bool, what: &str| (!holds).then(|| format!("needs {what}"));
    match fact.event {
        Event::Leave { task, why } => match why {
            Leave::Block => need(entry.by(task, &[Sleep, Wait, Join]), "a call of the task that waits"),
            Leave::Yield => need(entry.by(task, &[Yield]), "the task's yield"),
            Leave::Preempt => need(!entry.is(&[Yield]), "no yield under way, which it would be"),
            Leave::Offline => need(leaves, "a CPU on its way out"),
            Leave::Exit => need(
                entry.by(task, &[Exit, ThreadExit]) || programs.is_doomed(task, fact.time),
                "an exit call or fault of the task, or of another of its program",
            ),
        },
        Event::Deadline { task, .. } => {
            need(entry.by(task, &[Sleep, Wait]), "a call of the task that waits so long")
        }
        Event::Spawned { parent: Task(0), .. } => {
            need(fact.cpu == Cpu(0) && !entry.ran && !entry.booting, "cpu0, right after the boot")
        }
        Event::Spawned { parent, .. } => need(entry.by(parent, &[Spawn]), "its parent's spawn call"),
        Event::Wake { task, cause, .. } => {
            let waits = parked.get(&task).and_then(|times| {
                let before = times.partition_point(|(at, _)| *at <= fact.time);
                Some(times.get(before.checked_sub(1)?)?.1)
            });
            let waits_in = |calls: &[Syscall]| waits.is_none_or(|call| calls.contains(&call));
            match cause {
                WakeCause::Signal => need(entry.is(&[Syscall::Wake]), "a wake call")
                    .or_else(|| need(waits_in(&[Wait]), "a task that waits for a wake call")),
                WakeCause::Join => need(entry.exited, "the end of a task right before")
                    .or_else(|| need(waits_in(&[Join]), "a task that waits for an end")),
                WakeCause::Deadline => need(waits_in(&[Sleep, Wait]), "a task that sleeps"),
                WakeCause::Kill => need(programs.is_doomed(task, fact.time), "the end of its program"),
            }
        }
        Event::Shootdown { .. } => need(entry.is(&[Unmap]), "an unmap call"),
        Event::StartHart { .. } | Event::Verified { .. } => {
            need(entry.booting || entry.is(&[CpuOnline]), "the boot, or the call for it")
        }
        Event::HartState { .. } => {
            need(entry.is(&[CpuOffline, CpuOnline, Probe]), "a call that asks firmware")
        }
        Event::Request { what: Request::Call, .. } => {
            need(entry.is(&[CpuOffline, Probe, Unmap]), "a call that calls other CPUs")
        }
        Event::Withheld { .. } => need(entry.is(&[Probe]), "the probe that withholds it"),
        Event::Steal { .. } => {
            need(entry.running.is_none() || entry.is(&[Probe]), "an idle CPU, or the probe that steals")
        }
        Event::IdleEnd { why } => need((why == IdleEnd::Offline) == leaves, "to say whether the CPU leaves"),
        _ => None,
    }
}

/// Whether a fact says that the call under way is over, or its CPU has turned to something else.
fn leaves_call(fact: &Fact) -> bool {
    matches!(fact.event, Event::TrapUser { .. } | Event::Dispatch { .. } | Event::IdleBegin {})
}

/// Whether what came of a call is what such a call does.
///
/// # Errors
/// What is wrong, to be read after "called ...".
fn effects(number: u64, task: Task, came: &[Fact]) -> Result<(), String> {
    let call = usize::try_from(number).ok().and_then(Syscall::from_number);
    let refusal = came.iter().find_map(|fact| match fact.event {
        Event::Refused { number: n, error, argument } if n == number => Some((error, argument)),
        _ => None,
    });
    let Some(call) = call else {
        let told = refusal.is_some_and(|(error, _)| error == Error::NoSuchCall);
        return told.then_some(()).ok_or_else(|| "and was not told that there is no such call".into());
    };
    if let Some((error, argument)) = refusal {
        if !may_be(call, error) {
            return Err(format!("and was told {error}, which is no answer to it"));
        }
        return target(call, error, argument, came);
    }
    let first = came.first().map(|fact| fact.event);
    for pair in came.windows(2) {
        // The CPU whose ceiling it is has to look at once, unless it is the caller's.
        if let Event::Ceiling { cpu, .. } = pair[0].event
            && cpu != pair[0].cpu
            && !matches!(pair[1].event, Event::Request { target, what: Request::Resched, .. } if target == cpu)
        {
            return Err(format!("and set the ceiling of cpu{}, which was not told", cpu.0));
        }
    }
    if came.iter().filter(|fact| matches!(fact.event, Event::Ceiling { .. })).count() > 1 {
        return Err("and set more than one ceiling".into());
    }
    let has = |pick: &dyn Fn(&Event) -> bool| came.iter().any(|fact| pick(&fact.event));
    let leaves = |event: &Event| matches!(event, Event::Leave { task: t, why: Leave::Block } if *t == task);
    if call == Syscall::Sleep && has(&leaves) && !matches!(first, Some(Event::Deadline { .. })) {
        return Err("and sleeps, and nothing says until when".into());
    }
    let done = match call {
        Syscall::Spawn => matches!(first, Some(Event::Spawned { parent, .. }) if parent == task),
        Syscall::Exit | Syscall::ThreadExit => {
            has(&|event| matches!(event, Event::Leave { task: t, why: Leave::Exit } if *t == task))
        }
        Syscall::Resched => matches!(first, Some(Event::Request { what: Request::Resched, .. })),
        Syscall::CpuOffline => match first {
            Some(Event::Request { target, what: Request::Call, .. }) => {
                has(&|event| matches!(event, Event::HartState { cpu, state: STOPPED, .. } if *cpu == target))
            }
            _ => false,
        },
        Syscall::CpuOnline => match first {
            Some(Event::HartState { cpu, state: STOPPED, .. }) => {
                let start = |event: &Event| matches!(event, Event::StartHart { cpu: c, .. } if *c == cpu);
                let check = |event: &Event| matches!(event, Event::Verified { cpu: c, .. } if *c == cpu);
                has(&start) && has(&check)
            }
            _ => false,
        },
        _ => true,
    };
    done.then_some(()).ok_or_else(|| "and was not refused, but it was not done".into())
}

/// A refused target is stated before the caller is told, and is the one that the caller named.
fn target(call: Syscall, error: Error, argument: u64, came: &[Fact]) -> Result<(), String> {
    use antler_abi::Probe;
    let by_target = [Probe::RingNow, Probe::Target, Probe::Steal].map(|probe| probe.number() as u64);
    let states_it = match call {
        Syscall::Resched => true,
        Syscall::Probe => by_target.contains(&argument),
        _ => false,
    };
    if !states_it || !matches!(error, Error::InvalidTarget | Error::Offline) {
        return Ok(());
    }
    let stated = came.windows(2).any(|pair| match (pair[0].event, pair[1].event) {
        (Event::TargetRefused { target, error: said }, Event::Refused { .. }) => {
            said == error && (call != Syscall::Resched || target == argument)
        }
        _ => false,
    });
    stated.then_some(()).ok_or_else(|| format!("and was told {error} of a target that nobody refused"))
}

/// Whether a call can be refused for that reason, by what the calls are documented to check.
fn may_be(call: Syscall, error: Error) -> bool {
    use Syscall::*;
    let of: &[Syscall] = match error {
        Error::NoSuchCall => &[],
        Error::BadHandle | Error::Deadlock => &[Join],
        Error::NoFile => &[FileFind, FileInfo, FileRead],
        Error::TimedOut | Error::Changed => &[Wait],
        Error::Exists => &[Map],
        Error::NoMemory => &[Map, Reserve],
        Error::NoTask => &[Spawn],
        Error::InvalidTarget => &[Spawn, Resched, CpuOffline, CpuOnline, Probe],
        Error::Offline => &[Spawn, Resched, CpuOffline, Probe],
        Error::AboveBound => &[Probe],
        Error::Busy => &[CpuOffline, CpuOnline],
        Error::Hardware => &[CpuOffline, CpuOnline, Probe],
        Error::Denied => &[Spawn, SetQos, Resched, CpuOffline, CpuOnline, Probe],
        Error::BadAddress => {
            &[Write, FileFind, FileInfo, FileRead, Args, Map, Unmap, Spawn, Wait, Wake, Probe]
        }
        Error::BadArgument => &[Map, Unmap, Reserve, Spawn, SetQos, Wait, Wake, CpuOffline, CpuOnline, Probe],
    };
    of.contains(&call)
}
