//! Every CPU's facts follow the kernel's own steps: what must stand beside what, fact by fact.

use antler_abi::Syscall;
use antler_facts::{Cpu, Event, Fact, Leave, Marker, Seen, WakeCause};

use super::Findings;
use crate::trace::{Trace, task_name};
use crate::verdict::Case;

/// `scause` of an environment call from U-mode.
const CALL: u64 = 8;
/// `scause` of an illegal instruction. The kernel may give the task its floating-point unit and let it try again.
const ILLEGAL: u64 = 2;
/// `scause` of a supervisor software interrupt; the highest bit marks interrupts.
pub(super) const SOFTWARE_INTERRUPT: u64 = 0x8000_0000_0000_0001;
/// `scause` of a supervisor timer interrupt.
const TIMER_INTERRUPT: u64 = 0x8000_0000_0000_0005;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let mut entries = 0usize;
    for cpu in trace.cpus() {
        let facts = trace.of(cpu);
        for (index, fact) in facts.iter().enumerate() {
            let before = index.checked_sub(1).map(|at| facts[at].event);
            let after = facts.get(index + 1).map(|fact| fact.event);
            // A CPU that was stopped for good may have stated the first half of a step.
            if let Some(after) = after
                && let Some(needed) = needs_after(fact.event, after)
            {
                wrong(&mut findings, fact, needed, "is followed by", Some(after));
            }
            if let Some(needed) = needs_before(fact, before) {
                wrong(&mut findings, fact, needed, "follows", before);
            }
            entries += usize::from(matches!(fact.event, Event::TrapUser { .. }));
        }
        context(cpu, facts, &mut findings);
    }
    findings.must(entries > 0, || "nothing ever entered the kernel from U-mode".into());
    let ended = trace.all().filter(|fact| matches!(fact.event, Event::Fault { .. })).count();
    findings.found(format!("{entries} entries from U-mode, {ended} of them faults"));
    findings
}

fn wrong(findings: &mut Findings, fact: &Fact, needed: &str, how: &str, what: Option<Event>) {
    let what = what.map_or("nothing".to_owned(), |event| event.kind().name().to_owned());
    findings.red(format!(
        "cpu{} at {} ns: {} {how} {what}; it needs {needed}",
        fact.cpu.0,
        fact.time,
        fact.event.kind().name()
    ));
}

/// What a fact needs right after it, if `after` is not that.
fn needs_after(event: Event, after: Event) -> Option<&'static str> {
    let (holds, needed) = match event {
        Event::TrapUser { cause: CALL, task } => {
            (matches!(after, Event::Syscall { task: t, .. } if t == task), "the task's system call")
        }
        Event::TrapUser { cause: SOFTWARE_INTERRUPT, .. } => {
            (after == Event::Seen { at: Seen::Trap }, "the doorbell seen")
        }
        Event::TrapUser { cause: TIMER_INTERRUPT, .. } => (
            matches!(after, Event::Timer { .. } | Event::Seen { at: Seen::Trap }),
            "the timer, or the doorbell that came with it",
        ),
        Event::TrapUser { cause: ILLEGAL, .. } => return None,
        Event::TrapUser { cause, task } => (
            matches!(after, Event::Fault { task: t, cause: c, .. } if (t, c) == (task, cause)),
            "the task's fault",
        ),
        Event::Leave { task, why: Leave::Exit } => {
            (matches!(after, Event::Exit { task: t, .. } if t == task), "the task's exit")
        }
        Event::Leave { task, why: Leave::Yield | Leave::Preempt }
        | Event::Wake { task, .. }
        | Event::Spawned { task, .. } => {
            (matches!(after, Event::Enqueue { task: t, .. } if t == task), "the task put on a queue")
        }
        Event::Request { target, n, .. } => (
            match after {
                Event::Ring { target: t, n: m }
                | Event::Rode { target: t, n: m }
                | Event::Withheld { target: t, n: m } => (t, m) == (target, n),
                Event::TargetRefused { target: t, .. } => t == u64::from(target.0),
                _ => false,
            },
            "its doorbell, or the target's refusal",
        ),
        Event::StealRefused { error, .. } => {
            (matches!(after, Event::Refused { error: e, .. } if e == error), "the caller told")
        }
        _ => return None,
    };
    (!holds).then_some(needed)
}

/// What a fact needs right before it, if `before` is not that.
fn needs_before(fact: &Fact, before: Option<Event>) -> Option<&'static str> {
    let probe =
        matches!(before, Some(Event::Syscall { number, .. }) if number == Syscall::Probe.number() as u64);
    let (holds, needed) = match fact.event {
        Event::Syscall { task, .. } => {
            (before == Some(Event::TrapUser { cause: CALL, task }), "a trap of the task for it")
        }
        Event::Fault { task, cause, .. } => {
            (before == Some(Event::TrapUser { cause, task }), "a trap of the task with its cause")
        }
        Event::Exit { task, .. } => {
            (before == Some(Event::Leave { task, why: Leave::Exit }), "the task off its CPU for good")
        }
        Event::TargetRefused { .. } => (
            matches!(before, Some(Event::Syscall { .. } | Event::Request { .. })),
            "the call or request that it refuses",
        ),
        Event::Marker { marker: Marker::Boot } => (fact.cpu == Cpu(0), "cpu0 to state it"),
        Event::Marker { .. } | Event::StealRefused { .. } => (probe, "the probe that asked for it"),
        _ => return None,
    };
    (!holds).then_some(needed)
}

/// What reaches further than the neighbour: refusals within their call, deadlines within their timer interrupt,
/// children made by the task that runs, idle begun and ended in turn.
fn context(cpu: Cpu, facts: &[Fact], findings: &mut Findings) {
    let probe = Syscall::Probe.number() as u64;
    let (mut call, mut timer, mut running, mut idle, mut ran) = (None, false, None, false, false);
    for fact in facts {
        let mut say = |what: String| findings.red(format!("cpu{} at {} ns: {what}", cpu.0, fact.time));
        match fact.event {
            Event::Syscall { number, .. } => call = Some(number),
            Event::Refused { number, .. } if call.take() != Some(number) => {
                say(format!("call {number} is refused, but is not the one under way"));
            }
            Event::Timer { .. } => timer = true,
            Event::Wake { cause: WakeCause::Deadline, task, .. } if !timer => {
                say(format!("{} is woken by its deadline without a timer interrupt", task_name(task)));
            }
            Event::Dispatch { task, .. } => {
                if idle {
                    say(format!("{} runs although idle has not ended", task_name(task)));
                }
                (call, timer, running, ran) = (None, false, Some(task), true);
            }
            Event::TrapUser { .. } => (call, timer) = (None, false),
            Event::Leave { .. } => running = None,
            Event::Spawned { task, parent, .. } if parent.0 != 0 && running != Some(parent) => {
                say(format!("{} is made by {}, which does not run here", task_name(task), task_name(parent)));
            }
            Event::IdleBegin {} => {
                if idle {
                    say("idle begins twice".into());
                }
                (call, timer, idle) = (None, false, true);
            }
            Event::IdleEnd { .. } => {
                if !idle {
                    say("idle ends, but had not begun".into());
                }
                idle = false;
            }
            Event::Online { .. } => idle = false,
            // Boot arguments set ceilings on cpu0, before anything runs.
            Event::Ceiling { .. } if call != Some(probe) && (cpu != Cpu(0) || ran) => {
                say("a ceiling is set by no call".into());
            }
            Event::HartState { .. } if call.is_none() => say("a hart's state is asked for by no call".into()),
            _ => {}
        }
    }
}
