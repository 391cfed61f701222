//! A steal moves at most the bound.

use antler_abi::Error;
use antler_facts::{Cpu, Event, Marker};

use super::{Findings, no_window};
use crate::case::Case;
use crate::trace::Trace;

/// The judge's own copy of the most tasks that one steal may move.
const STEAL_BOUND: u64 = 4;
/// Tasks that a victim must hold for a steal to be tempted beyond the bound.
const TEMPTING: usize = 2 * STEAL_BOUND as usize + 1;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    for fact in trace.all() {
        if let Event::Steal { victim, count, .. } = fact.event {
            findings.at(&[fact]).must(count <= STEAL_BOUND, || {
                format!(
                    "cpu{} took {count} tasks from cpu{} at once, the bound is {STEAL_BOUND}",
                    fact.cpu.0, victim.0
                )
            });
        }
    }
    let Some(window) = trace.window(Marker::RejectStealAboveBound) else {
        no_window(&mut findings, Marker::RejectStealAboveBound);
        return findings;
    };
    let mut refused = false;
    let mut tempted = None;
    let mut most = 0;
    for cpu in trace.cpus() {
        let facts = trace.of(cpu);
        for (index, fact) in facts.iter().enumerate().filter(|(_, fact)| window.has(fact.time)) {
            match fact.event {
                Event::StealRefused { asked, error: Error::AboveBound, .. } => {
                    findings.at(&[fact]).must(asked > STEAL_BOUND, || {
                        format!("cpu{} was refused {asked} tasks, which is within the bound", cpu.0)
                    });
                    refused |= asked > STEAL_BOUND;
                    let next = facts.get(index + 1).unwrap_or(fact);
                    findings.shows_all([fact, next]);
                    let moved = matches!(next.event, Event::Steal { .. } | Event::Stolen { .. });
                    findings.at(&[fact, next]).must(!moved, || {
                        format!("cpu{} moved tasks although its steal of {asked} was refused", cpu.0)
                    });
                }
                Event::Steal { victim, count, class } if idle(trace, cpu, index) => {
                    let held = trace.lives().queued_at(victim, fact.time, |other| other == class).count();
                    most = most.max(held);
                    if held >= TEMPTING && (1..=STEAL_BOUND).contains(&count) {
                        let moved = facts.iter().skip(index).take(1 + count as usize);
                        findings.shows_all(moved);
                        tempted = Some((cpu, victim, held, count));
                    }
                }
                _ => {}
            }
        }
    }
    findings.must(refused, || format!("no steal of more than {STEAL_BOUND} tasks was asked for and refused"));
    match tempted {
        Some((thief, victim, held, count)) => findings
            .found(format!("idle cpu{} took {count} of the {held} tasks that cpu{} held", thief.0, victim.0)),
        None => findings.red(format!(
            "no idle CPU stole from one that held {TEMPTING} tasks (the most that a victim held was {most})"
        )),
    }
    findings
}

/// Whether the CPU ran no task when it stated its fact number `at`.
pub(super) fn idle(trace: &Trace, cpu: Cpu, at: usize) -> bool {
    let last = trace.of(cpu)[..at].iter().rev().find_map(|fact| match fact.event {
        Event::Dispatch { .. } => Some(false),
        Event::Leave { .. } | Event::IdleBegin {} | Event::Online { .. } => Some(true),
        _ => None,
    });
    last.unwrap_or(true)
}
