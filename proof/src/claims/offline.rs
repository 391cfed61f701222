//! A CPU that is offline is no target, really is stopped, and comes back whole.

use std::collections::BTreeMap;

use antler_abi::{Error, Syscall};
use antler_facts::{Cpu, Event, Fact, Hart, Marker, Request};

use super::chain::refused;
use super::platform::present;
use super::target::{Refusals, refusals};
use super::{Findings, no_window};
use crate::case::Case;
use crate::requests::Exchange;
use crate::trace::{Trace, Window};

/// HSM state of a stopped hart (SBI specification, "Hart State Management").
const STOPPED: u64 = 1;
/// The last HSM state that there is (RESUME_PENDING).
const LAST_STATE: u64 = 6;
/// HSM state of a hart that runs.
const STARTED: u64 = 0;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let Some(window) = trace.window(Marker::RejectOffline) else {
        no_window(&mut findings, Marker::RejectOffline);
        return findings;
    };
    let mut left = 0;
    for cpu in trace.cpus() {
        for span in trace.offline(cpu).into_iter().filter(|span| window.has(span.from)) {
            left += 1;
            absence(trace, cpu, span, &mut findings);
            back(trace, cpu, span, window, &mut findings);
        }
        silence(trace, cpu, &mut findings);
    }
    firmware(trace, &mut findings);
    findings.must(left > 0, || "no CPU went offline before the marker".into());
    findings.found(format!("{left} CPUs stopped, refused, and brought back"));
    findings
}

/// While the CPU is away: firmware says STOPPED, both ways of addressing it are refused, nothing is sent to it.
fn absence(trace: &Trace, cpu: Cpu, span: Window, findings: &mut Findings) {
    let facts = trace.of(cpu);
    // Its last word before it was away.
    let gone = facts.iter().rfind(|fact| fact.time <= span.from);
    let restarted =
        trace.all_within(span).find(|f| matches!(f.event, Event::StartHart { cpu: c, .. } if c == cpu));
    let Some(restarted) = restarted else {
        let gone: Vec<&Fact> = gone.into_iter().collect();
        return findings
            .at(&gone)
            .red(format!("cpu{} went offline and nobody asked firmware to start it again", cpu.0));
    };
    let away = Window { from: span.from, to: restarted.time };
    let stopped = trace.all_within(away).find(|fact| {
        matches!(fact.event, Event::HartState { cpu: c, state: STOPPED, .. } if c == cpu) && fact.cpu != cpu
    });
    let Some(stopped) = stopped else {
        let facts: Vec<&Fact> = gone.into_iter().chain([restarted]).collect();
        return findings.at(&facts).red(format!("no other CPU saw firmware report cpu{} as STOPPED", cpu.0));
    };
    findings.shows_all(gone);
    findings.shows(stopped);
    let mut seen = Refusals::default();
    for teller in trace.cpus().filter(|teller| *teller != cpu) {
        for refusal in refusals(trace.of(teller), Error::Offline) {
            let meant = refusal.target == u64::from(cpu.0) && away.has(refusal.time);
            if meant && refusal.time >= stopped.time {
                seen.count(&refusal, findings);
            }
        }
    }
    seen.both(&format!("cpu{} while it was stopped", cpu.0), findings);
    findings.shows(restarted);
    let inside = |time: u64| time > away.from && time < away.to;
    for exchange in trace.exchanges().iter().filter(|exchange| exchange.target == cpu) {
        // A waker that came too late found the mailbox closed and said so: nothing was posted.
        let posted = inside(exchange.request.time) && !refused(trace, exchange);
        findings
            .at(&exchange.facts(trace))
            .must(!posted && !exchange.rings.iter().any(|ring| inside(ring.time)), || {
                format!("{} was sent while cpu{} was offline", exchange.name(), cpu.0)
            });
    }
    for fact in trace.all_within(away).filter(|fact| inside(fact.time)) {
        let rung = matches!(fact.event, Event::Ring { target, .. } if target == cpu);
        findings
            .at(&[fact])
            .must(!rung, || format!("cpu{} rang cpu{} while that was offline", fact.cpu.0, cpu.0));
    }
}

/// After its return: the same hart, verified, answers one reschedule and runs a stolen task.
fn back(trace: &Trace, cpu: Cpu, span: Window, window: Window, findings: &mut Findings) {
    let facts = trace.of(cpu);
    let said = |at: u64, first: bool| {
        facts.iter().filter(|fact| if first { fact.time <= at } else { fact.time >= at }).find_map(|fact| {
            match fact.event {
                Event::Online { hart, stack, block } => Some((fact, hart, stack, block)),
                _ => None,
            }
        })
    };
    if span.to == u64::MAX {
        return findings.red(format!("cpu{} went offline and never came online again", cpu.0));
    }
    let (before, after) = (said(span.from, true), said(span.to, false));
    let both: Vec<&Fact> = before.iter().chain(&after).map(|(fact, ..)| *fact).collect();
    let words =
        |said: Option<(&Fact, Hart, u64, u64)>| said.map(|(_, hart, stack, block)| (hart, stack, block));
    findings.at(&both).must(before.map(|b| b.1) == after.map(|a| a.1), || {
        let (before, after) = (words(before), words(after));
        format!("cpu{} came back as another hart: {before:?}, then {after:?}", cpu.0)
    });
    findings.shows_all(after.map(|(fact, ..)| fact));
    let later = Window { from: span.to, to: window.to };
    let verified =
        trace.all_within(later).find(|f| matches!(f.event, Event::Verified { cpu: c, .. } if c == cpu));
    findings.shows_all(verified);
    findings.must(verified.is_some(), || format!("nobody verified cpu{} after its return", cpu.0));
    let asked = trace.exchanges().iter().find(|exchange| {
        exchange.target == cpu
            && exchange.what == Request::Resched
            && later.has(exchange.request.time)
            && exchange.ack.is_some_and(|ack| later.has(ack.time))
            && by_call(trace, exchange)
    });
    findings.shows_all(asked.iter().flat_map(|exchange| exchange.facts(trace)));
    findings.must(asked.is_some(), || {
        format!("no resched call for cpu{} was answered by it after its return", cpu.0)
    });
    let here = trace.within(cpu, later);
    let stole = here.iter().find_map(|fact| match fact.event {
        Event::Stolen { task, .. } => here
            .iter()
            .find(|run| {
                matches!(run.event, Event::Dispatch { task: t, .. } if t == task) && run.seq > fact.seq
            })
            .map(|run| [fact, run]),
        _ => None,
    });
    findings.shows_all(stole.into_iter().flatten());
    findings.must(stole.is_some(), || format!("cpu{} stole and ran no task after its return", cpu.0));
}

/// Whether a request was posted because a program called for it, and not because there was work.
fn by_call(trace: &Trace, exchange: &Exchange) -> bool {
    let before = trace.before(exchange.sender, exchange.request.index).map(|fact| fact.event);
    matches!(before, Some(Event::Syscall { number, .. }) if number == Syscall::Resched.number() as u64)
}

/// What firmware reports of a hart agrees with what the CPU says that it is: STARTED while online, STOPPED only between
/// its last word and its next start, and STOPPED for good once it was.
fn firmware(trace: &Trace, findings: &mut Findings) {
    let harts = present(trace);
    let mut stopped: BTreeMap<Cpu, &Fact> = BTreeMap::new();
    let mut reports: Vec<&Fact> = trace
        .all()
        .filter(|fact| matches!(fact.event, Event::HartState { .. } | Event::StartHart { .. }))
        .collect();
    // Of one tick, a CPU's own order.
    reports.sort_by_key(|fact| (fact.time, fact.seq));
    for fact in reports {
        let (cpu, hart, state) = match fact.event {
            Event::HartState { cpu, hart, state } => (cpu, hart, state),
            Event::StartHart { cpu, .. } => {
                stopped.remove(&cpu);
                continue;
            }
            _ => continue,
        };
        let name = format!(
            "cpu{} says at {} ns that firmware reports cpu{} in state {state}",
            fact.cpu.0, fact.time, cpu.0
        );
        findings.at(&[fact]).must(harts.get(&cpu).is_none_or(|known| *known == hart), || {
            format!("{name}, of hart {}, which it is not", hart.0)
        });
        let off = trace.offline(cpu).into_iter().any(|span| span.has(fact.time));
        let away = trace.away(cpu).into_iter().any(|span| span.has(fact.time));
        findings.at(&[fact]).must(state != STOPPED || off, || format!("{name}, but it was online"));
        findings.at(&[fact]).must(state <= LAST_STATE, || format!("{name}, which no specification knows"));
        if state == STOPPED {
            stopped.entry(cpu).or_insert(fact);
        }
        if let Some(before) = stopped.get(&cpu) {
            findings
                .at(&[before, fact])
                .must(state == STOPPED, || format!("{name}, and it was STOPPED before"));
        }
        findings.at(&[fact]).must(state == STARTED || away, || format!("{name}, but nobody took it offline"));
    }
}

/// A CPU that stated `Offline` says nothing until it is online again.
fn silence(trace: &Trace, cpu: Cpu, findings: &mut Findings) {
    for pair in trace.of(cpu).windows(2) {
        let (Event::Offline { .. }, next) = (pair[0].event, pair[1].event) else { continue };
        findings.at(&[&pair[0], &pair[1]]).must(matches!(next, Event::Online { .. }), || {
            format!(
                "cpu{} stopped at {} ns, yet it states {next:?} before it is online again",
                cpu.0, pair[0].time
            )
        });
    }
}
