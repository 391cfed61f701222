//! Timers: never early, and a sleeper is woken by one.

use antler_facts::{Event, Fact, Marker, WakeCause};

use super::{Findings, no_window};
use crate::trace::Trace;
use crate::verdict::Case;

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
    let Some(window) = trace.window(Marker::Timer) else {
        no_window(&mut findings, Marker::Timer);
        return findings;
    };
    let slept = antler_abi::Syscall::Sleep.number() as u64;
    let mut sleeper = false;
    for fact in trace.all_within(window) {
        let Event::Syscall { number, task } = fact.event else { continue };
        if number != slept {
            continue;
        }
        let woken = trace.all_within(window).find(|later| {
            matches!(later.event, Event::Wake { task: t, cause: WakeCause::Deadline, .. } if t == task)
                && later.time >= fact.time
        });
        let Some(wake) = woken else { continue };
        let timer = trace.within(wake.cpu, window).iter().find(|timer| {
            matches!(timer.event, Event::Timer { .. }) && timer.seq < wake.seq && timer.time >= fact.time
        });
        if let Some(timer) = timer {
            sleeper = true;
            findings.shows_all([fact, timer, wake]);
        }
    }
    findings.must(sleeper, || {
        "before the timer marker no task called sleep and was then woken by a timer of the CPU that woke it".into()
    });
    findings.found(format!("{fired} timers fired, none early"));
    findings
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
