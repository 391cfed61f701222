//! Requests between CPUs: one doorbell each, seen by the target, acknowledged to who really asked.

use std::collections::{BTreeMap, BTreeSet};

use antler_facts::{Cpu, Event, Fact, Marker, Request, Seen};

use super::Findings;
use crate::case::Case;
use crate::requests::{At, Exchange, acks, leaving};
use crate::trace::Trace;
use crate::words::{TIMER_INTERRUPT, is_doorbell};

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    // What is asked when all self-tests are done may be overtaken by the end of the machine.
    let done = trace.marker_time(Marker::Done).unwrap_or(u64::MAX);
    numbers(trace, &mut findings);
    for exchange in trace.exchanges() {
        findings.shows_all(exchange.facts(trace));
        one(trace, exchange, done, &mut findings);
    }
    strays(trace, &mut findings);
    replies(trace, done, &mut findings);
    for cpu in trace.cpus() {
        acknowledgements(trace, cpu, &mut findings);
        doorbells(trace, cpu, done, &mut findings);
    }
    let rings: usize = trace.exchanges().iter().map(|exchange| exchange.rings.len()).sum();
    findings.must(!trace.exchanges().is_empty(), || "no CPU ever asked another for anything".into());
    findings.found(format!("{} requests, {rings} doorbells", trace.exchanges().len()));
    findings
}

/// The numbers of each sender for each target are 1, 2, 3 ...
fn numbers(trace: &Trace, findings: &mut Findings) {
    let mut last: BTreeMap<(Cpu, Cpu), u64> = BTreeMap::new();
    for exchange in trace.exchanges() {
        let facts = exchange.facts(trace);
        let before = last.insert((exchange.sender, exchange.target), exchange.n).unwrap_or(0);
        findings.at(&facts).must(exchange.n.checked_sub(1) == Some(before), || {
            format!("{} follows number {before}; numbers must count on by one", exchange.name())
        });
        findings
            .at(&facts)
            .must(exchange.sender != exchange.target, || format!("{} is to itself", exchange.name()));
    }
}

/// One request: its doorbell, and its ack in time.
fn one(trace: &Trace, exchange: &Exchange, done: u64, findings: &mut Findings) {
    let name = exchange.name();
    let facts = exchange.facts(trace);
    let ways = (exchange.rings.len(), exchange.rode.len(), exchange.withheld.len());
    let late = exchange.request.time >= done;
    match ways {
        (1, 0, 0) | (0, 1, 0) | (1, 0, 1) => {}
        // Asked of a CPU that stops at that very moment: the mailbox was closed, nothing was posted.
        (0, 0, 0) if late || refused(trace, exchange) => return,
        (0, 0, 0) => {
            let why = format!("{name} has no doorbell: neither rung, nor rode, nor withheld");
            return findings.at(&facts).red(why);
        }
        (0, 0, 1) => {
            return findings.at(&facts).red(format!("{name}: its doorbell was withheld and never rung"));
        }
        (rings, rode, withheld) => {
            return findings.at(&facts).red(format!(
                "{name} has {rings} rings, {rode} rides and {withheld} withheld; one way each"
            ));
        }
    }
    let Some(ack) = exchange.ack else {
        findings.at(&facts).must(late, || format!("{name} was never acknowledged"));
        return;
    };
    findings.at(&facts).must(ack.time >= exchange.request.time, || {
        format!(
            "{name} was acknowledged at {} ns, before it was made at {} ns",
            ack.time, exchange.request.time
        )
    });
    // The drain that follows the first doorbell seen after it must meet it; an earlier one may.
    let ways = exchange.rings.iter().chain(&exchange.rode).chain(&exchange.withheld);
    let rung = ways.map(|at| at.time).max().unwrap_or(u64::MAX);
    let theirs = trace.of(exchange.target);
    let is_seen = |fact: &Fact| matches!(fact.event, Event::Seen { .. });
    // Of the same tick nothing is known; the doorbell's own `Seen` takes longer than that.
    let from = theirs.partition_point(|fact| fact.time <= rung);
    let mut seen = (from..theirs.len()).filter(|&index| is_seen(&theirs[index]));
    if let (Some(_), Some(next)) = (seen.next(), seen.next()) {
        findings.at(&facts).must(ack.index < next, || {
            format!(
                "{name}: cpu{} saw a doorbell after it, but acknowledged it only under a later one",
                exchange.target.0
            )
        });
    }
    // Under a withheld doorbell nothing may be seen until it is rung.
    if let ([ring], [_]) = (&exchange.rings[..], &exchange.withheld[..]) {
        findings.at(&facts).must(ack.time >= trace.earliest(exchange.sender, ring.index), || {
            format!("{name} was acknowledged before its withheld doorbell was rung")
        });
    }
}

/// Whether the sender found the target's mailbox closed: it says so at once.
pub(super) fn refused(trace: &Trace, exchange: &Exchange) -> bool {
    let next = trace.of(exchange.sender).get(exchange.request.index + 1).map(|fact| fact.event);
    matches!(next, Some(Event::TargetRefused { target, .. }) if target == u64::from(exchange.target.0))
}

/// As many replies come back as Calls went out, between every two CPUs. A Call that met a closed mailbox may have been
/// answered, because a leaving CPU meets every sender once more, or not.
fn replies(trace: &Trace, done: u64, findings: &mut Findings) {
    let mut open: BTreeMap<(Cpu, Cpu), (u64, u64, u64)> = BTreeMap::new();
    let mut last: BTreeMap<(Cpu, Cpu), &Exchange> = BTreeMap::new();
    for exchange in trace.exchanges().iter().filter(|exchange| exchange.request.time < done) {
        match exchange.what {
            Request::Call => {
                last.insert((exchange.sender, exchange.target), exchange);
                let (sure, perhaps, _) = open.entry((exchange.sender, exchange.target)).or_default();
                *(if refused(trace, exchange) { perhaps } else { sure }) += 1;
            }
            Request::Reply => {
                last.entry((exchange.target, exchange.sender)).or_insert(exchange);
                open.entry((exchange.target, exchange.sender)).or_default().2 += 1;
            }
            _ => {}
        }
    }
    for ((caller, target), (sure, perhaps, answers)) in open {
        let facts: Vec<&Fact> =
            last.get(&(caller, target)).and_then(|e| e.asked(trace)).into_iter().collect();
        findings.at(&facts).must((sure..=sure + perhaps).contains(&answers), || {
            format!("cpu{} gave cpu{} {answers} answers to {sure} Calls", target.0, caller.0)
        });
    }
}

/// Doorbell facts that belong to no request.
fn strays(trace: &Trace, findings: &mut Findings) {
    let made: BTreeSet<(Cpu, Cpu, u64)> =
        trace.exchanges().iter().map(|e| (e.sender, e.target, e.n)).collect();
    for fact in trace.all() {
        let (target, n) = match fact.event {
            Event::Ring { target, n } | Event::Rode { target, n } | Event::Withheld { target, n } => {
                (target, n)
            }
            _ => continue,
        };
        findings.at(&[fact]).must(made.contains(&(fact.cpu, target, n)), || {
            let kind = fact.event.kind().name();
            format!("cpu{} states {kind} for request {n} to cpu{}, which it never made", fact.cpu.0, target.0)
        });
    }
}

/// One CPU's acks: each for a request really made by that sender, ascending, each under a `Seen`.
fn acknowledgements(trace: &Trace, cpu: Cpu, findings: &mut Findings) {
    let mut made: BTreeMap<Cpu, BTreeMap<u64, u64>> = BTreeMap::new();
    for exchange in trace.exchanges().iter().filter(|exchange| exchange.target == cpu) {
        made.entry(exchange.sender).or_default().insert(exchange.n, exchange.request.time);
    }
    let mut last: BTreeMap<Cpu, (u64, Option<At>)> = BTreeMap::new();
    let leaves = leaving(trace.of(cpu));
    for ack in acks(trace, cpu) {
        let name = format!("cpu{}'s ack of cpu{} up to {}", cpu.0, ack.sender.0, ack.n);
        let facts: Vec<&Fact> = trace.of(cpu).get(ack.at.index).into_iter().collect();
        match made.get(&ack.sender).and_then(|requests| requests.get(&ack.n)) {
            None => {
                findings.at(&facts).red(format!("{name}: cpu{} never made that request", ack.sender.0));
            }
            Some(&asked) => {
                findings.at(&facts).must(asked <= ack.at.time, || format!("{name} is older than the request"))
            }
        }
        let (before, seen) = last.insert(ack.sender, (ack.n, ack.seen)).unwrap_or((0, None));
        // A request that one drain met early is met again by the drain that its own doorbell causes.
        // One drain meets each sender once; a CPU that leaves drains once more under its last doorbell.
        let again = ack.seen == seen && seen.is_some() && !leaves[ack.at.index];
        findings.at(&facts).must(!again, || format!("{name} is the second one under one doorbell"));
        findings.at(&facts).must(ack.n > before || (ack.n == before && ack.seen != seen), || {
            format!("{name} came after an ack up to {before}")
        });
        findings.at(&facts).must(ack.seen.is_some(), || {
            format!("{name} at {} ns stands under no doorbell seen", ack.at.time)
        });
    }
}

/// One CPU's doorbell: every `Seen` that answered somebody was caused by a ring, from U-mode through a trap, and every
/// ring was seen. Firmware may deliver a doorbell twice; one under which nobody is answered changes nothing.
fn doorbells(trace: &Trace, cpu: Cpu, done: u64, findings: &mut Findings) {
    let answering: BTreeSet<usize> =
        acks(trace, cpu).iter().filter_map(|ack| Some(ack.seen?.index)).collect();
    let ring_of =
        |e: &Exchange, at: &At| Some((trace.earliest(e.sender, at.index), trace.of(e.sender).get(at.index)?));
    let mut rings: Vec<(u64, &Fact)> = trace
        .exchanges()
        .iter()
        .filter(|exchange| exchange.target == cpu)
        .flat_map(|e| e.rings.iter().filter_map(move |ring| ring_of(e, ring)))
        .collect();
    rings.sort_unstable_by_key(|(earliest, ring)| (*earliest, ring.time));
    let facts = trace.of(cpu);
    let mut seen = 0;
    let mut last_seen = None;
    for (index, fact) in facts.iter().enumerate() {
        let Event::Seen { at } = fact.event else { continue };
        seen += usize::from(answering.contains(&index));
        last_seen = Some(fact.time);
        let rung = rings.partition_point(|(earliest, _)| *earliest <= fact.time);
        findings.at(&[fact]).must(seen <= rung, || {
            format!(
                "cpu{} answered its doorbell {seen} times up to {} ns, it was rung {rung} times",
                cpu.0, fact.time
            )
        });
        let before = trace.before(cpu, index).map(|fact| fact.event);
        // A doorbell may come with the timer that interrupts.
        let interrupt = |cause| is_doorbell(cause) || cause == TIMER_INTERRUPT;
        let trapped = matches!(before, Some(Event::TrapUser { cause, .. }) if interrupt(cause));
        findings.at(&[fact]).must(trapped == (at == Seen::Trap), || {
            format!(
                "cpu{} states {at:?} for the doorbell at {} ns, but the fact before is {before:?}",
                cpu.0, fact.time
            )
        });
    }
    let spans = trace.offline(cpu);
    // A doorbell is rung only when the one before it has been seen; a CPU that stops may have left one unseen. At the
    // machine's end everybody is rung, whatever they have seen.
    let seens = facts.iter().filter(|fact| matches!(fact.event, Event::Seen { .. }));
    let seens: Vec<u64> = seens.map(|fact| fact.time).collect();
    let mut early: Vec<&Fact> = rings.iter().map(|(_, ring)| *ring).filter(|ring| ring.time < done).collect();
    early.sort_by_key(|ring| ring.time);
    for (count, ring) in early.into_iter().enumerate() {
        let time = ring.time;
        let seen = seens.partition_point(|seen| *seen <= time);
        let lost = spans.iter().filter(|span| span.from <= time).count();
        findings.at(&[ring]).must(seen + lost >= count, || {
            format!("cpu{} was rung at {time} ns, having seen {seen} of the {count} doorbells before", cpu.0)
        });
    }
    for (earliest, ring) in rings.into_iter().filter(|(_, ring)| ring.time < done) {
        let time = ring.time;
        let stopped = spans.iter().any(|span| span.to >= earliest);
        findings.at(&[ring]).must(stopped || last_seen.is_some_and(|last| last >= earliest), || {
            format!("cpu{} never saw the doorbell that was rung at {time} ns", cpu.0)
        });
    }
}
