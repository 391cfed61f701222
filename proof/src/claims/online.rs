//! Every hart came up by itself, and answers a Call.

use std::collections::BTreeMap;

use antler_facts::{Cpu, Event, Fact, Hart, Marker, Request, Seen};

use super::{Findings, no_window, platform::present};
use crate::case::Case;
use crate::trace::{Trace, Window};

/// What a CPU said when it came up.
#[derive(Clone, Copy)]
struct Up<'a> {
    fact: &'a Fact,
    hart: Hart,
    block: u64,
}

pub(super) fn judge(trace: &Trace, case: &Case) -> Findings {
    let mut findings = Findings::default();
    let up = bring_up(trace, &mut findings);
    findings.must(up.len() == usize::from(case.cpus), || {
        format!("{} of {} CPUs stated that they are online", up.len(), case.cpus)
    });
    identities(trace, &up, &mut findings);
    findings.found(format!("{} CPUs online, each by itself", up.len()));
    findings
}

/// Each present CPU: started by cpu0 (except cpu0), stated Online itself, then verified by cpu0, in this order.
fn bring_up<'a>(trace: &'a Trace, findings: &mut Findings) -> BTreeMap<Cpu, Up<'a>> {
    let mut up = BTreeMap::new();
    let boot = trace.of(Cpu(0));
    for (cpu, hart) in present(trace) {
        let online = trace.of(cpu).iter().find_map(|fact| match fact.event {
            Event::Online { hart, block, .. } => Some(Up { fact, hart, block }),
            _ => None,
        });
        let Some(said) = online else {
            findings.red(format!("cpu{} (hart {}) never stated that it is online", cpu.0, hart.0));
            continue;
        };
        findings.shows(said.fact);
        findings.at(&[said.fact]).must(said.hart == hart, || {
            format!("cpu{} says it is hart {}, the device tree says {}", cpu.0, said.hart.0, hart.0)
        });
        up.insert(cpu, said);
        lives(trace, cpu, said, findings);
        if cpu == Cpu(0) {
            continue;
        }
        let started = boot.iter().find(|f| f.event == Event::StartHart { cpu, hart });
        let facts: Vec<&Fact> = started.into_iter().chain([said.fact]).collect();
        findings.at(&facts).must(started.is_some_and(|fact| fact.time <= said.fact.time), || {
            format!(
                "no fact of cpu0 says that firmware was asked to start cpu{} (hart {}) before it came",
                cpu.0, hart.0
            )
        });
        let verified = boot.iter().find(|f| f.event == Event::Verified { cpu, hart });
        let facts: Vec<&Fact> = [said.fact].into_iter().chain(verified).collect();
        findings.at(&facts).must(verified.is_some_and(|fact| fact.time >= said.fact.time), || {
            format!("cpu0 did not verify cpu{} (hart {}) after it came online", cpu.0, hart.0)
        });
    }
    up
}

/// Each life of a CPU is one hart on one block, was started by somebody else, and was verified, once each.
fn lives(trace: &Trace, cpu: Cpu, said: Up<'_>, findings: &mut Findings) {
    let mut lives = 0;
    for fact in trace.of(cpu) {
        let (hart, block) = match fact.event {
            Event::Online { hart, block, .. } => {
                lives += 1;
                (hart, block)
            }
            Event::Offline { hart } => (hart, said.block),
            _ => continue,
        };
        findings.at(&[said.fact, fact]).must((hart, block) == (said.hart, said.block), || {
            format!(
                "cpu{} was hart {} on block {:#x}, and then hart {} on {block:#x}",
                cpu.0, said.hart.0, said.block, hart.0
            )
        });
    }
    let away: Vec<&Fact> =
        trace.of(cpu).iter().filter(|fact| matches!(fact.event, Event::Offline { .. })).collect();
    let absences = away.len();
    findings.at(&away).must(lives == absences + 1 || lives == absences, || {
        format!("cpu{} came online {lives} times and went offline {absences} times", cpu.0)
    });
    if cpu == Cpu(0) {
        return;
    }
    let hart = said.hart;
    for (event, what) in
        [(Event::StartHart { cpu, hart }, "started"), (Event::Verified { cpu, hart }, "verified")]
    {
        let by_others = trace.all().filter(|fact| fact.event == event && fact.cpu != cpu).count();
        let all = trace.all().filter(|fact| match fact.event {
            Event::StartHart { cpu: c, .. } | Event::Verified { cpu: c, .. } => {
                c == cpu && fact.event.kind() == event.kind()
            }
            _ => false,
        });
        let all: Vec<&Fact> = all.collect();
        let (facts, all) = (all.as_slice(), all.len());
        findings.at(facts).must(by_others == lives && all == lives, || {
            format!("cpu{} (hart {}) came online {lives} times, and was {what} {all} times, {by_others} of them soundly", cpu.0, hart.0)
        });
    }
}

/// Between the markers every CPU answers a Call with what its own registers say, and that is its own; all but the caller
/// answer out of a trap.
fn identities(trace: &Trace, up: &BTreeMap<Cpu, Up<'_>>, findings: &mut Findings) {
    let Some(window) = trace.window(Marker::SmpOnline) else {
        return no_window(findings, Marker::SmpOnline);
    };
    let mut callers = Vec::new();
    for (&cpu, said) in up {
        let identities = trace.within(cpu, window).iter().filter_map(|fact| match fact.event {
            Event::Identity { hart, .. } => Some((fact, hart)),
            _ => None,
        });
        let identities: Vec<_> = identities.collect();
        let [(fact, hart)] = identities[..] else {
            let facts: Vec<&Fact> = identities.iter().map(|(fact, _)| *fact).collect();
            findings.at(&facts).red(format!(
                "cpu{} stated its identity {} times before the smp-online marker; once is meant",
                cpu.0,
                identities.len()
            ));
            continue;
        };
        findings.shows(fact);
        findings.at(&[said.fact, fact]).must(hart == said.hart, || {
            format!("cpu{} answers as hart {}, it is {}", cpu.0, hart.0, said.hart.0)
        });
        match answers_a_call(trace, cpu, fact.seq, window) {
            None => callers.push(cpu),
            // Out of WFI it would say nothing of the stack on which traps begin.
            Some((doorbell, at)) => findings.at(&[doorbell, fact]).must(at == Seen::Trap, || {
                format!("cpu{} answers out of {at:?}, and not out of a trap from U-mode", cpu.0)
            }),
        }
    }
    // The caller needs no Call to itself; everybody else does.
    let may_be_caller =
        |cpu: &Cpu| trace.exchanges().iter().any(|e| e.sender == *cpu && e.what == Request::Call);
    findings.must(callers.len() <= 1 && callers.iter().all(may_be_caller), || {
        let names: Vec<String> = callers.iter().map(|cpu| format!("cpu{}", cpu.0)).collect();
        format!("{} stated an identity without a Call that asked for it", names.join(", "))
    });
}

/// The doorbell, and where it was seen, if the identity with that sequence number answers a Call: it stands under a `Seen`
/// under which a sender was acknowledged that made a Call to this CPU. (Not necessarily the Call itself: a target that is
/// about to meet an earlier request may find and answer the Call before its own request is stated.)
fn answers_a_call(trace: &Trace, cpu: Cpu, seq: u32, window: Window) -> Option<(&Fact, Seen)> {
    let facts = trace.of(cpu);
    let at = facts.iter().position(|fact| fact.seq == seq)?;
    let seen = |fact: &Fact| matches!(fact.event, Event::Seen { .. });
    let begin = facts[..at].iter().rposition(seen)?;
    let Event::Seen { at: place } = facts[begin].event else { return None };
    let end = facts[at..].iter().position(seen).map_or(facts.len(), |offset| at + offset);
    let answers = facts[begin..end].iter().any(|fact| match fact.event {
        Event::Ack { sender, .. } => trace.exchanges().iter().any(|exchange| {
            (exchange.sender, exchange.target, exchange.what) == (sender, cpu, Request::Call)
                && window.has(exchange.request.time)
                && exchange.ack.is_some()
        }),
        _ => false,
    });
    answers.then_some((&facts[begin], place))
}
