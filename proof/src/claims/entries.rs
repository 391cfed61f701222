//! Every CPU's facts follow the kernel's own steps: what must stand beside what, fact by fact.

use std::collections::{BTreeMap, BTreeSet};

use antler_abi::Syscall;
use antler_facts::{Cpu, Event, Fact, Leave, Marker, Request, Seen, Task, WakeCause};

use super::Findings;
use crate::case::Case;
use crate::trace::Trace;
use crate::words::{CALL, ILLEGAL, TIMER_INTERRUPT, is_doorbell, task_name};

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let mut entries = 0usize;
    let mut causes = BTreeSet::new();
    for cpu in trace.cpus() {
        let facts = trace.of(cpu);
        for (index, fact) in facts.iter().enumerate() {
            let before = index.checked_sub(1).map(|at| &facts[at]);
            let after = facts.get(index + 1);
            // A CPU that was stopped for good may have stated the first half of a step.
            if let Some(after) = after
                && let Some(needed) = needs_after(fact.event, after.event)
            {
                wrong(&mut findings, fact, needed, "is followed by", Some(after));
            }
            if let Some(needed) = needs_before(fact, before.map(|fact| fact.event)) {
                wrong(&mut findings, fact, needed, "follows", before);
            }
            if let Event::TrapUser { cause, .. } = fact.event {
                entries += 1;
                // One entry of each kind of cause is enough to look at.
                if causes.insert(cause) {
                    findings.shows(fact);
                    findings.shows_all(after);
                }
            }
        }
        context(cpu, facts, &mut findings);
        waits(cpu, facts, &mut findings);
        for three in facts.windows(3) {
            if let (Event::Identity { .. }, Event::Ack { sender, .. }) = (three[0].event, three[1].event) {
                let replied = matches!(three[2].event, Event::Request { target, what: Request::Reply, .. } if target == sender);
                findings.at(&[&three[0], &three[1], &three[2]]).must(replied, || {
                    format!(
                        "cpu{} at {} ns: it answers cpu{}'s Call and does not tell it",
                        cpu.0, three[1].time, sender.0
                    )
                });
            }
        }
    }
    faults(trace, &mut findings);
    findings.must(entries > 0, || "nothing ever entered the kernel from U-mode".into());
    let ended = trace.all().filter(|fact| matches!(fact.event, Event::Fault { .. })).count();
    findings.found(format!("{entries} entries from U-mode, {ended} of them faults"));
    findings
}

fn wrong(findings: &mut Findings, fact: &Fact, needed: &str, how: &str, other: Option<&Fact>) {
    let what = other.map_or("nothing".to_owned(), |fact| fact.event.kind().name().to_owned());
    let facts: Vec<&Fact> = [fact].into_iter().chain(other).collect();
    findings.at(&facts).red(format!(
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
        Event::TrapUser { cause, .. } if is_doorbell(cause) => {
            (after == Event::Seen { at: Seen::Trap }, "the doorbell seen")
        }
        Event::TrapUser { cause: TIMER_INTERRUPT, .. } => (
            matches!(after, Event::Timer { .. } | Event::Seen { at: Seen::Trap }),
            "the timer, or the doorbell that came with it",
        ),
        // The kernel may give the task its floating-point unit and let it try again.
        Event::TrapUser { cause: ILLEGAL, .. } => return None,
        Event::TrapUser { cause, task } => (
            matches!(after, Event::Fault { task: t, cause: c, .. } if (t, c) == (task, cause)),
            "the task's fault",
        ),
        Event::Deadline { task, .. } => {
            (after == Event::Leave { task, why: Leave::Block }, "the task off its CPU")
        }
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
        // A caller answers its own Call as well, without a doorbell.
        Event::Identity { .. } => {
            let reply = matches!(after, Event::Request { what: Request::Reply, .. });
            let other = reply || matches!(after, Event::IdleBegin {} | Event::Seen { .. });
            (!other, "the caller acknowledged")
        }
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
        // Of the Calls that a CPU meets under its doorbell, or its own when others have answered.
        Event::Identity { .. } => (
            matches!(
                before,
                Some(
                    Event::Seen { .. }
                        | Event::Ack { .. }
                        | Event::Ring { .. }
                        | Event::Rode { .. }
                        | Event::TargetRefused { .. }
                        | Event::Timer { .. }
                )
            ) || probe,
            "the doorbell under which it answers",
        ),
        Event::Request { target, what: Request::Reply, .. } => (
            matches!(before, Some(Event::Ack { sender, .. }) if sender == target),
            "the ack of the caller that it answers",
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
    let mut asks = false;
    for fact in facts {
        // A probe does what it is for at once.
        let asked = matches!(fact.event, Event::Syscall { number, .. } if number == probe);
        let asks = std::mem::replace(&mut asks, asked);
        let mut say =
            |what: String| findings.at(&[fact]).red(format!("cpu{} at {} ns: {what}", cpu.0, fact.time));
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
            Event::Offline { .. } | Event::Evicted { .. } | Event::Rehome { .. } if idle => {
                say(format!("{} while it is idle", fact.event.kind().name()));
                idle = false;
            }
            Event::Online { .. } => idle = false,
            // Boot arguments set ceilings on cpu0, before anything runs.
            Event::Ceiling { .. } if !asks && (cpu != Cpu(0) || ran) => {
                say("a ceiling is set by no call".into());
            }
            Event::HartState { .. } if call.is_none() => say("a hart's state is asked for by no call".into()),
            _ => {}
        }
    }
}

/// The kernel is never interrupted: a timer fires, and a doorbell is seen out of WFI, where the CPU waits (idle, or in a
/// call, or for others when a task has ended), and a task is interrupted once for each.
fn waits(cpu: Cpu, facts: &[Fact], findings: &mut Findings) {
    let waiting = [Syscall::CpuOffline, Syscall::CpuOnline, Syscall::Probe, Syscall::Unmap];
    let waiting = waiting.map(|call| call.number() as u64);
    let (mut waits, mut running, mut interrupted, mut owed) = (true, false, false, None);
    for fact in facts {
        let ends = matches!(
            fact.event,
            Event::TrapUser { .. } | Event::Dispatch { .. } | Event::IdleBegin {} | Event::Leave { .. }
        );
        if let Some(trap) = owed.take_if(|_| ends) {
            findings.at(&[trap, fact]).red(format!(
                "cpu{} at {} ns: the timer interrupts a task, and no timer fires",
                cpu.0, trap.time
            ));
        }
        match fact.event {
            Event::TrapUser { cause, .. } => {
                (waits, interrupted) = (false, cause >> 63 == 1);
                owed = (cause == TIMER_INTERRUPT).then_some(fact);
            }
            Event::Dispatch { .. } => (waits, running, interrupted) = (false, true, false),
            Event::Leave { .. } => running = false,
            Event::Syscall { number, .. } => waits = waiting.contains(&number),
            Event::IdleBegin {} | Event::Exit { .. } | Event::Online { .. } => waits = true,
            Event::Timer { .. } => {
                let may = waits || interrupted || !running;
                findings.at(&[fact]).must(may, || {
                    format!(
                        "cpu{} at {} ns: its timer fires while a task runs, and interrupts nothing",
                        cpu.0, fact.time
                    )
                });
                (interrupted, owed) = (false, None);
            }
            Event::Seen { at: Seen::Wfi } => findings.at(&[fact]).must(waits, || {
                format!(
                    "cpu{} at {} ns: it sees its doorbell out of WFI, and waits for nothing",
                    cpu.0, fact.time
                )
            }),
            _ => {}
        }
    }
}

/// A task gets its floating-point unit at its first illegal instruction and is ended at the next; a task that is ended for
/// a fault does nothing more.
fn faults(trace: &Trace, findings: &mut Findings) {
    let mut given: BTreeMap<Task, &Fact> = BTreeMap::new();
    for cpu in trace.cpus() {
        let mut ended: Option<(Task, &Fact)> = None;
        for pair in trace.of(cpu).windows(2) {
            let fact = &pair[0];
            if matches!(fact.event, Event::TrapUser { .. })
                && let Some((task, fault)) = ended.take()
            {
                findings.at(&[fault, fact]).red(format!(
                    "cpu{} at {} ns: {} went on after its fault",
                    cpu.0,
                    fact.time,
                    task_name(task)
                ));
            }
            match fact.event {
                Event::TrapUser { cause: ILLEGAL, task } if !matches!(pair[1].event, Event::Fault { .. }) => {
                    if let Some(before) = given.insert(task, fact) {
                        findings.at(&[before, fact]).red(format!(
                            "cpu{} at {} ns: {} met an illegal instruction again, and was not ended",
                            cpu.0,
                            fact.time,
                            task_name(task)
                        ));
                    }
                }
                Event::Fault { task, .. } => ended = Some((task, fact)),
                Event::Leave { .. } => ended = None,
                _ => {}
            }
        }
    }
}
