//! A class ceiling holds against stealing and dispatch, and does not stop lower work.

use antler_abi::Qos;
use antler_facts::{Cpu, Event, Marker};

use super::bound::idle;
use super::{Findings, no_window};
use crate::trace::{Trace, Window, task_name};
use crate::verdict::Case;

/// A ceiling and how long it held.
#[derive(Clone, Copy)]
struct Ceiling {
    cpu: Cpu,
    class: Qos,
    span: Window,
}

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let ceilings = ceilings(trace);
    for ceiling in &ceilings {
        kept(trace, *ceiling, &mut findings);
    }
    let Some(window) = trace.window(Marker::RejectStealHigherQos) else {
        no_window(&mut findings, Marker::RejectStealHigherQos);
        return findings;
    };
    let tested = ceilings.iter().filter(|c| c.class < Qos::PerfBurst && window.has(c.span.from));
    let shown = tested.clone().find_map(|ceiling| resisted(trace, *ceiling));
    match shown {
        Some(found) => findings.found(found),
        None if tested.count() == 0 => findings.red("no CPU was given a ceiling before the marker"),
        None => findings.red(
            "no idle CPU under a ceiling took lower work while a task above its ceiling lay in another CPU's queue",
        ),
    }
    findings
}

fn ceilings(trace: &Trace) -> Vec<Ceiling> {
    let mut stated: Vec<(u64, Cpu, Qos)> = trace
        .all()
        .filter_map(|fact| match fact.event {
            Event::Ceiling { cpu, class } => Some((fact.time, cpu, class)),
            _ => None,
        })
        .collect();
    stated.sort_by_key(|(time, ..)| *time);
    let next = |index: usize, cpu: Cpu| {
        stated[index + 1..].iter().find(|(_, c, _)| *c == cpu).map(|(time, ..)| *time)
    };
    let all = stated.iter().enumerate().map(|(index, &(from, cpu, class))| Ceiling {
        cpu,
        class,
        span: Window { from, to: next(index, cpu).unwrap_or(u64::MAX) },
    });
    all.collect()
}

/// Under its ceiling the CPU neither steals nor begins to run anything above it.
fn kept(trace: &Trace, ceiling: Ceiling, findings: &mut Findings) {
    let inside = |time: u64| time > ceiling.span.from && time < ceiling.span.to;
    for fact in trace.within(ceiling.cpu, ceiling.span).iter().filter(|fact| inside(fact.time)) {
        let (class, what) = match fact.event {
            Event::Steal { class, .. } => (class, "stole".to_owned()),
            Event::Dispatch { task, class, .. } => (class, format!("ran {}", task_name(task))),
            _ => continue,
        };
        findings.must(class <= ceiling.class, || {
            format!(
                "cpu{} {what} of class {class} at {} ns, above its ceiling {}",
                ceiling.cpu.0, fact.time, ceiling.class
            )
        });
    }
}

/// The CPU, idle, stole work within its ceiling while work above it was there for the taking.
fn resisted(trace: &Trace, ceiling: Ceiling) -> Option<String> {
    let facts = trace.of(ceiling.cpu);
    facts.iter().enumerate().filter(|(_, fact)| ceiling.span.has(fact.time)).find_map(|(index, fact)| {
        let Event::Steal { victim, class, .. } = fact.event else { return None };
        if class > ceiling.class || !idle(trace, ceiling.cpu, index) {
            return None;
        }
        let holder = trace.cpus().find(|cpu| {
            *cpu != ceiling.cpu && trace.lives().queued_at(*cpu, fact.time, |c| c > ceiling.class) > 0
        })?;
        Some(format!(
            "cpu{} (ceiling {}) took {class} work from cpu{} and left higher work on cpu{}",
            ceiling.cpu.0, ceiling.class, victim.0, holder.0
        ))
    })
}
