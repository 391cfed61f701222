//! The doorbell is what does it: withheld, the target goes on undisturbed; rung, it answers.

use antler_facts::{Event, Fact, Marker, Seen};

use super::{Findings, no_window};
use crate::case::Case;
use crate::requests::Exchange;
use crate::trace::Trace;
use crate::words::is_doorbell;

/// System calls that the target must complete undisturbed.
const CALLS: usize = 100;
/// How many of the first and of the last of them are shown.
const SHOWN: usize = 4;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let Some(window) = trace.window(Marker::IpiCounterfactual) else {
        no_window(&mut findings, Marker::IpiCounterfactual);
        return findings;
    };
    let withheld: Vec<&Exchange> = trace
        .exchanges()
        .iter()
        .filter(|exchange| exchange.withheld.iter().any(|at| window.has(at.time)))
        .collect();
    findings.must(!withheld.is_empty(), || "no doorbell was withheld before the marker".into());
    for exchange in withheld {
        experiment(trace, exchange, &mut findings);
    }
    findings
}

fn experiment(trace: &Trace, exchange: &Exchange, findings: &mut Findings) {
    let name = exchange.name();
    let chain = exchange.facts(trace);
    let [withheld] = exchange.withheld[..] else {
        return findings
            .at(&chain)
            .red(format!("{name}: withheld {} times, once is meant", exchange.withheld.len()));
    };
    let [ring] = exchange.rings[..] else {
        return findings
            .at(&chain)
            .red(format!("{name}: withheld, then rung {} times, once is meant", exchange.rings.len()));
    };
    let rung = trace.earliest(exchange.sender, ring.index);
    let facts = trace.of(exchange.target);
    let after = facts.partition_point(|fact| fact.time <= withheld.time);
    let until = facts.partition_point(|fact| fact.time < rung).max(after);
    let quiet = &facts[after..until];
    let made: Vec<&Fact> = quiet.iter().filter(|fact| matches!(fact.event, Event::Syscall { .. })).collect();
    let calls = made.len();
    findings.at(&chain).must(calls >= CALLS, || {
        format!(
            "{name}: cpu{} made {calls} system calls while the doorbell was withheld, {CALLS} are needed",
            exchange.target.0
        )
    });
    for fact in quiet {
        let noise = match fact.event {
            Event::Seen { .. } => true,
            Event::Ack { sender, n } => sender == exchange.sender && n >= exchange.n,
            _ => false,
        };
        findings.at(&[fact]).must(!noise, || {
            format!(
                "{name}: cpu{} states {:?} at {} ns, before the doorbell",
                exchange.target.0, fact.event, fact.time
            )
        });
    }
    let (Some(seen), Some(ack)) = (exchange.seen, exchange.ack) else {
        return findings.at(&chain).red(format!(
            "{name}: after the doorbell, cpu{} never saw or acknowledged it",
            exchange.target.0
        ));
    };
    findings.at(&chain).must(seen.time >= rung && ack.time >= rung, || {
        format!("{name}: seen at {} ns and acknowledged at {} ns, but rung at {rung} ns", seen.time, ack.time)
    });
    findings.at(&chain).must(matches!(facts[seen.index].event, Event::Seen { at: Seen::Trap }), || {
        format!("{name}: cpu{} did not trap out of U-mode for it", exchange.target.0)
    });
    // At once, and by nothing else: the first thing after the ring is the trap for the doorbell, and then it is seen.
    let first = facts.get(until);
    let rings = |fact: &&Fact| matches!(fact.event, Event::TrapUser { cause, .. } if is_doorbell(cause));
    findings.at(&chain).must(first.is_some_and(|fact| rings(&fact)) && seen.index == until + 1, || {
        let first = first.map_or("nothing".to_owned(), |fact| format!("{:?} at {} ns", fact.event, fact.time));
        format!(
            "{name}: rung at {rung} ns, the first thing of cpu{} is not the trap for its doorbell but {first}, and it saw \
             the doorbell at {} ns",
            exchange.target.0, seen.time
        )
    });
    // Request and withheld doorbell, the first and the last calls made undisturbed, then doorbell, seen, ack.
    let (before, after) = chain.split_at(chain.len().min(2));
    let ends = made.iter().take(SHOWN).chain(made.iter().skip(calls.saturating_sub(SHOWN).max(SHOWN)));
    findings.shows_all(before.iter().chain(ends).chain(after).copied());
    findings.found(format!(
        "cpu{} made {calls} system calls without the doorbell, then answered cpu{}",
        exchange.target.0, exchange.sender.0
    ));
}
