//! One CPU ends the machine, and every other one was stopped by it before.

use antler_facts::{Cpu, Event, Fact, Marker, Request};

use super::{Findings, chain::refused};
use crate::case::Case;
use crate::requests::Exchange;
use crate::trace::Trace;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let Some(end) = trace.all().find(|fact| matches!(fact.event, Event::End { .. })) else {
        findings.red("no fact states the machine's end, so nobody was stopped for it");
        return findings;
    };
    let done = trace.marker_time(Marker::Done).unwrap_or(0);
    let stops: Vec<&Exchange> =
        trace.exchanges().iter().filter(|exchange| exchange.what == Request::Stop).collect();
    for stop in &stops {
        let facts = stop.facts(trace);
        findings.shows_all(facts.iter().copied());
        findings.at(&facts).must(stop.sender == end.cpu, || {
            format!(
                "cpu{} asks cpu{} to stop, but cpu{} ends the machine",
                stop.sender.0, stop.target.0, end.cpu.0
            )
        });
        findings.at(&facts).must(stop.request.time >= done && stop.request.time <= end.time, || {
            format!("{} was not made between the last marker and the machine's end", stop.name())
        });
    }
    let mut stopped = 0usize;
    for cpu in trace.cpus().filter(|cpu| *cpu != end.cpu) {
        let late = trace.of(cpu).last().filter(|fact| fact.time > end.time);
        if let Some(fact) = late {
            findings.at(&[end, fact]).red(format!(
                "cpu{} states {} at {} ns, after the machine's end",
                cpu.0,
                fact.event.kind().name(),
                fact.time
            ));
        }
        let own: Vec<&Exchange> = stops.iter().copied().filter(|stop| stop.target == cpu).collect();
        stopped += usize::from(one(trace, cpu, end, &own, &mut findings));
    }
    findings.shows(end);
    findings.found(format!("cpu{} stopped {stopped} others and ended the machine", end.cpu.0));
    findings
}

/// One CPU that does not end the machine: offline by then, or asked to stop once and by a doorbell of its own, which it saw,
/// acknowledged, and then did nothing more. Whether it was stopped.
fn one(trace: &Trace, cpu: Cpu, end: &Fact, stops: &[&Exchange], findings: &mut Findings) -> bool {
    let facts = trace.of(cpu);
    let away = trace.offline(cpu).iter().any(|span| span.to == u64::MAX);
    if away && stops.iter().all(|stop| refused(trace, stop)) {
        return false;
    }
    let last: Vec<&Fact> = facts.last().into_iter().chain([end]).collect();
    let [stop] = stops[..] else {
        findings.at(&last).red(format!(
            "cpu{} was online at the end and was asked to stop {} times; once is meant",
            cpu.0,
            stops.len()
        ));
        return false;
    };
    let chain = stop.facts(trace);
    findings.at(&chain).must((stop.rings.len(), stop.rode.len(), stop.withheld.len()) == (1, 0, 0), || {
        format!("{} was not rung by one doorbell of its own", stop.name())
    });
    let (Some(ack), Some(_)) = (stop.ack, stop.seen) else {
        findings.at(&chain).red(format!("{}: cpu{} never saw and acknowledged it", stop.name(), cpu.0));
        return false;
    };
    // What it met under the same doorbell may still be answered.
    let idle = |event: &Event| {
        matches!(
            event,
            Event::Ack { .. }
                | Event::Identity { .. }
                | Event::Request { what: Request::Reply, .. }
                | Event::Ring { .. }
                | Event::Rode { .. }
                | Event::TargetRefused { .. }
        )
    };
    if let Some(fact) = facts.iter().skip(ack.index).find(|fact| !idle(&fact.event)) {
        let what = fact.event.kind().name();
        let when = fact.time;
        findings.at(&[fact]).red(format!("cpu{} states {what} at {when} ns, after it was stopped", cpu.0));
        return false;
    }
    true
}
