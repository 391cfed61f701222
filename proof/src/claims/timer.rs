//! Timers: never early, never set past a deadline that is still waited for, and whoever waits no longer than until then is
//! woken then.

use std::collections::BTreeMap;

use antler_abi::Syscall;
use antler_facts::{Cpu, Event, Fact, Leave, Marker, Task, WakeCause};

use super::{Findings, no_window};
use crate::case::Case;
use crate::requests::leaving;
use crate::trace::{Trace, Window};
use crate::words::task_name;

/// Waits before the marker that must be ended by a timer that was set to just their deadline.
const EXACT: usize = 3;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let mut fired = 0usize;
    for fact in trace.all() {
        if let Event::Timer { deadline } = fact.event {
            fired += 1;
            findings.at(&[fact]).must(fact.time >= deadline, || {
                format!("cpu{}'s timer for {deadline} ns fired at {} ns", fact.cpu.0, fact.time)
            });
        }
    }
    once(trace, &mut findings);
    let window = trace.window(Marker::Timer);
    let waits = waits(trace, &mut findings);
    passed_by(trace, &waits, &mut findings);
    let (mut woken, mut exact) = (0usize, 0usize);
    for cpu in trace.cpus() {
        let ended = ends(trace, cpu, &waits, window, &mut findings);
        woken += ended.0;
        exact += ended.1;
    }
    if window.is_none() {
        no_window(&mut findings, Marker::Timer);
        return findings;
    }
    findings.must(exact >= EXACT, || {
        format!(
            "before the timer marker {exact} waits were ended by a timer that was set to just their deadline, {EXACT} are \
             needed"
        )
    });
    findings.found(format!("{fired} timers fired and ended {woken} waits, none early"));
    findings
}

/// One wait of a task: when it began, until when at most, and the facts that say so.
struct Wait<'a> {
    from: u64,
    until: Option<(u64, &'a Fact)>,
    leave: &'a Fact,
    /// Where that fact stands among its CPU's.
    at: usize,
}

/// Every wait of every task, by time. Who sleeps, sleeps until a moment that is to come.
fn waits<'a>(trace: &'a Trace, findings: &mut Findings) -> BTreeMap<Task, Vec<Wait<'a>>> {
    let sleep = Syscall::Sleep.number() as u64;
    let mut waits: BTreeMap<Task, Vec<Wait<'_>>> = BTreeMap::new();
    for cpu in trace.cpus() {
        for (at, fact) in trace.of(cpu).iter().enumerate() {
            let Event::Leave { task, why: Leave::Block } = fact.event else { continue };
            let until = trace.before(cpu, at).and_then(|before| match before.event {
                Event::Deadline { task: t, at } if t == task => Some((at, before)),
                _ => None,
            });
            if let Some((until, said)) = until
                && let Some(call) = trace.before(cpu, at - 1)
                && matches!(call.event, Event::Syscall { number, .. } if number == sleep)
            {
                findings.at(&[call, said]).must(until > call.time, || {
                    let name = task_name(task);
                    format!(
                        "{name} sleeps until {until} ns, which had come when it called at {} ns",
                        call.time
                    )
                });
            }
            waits.entry(task).or_default().push(Wait { from: fact.time, until, leave: fact, at });
        }
    }
    waits.values_mut().for_each(|waits| waits.sort_by_key(|wait| wait.from));
    waits
}

/// While a task waits, its CPU's timer is set to no later deadline than its. (A CPU that leaves hands its deadlines on.)
fn passed_by(trace: &Trace, waits: &BTreeMap<Task, Vec<Wait<'_>>>, findings: &mut Findings) {
    let leaves: BTreeMap<Cpu, Vec<bool>> = trace.cpus().map(|cpu| (cpu, leaving(trace.of(cpu)))).collect();
    let mut wakes: BTreeMap<Task, Vec<(u64, Cpu, usize)>> = BTreeMap::new();
    for cpu in trace.cpus() {
        for (at, fact) in trace.of(cpu).iter().enumerate() {
            if let Event::Wake { task, .. } = fact.event {
                wakes.entry(task).or_default().push((fact.time, cpu, at));
            }
        }
    }
    wakes.values_mut().for_each(|wakes| wakes.sort_unstable());
    for (task, waits) in waits {
        let of_task = wakes.get(task).map_or(&[][..], Vec::as_slice);
        for wait in waits {
            let Some((until, said)) = wait.until else { continue };
            let cpu = wait.leave.cpu;
            let facts = trace.of(cpu);
            let ended = of_task.get(of_task.partition_point(|(time, ..)| *time < wait.from));
            let end = match ended {
                None => facts.len(),
                Some(&(_, by, at)) if by == cpu => at,
                // Claimed before it is stated: at the earliest when the waker stated the fact before.
                Some(&(_, by, at)) => {
                    let earliest = trace.earliest(by, at);
                    facts.partition_point(|fact| fact.time < earliest)
                }
            };
            let here = (wait.at..end).take_while(|at| !leaves[&cpu][*at]);
            let passed =
                |at: &usize| matches!(facts[*at].event, Event::Timer { deadline } if deadline > until);
            if let Some(timer) = here.into_iter().find(passed).map(|at| &facts[at]) {
                findings.at(&[said, timer]).red(format!(
                    "{} waits until {until} ns, and at {} ns a timer of cpu{} fires that was set for later",
                    task_name(*task),
                    timer.time,
                    cpu.0
                ));
            }
        }
    }
}

/// The waits that this CPU's timers ended: how many, and how many of them in the window by a timer for just their deadline.
fn ends(
    trace: &Trace,
    cpu: Cpu,
    waits: &BTreeMap<Task, Vec<Wait<'_>>>,
    window: Option<Window>,
    findings: &mut Findings,
) -> (usize, usize) {
    let (mut woken, mut exact) = (0, 0);
    let mut timer: Option<&Fact> = None;
    let mut last: Option<(u64, &Fact)> = None;
    for fact in trace.of(cpu) {
        let task = match fact.event {
            Event::Timer { .. } => {
                (timer, last) = (Some(fact), None);
                continue;
            }
            Event::Wake { task, cause: WakeCause::Deadline, .. } => task,
            _ => continue,
        };
        woken += 1;
        let of_task = waits.get(&task).map_or(&[][..], Vec::as_slice);
        let began = of_task.partition_point(|wait| wait.from <= fact.time);
        let Some(wait) = began.checked_sub(1).map(|at| &of_task[at]) else {
            findings.at(&[fact]).red(format!("{} is woken by a deadline, and never waited", task_name(task)));
            continue;
        };
        let Some((until, said)) = wait.until else {
            findings.at(&[wait.leave, fact]).red(format!(
                "{} is woken by a deadline at {} ns, and waited without one",
                task_name(task),
                fact.time
            ));
            continue;
        };
        findings.at(&[said, fact]).must(fact.time >= until, || {
            format!("{} waits until {until} ns and is woken at {} ns", task_name(task), fact.time)
        });
        if let Some((before, other)) = last.replace((until, fact)) {
            findings.at(&[other, fact]).must(before <= until, || {
                format!("{}, due at {until} ns, is woken behind one due at {before} ns", task_name(task))
            });
        }
        let set_to = timer.is_some_and(|timer| timer.event == Event::Timer { deadline: until });
        if set_to && window.is_some_and(|window| window.has(said.time) && window.has(fact.time)) {
            exact += 1;
            findings.shows_all([said].into_iter().chain(timer).chain([fact]));
        }
    }
    (woken, exact)
}

/// A deadline fires once, unless there was more due at it than one interrupt takes care of.
fn once(trace: &Trace, findings: &mut Findings) {
    for cpu in trace.cpus() {
        let mut last: Option<(&Fact, u64)> = None;
        for fact in trace.of(cpu) {
            match fact.event {
                Event::Timer { deadline } => {
                    if let Some((before, _)) = last.replace((fact, deadline)).filter(|(_, d)| *d == deadline)
                    {
                        findings.at(&[before, fact]).red(format!(
                            "cpu{}'s timer for {deadline} ns fired twice, at {} and {} ns",
                            cpu.0, before.time, fact.time
                        ));
                    }
                }
                Event::Wake { cause: WakeCause::Deadline, .. } => last = None,
                _ => {}
            }
        }
    }
}
