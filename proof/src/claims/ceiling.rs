//! A class ceiling holds against stealing and dispatch, and does not stop lower work.

use antler_abi::Qos;
use antler_facts::{Cpu, Event, Fact, Marker};

use super::bound::idle;
use super::{Findings, no_window};
use crate::case::Case;
use crate::trace::{Trace, Window};
use crate::words::task_name;

/// A ceiling and how long it held.
#[derive(Clone, Copy)]
pub(super) struct Ceiling<'a> {
    /// The fact that states it.
    pub set: &'a Fact,
    pub cpu: Cpu,
    pub class: Qos,
    pub span: Window,
}

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let ceilings = ceilings(trace);
    for ceiling in &ceilings {
        kept(trace, *ceiling, &mut findings);
    }
    // What a self-test lowers it raises again.
    let done = trace.marker_time(Marker::Done).unwrap_or(u64::MAX);
    for ceiling in ceilings.iter().filter(|ceiling| ceiling.span.has(done) && ceiling.span.to != done) {
        findings.at(&[ceiling.set]).must(ceiling.class == Qos::PerfBurst, || {
            format!(
                "cpu{} is still under the ceiling {} when all self-tests are done",
                ceiling.cpu.0, ceiling.class
            )
        });
    }
    let Some(window) = trace.window(Marker::RejectStealHigherQos) else {
        no_window(&mut findings, Marker::RejectStealHigherQos);
        return findings;
    };
    let tested = ceilings.iter().filter(|c| c.class < Qos::PerfBurst && window.has(c.span.from));
    let shown = tested.clone().find_map(|ceiling| resisted(trace, *ceiling));
    match shown {
        Some((found, facts)) => {
            findings.shows_all(facts);
            findings.found(found);
        }
        None if tested.count() == 0 => findings.red("no CPU was given a ceiling before the marker"),
        None => findings.red(
            "no idle CPU under a ceiling took lower work while a task above its ceiling lay in the queue that it took from",
        ),
    }
    findings
}

/// Every ceiling that was set.
pub(super) fn ceilings(trace: &Trace) -> Vec<Ceiling<'_>> {
    let mut stated: Vec<(&Fact, Cpu, Qos)> = trace
        .all()
        .filter_map(|fact| match fact.event {
            Event::Ceiling { cpu, class } => Some((fact, cpu, class)),
            _ => None,
        })
        .collect();
    stated.sort_by_key(|(fact, ..)| fact.time);
    let next = |index: usize, cpu: Cpu| {
        stated[index + 1..].iter().find(|(_, c, _)| *c == cpu).map(|(fact, ..)| fact.time)
    };
    let all = stated.iter().enumerate().map(|(index, &(set, cpu, class))| Ceiling {
        set,
        cpu,
        class,
        span: Window { from: set.time, to: next(index, cpu).unwrap_or(u64::MAX) },
    });
    all.collect()
}

/// Under its ceiling the CPU neither steals nor begins to run anything above it.
fn kept(trace: &Trace, ceiling: Ceiling<'_>, findings: &mut Findings) {
    let inside = |time: u64| time > ceiling.span.from && time < ceiling.span.to;
    for fact in trace.within(ceiling.cpu, ceiling.span).iter().filter(|fact| inside(fact.time)) {
        let (class, what) = match fact.event {
            Event::Steal { class, .. } => (class, "stole".to_owned()),
            Event::Dispatch { task, class, .. } => (class, format!("ran {}", task_name(task))),
            _ => continue,
        };
        findings.at(&[ceiling.set, fact]).must(class <= ceiling.class, || {
            format!(
                "cpu{} {what} of class {class} at {} ns, above its ceiling {}",
                ceiling.cpu.0, fact.time, ceiling.class
            )
        });
    }
}

/// The CPU, idle, stole work within its ceiling while work above it was there for the taking.
fn resisted<'a>(trace: &'a Trace, ceiling: Ceiling<'a>) -> Option<(String, Vec<&'a Fact>)> {
    let facts = trace.of(ceiling.cpu);
    facts.iter().enumerate().filter(|(_, fact)| ceiling.span.has(fact.time)).find_map(|(index, fact)| {
        let Event::Steal { victim, class, .. } = fact.event else { return None };
        if class > ceiling.class || !idle(trace, ceiling.cpu, index) {
            return None;
        }
        // In the very queue that it took from.
        let stay = trace.lives().queued_at(victim, fact.time, |class| class > ceiling.class).next()?;
        let found = format!(
            "cpu{} (ceiling {}) took {class} work from cpu{} and left higher work there",
            ceiling.cpu.0, ceiling.class, victim.0
        );
        let stolen = facts.get(index + 1);
        Some((found, [ceiling.set, &stay.begin, fact].into_iter().chain(stolen).chain(&stay.end).collect()))
    })
}
