//! Timers: never early, set to the deadline that is next, and whoever waits no longer than until then is woken then.

use std::collections::BTreeMap;

use antler_facts::{Cpu, Event, Fact, Leave, Marker, Task, WakeCause};

use super::{Findings, no_window};
use crate::trace::{Trace, Window};
use crate::verdict::Case;
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
    let waits = waits(trace);
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
}

/// Every wait of every task, by time.
fn waits(trace: &Trace) -> BTreeMap<Task, Vec<Wait<'_>>> {
    let mut waits: BTreeMap<Task, Vec<Wait<'_>>> = BTreeMap::new();
    for cpu in trace.cpus() {
        let mut before = None;
        for fact in trace.of(cpu) {
            if let Event::Leave { task, why: Leave::Block } = fact.event {
                let until = before.and_then(|before: &Fact| match before.event {
                    Event::Deadline { task: t, at } if t == task => Some((at, before)),
                    _ => None,
                });
                waits.entry(task).or_default().push(Wait { from: fact.time, until, leave: fact });
            }
            before = Some(fact);
        }
    }
    waits.values_mut().for_each(|waits| waits.sort_by_key(|wait| wait.from));
    waits
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
