//! For every ordered pair of CPUs: one IPI, and nothing else, makes a busy CPU run the task it was sent for.

use std::collections::{BTreeMap, BTreeSet};

use antler_abi::Qos;
use antler_facts::{Cpu, Event, Fact, Leave, Marker, Place, Request, Seen, Task};

use super::{Findings, no_window};
use crate::case::Case;
use crate::requests::Exchange;
use crate::trace::{Trace, Window};
use crate::words::{is_doorbell, task_name};

pub(super) fn judge(trace: &Trace, case: &Case) -> Findings {
    let mut findings = Findings::default();
    let Some(window) = trace.window(Marker::IpiResched) else {
        no_window(&mut findings, Marker::IpiResched);
        return findings;
    };
    let mut proved = BTreeSet::new();
    let mut tried: BTreeMap<(Cpu, Cpu), (Missing, &Exchange)> = BTreeMap::new();
    for exchange in trace.exchanges() {
        let pair = (exchange.sender, exchange.target);
        if exchange.what != Request::Resched || !window.has(exchange.request.time) || proved.contains(&pair) {
            continue;
        }
        match one(trace, exchange, window) {
            Ok(shown) => {
                findings.shows_all(shown);
                proved.insert(pair);
            }
            // Most requests of a pair serve something else; the one that came furthest is the one that was meant.
            Err(missing) => {
                let best = tried.entry(pair).or_insert_with(|| (missing.clone(), exchange));
                if missing.step >= best.0.step {
                    *best = (missing, exchange);
                }
            }
        }
    }
    let pairs =
        (0..case.cpus).flat_map(|a| (0..case.cpus).map(move |b| (Cpu(a), Cpu(b)))).filter(|(a, b)| a != b);
    for (a, b) in pairs.filter(|pair| !proved.contains(pair)) {
        let best = tried.get(&(a, b));
        let why = best.map_or("it never asked", |(missing, _)| missing.why.as_str());
        let facts = best.map_or(Vec::new(), |(_, exchange)| exchange.facts(trace));
        findings.at(&facts).red(format!("cpu{} did not make cpu{} run a task by one IPI: {why}", a.0, b.0));
    }
    let woken = woken(trace);
    for cpu in (0..case.cpus).map(Cpu).filter(|cpu| !woken.contains_key(cpu)) {
        findings.red(format!(
            "cpu{} was never woken out of WFI, by one IPI, for the task that it ran next",
            cpu.0
        ));
    }
    findings.shows_all(woken.into_values().flatten());
    findings.found(format!("{} ordered pairs", proved.len()));
    findings
}

/// Of each CPU, once: it slept, a task was put into its inbox and its doorbell rung for that, and the task is what it ran next.
fn woken(trace: &Trace) -> BTreeMap<Cpu, Vec<&Fact>> {
    let mut woken = BTreeMap::new();
    for exchange in trace.exchanges().iter().filter(|exchange| exchange.what == Request::Resched) {
        let (Some(task), Some(seen), Some(ack)) = (posted(trace, exchange), exchange.seen, exchange.ack)
        else {
            continue;
        };
        let theirs = trace.of(exchange.target);
        let aside = |fact: &&Fact| matches!(fact.event, Event::Ack { .. } | Event::IdleEnd { .. });
        let next = theirs[ack.index..].iter().find(|fact| !aside(fact));
        let Some(next) =
            next.filter(|next| matches!(next.event, Event::Dispatch { task: t, .. } if t == task))
        else {
            continue;
        };
        let slept = theirs[seen.index].event == Event::Seen { at: Seen::Wfi };
        if slept
            && exchange.rings.len() == 1
            && seen.time >= trace.earliest(exchange.sender, exchange.request.index)
        {
            let queued = trace.before(exchange.sender, exchange.request.index);
            let facts = || queued.into_iter().chain(exchange.facts(trace)).chain([next]).collect();
            woken.entry(exchange.target).or_insert_with(facts);
        }
    }
    woken
}

/// How far a request came towards a proof, and why no further.
#[derive(Clone, Debug)]
struct Missing {
    step: Step,
    why: String,
}

/// The steps of the proof, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Post,
    Dispatch,
    Preempt,
    Doorbell,
    Trap,
    Class,
    Rest,
}

/// One reschedule from the queued task to its dispatch: its facts, or which step is missing.
fn one<'a>(trace: &'a Trace, exchange: &Exchange, window: Window) -> Result<Vec<&'a Fact>, Missing> {
    let missing = |step, why| Missing { step, why };
    let (name, cpu) = (exchange.name(), exchange.target.0);
    let task = posted(trace, exchange)
        .ok_or_else(|| missing(Step::Post, format!("no task was put into the inbox right before {name}")))?;
    let target = trace.of(exchange.target);
    let asked = exchange.request.time;
    let runs = |fact: &Fact| matches!(fact.event, Event::Dispatch { task: t, .. } if t == task);
    let begin = target.partition_point(|fact| fact.time < asked);
    let at = target[begin..].iter().position(runs).map(|offset| begin + offset).ok_or_else(|| {
        missing(Step::Dispatch, format!("cpu{cpu} never ran {} after {name}", task_name(task)))
    })?;
    let dispatched = &target[at];
    if !window.has(dispatched.time) {
        return Err(missing(
            Step::Dispatch,
            format!("cpu{cpu} ran {} only after the marker", task_name(task)),
        ));
    }
    // Facts of the same tick as the request have no order with it; they count if they belong to the interrupt.
    let skip = target[begin..at].iter().take_while(|f| f.time == asked && !is_doorbell_trap(f)).count();
    let steps = &target[begin + skip..at];
    let preempted = steps.iter().find_map(|fact| match fact.event {
        Event::Leave { task, why: Leave::Preempt } => Some(task),
        _ => None,
    });
    let preempted = preempted.ok_or_else(|| {
        missing(Step::Preempt, format!("cpu{cpu} preempted nothing for {}: it was not busy", task_name(task)))
    })?;
    let [_] = exchange.rings[..] else {
        return Err(missing(Step::Doorbell, format!("{name} has no doorbell of its own")));
    };
    exactly_one_trap(exchange, steps).map_err(|why| missing(Step::Trap, why))?;
    let old = class_of(&target[..begin + skip], preempted).ok_or_else(|| {
        missing(Step::Class, format!("{} was not running on cpu{cpu}", task_name(preempted)))
    })?;
    if !matches!(dispatched.event, Event::Dispatch { class, .. } if class > old) {
        let (task, preempted) = (task_name(task), task_name(preempted));
        return Err(missing(
            Step::Class,
            format!("{task} is not of a class above {old}, which {preempted} is of"),
        ));
    }
    others_rest(trace, exchange, Window { from: asked, to: dispatched.time })
        .map_err(|why| missing(Step::Rest, why))?;
    let queued = trace.before(exchange.sender, exchange.request.index);
    Ok(queued.into_iter().chain(exchange.facts(trace)).chain([dispatched]).collect())
}

fn is_doorbell_trap(fact: &Fact) -> bool {
    matches!(fact.event, Event::TrapUser { cause, .. } if is_doorbell(cause))
}

/// The task that the sender put into the target's inbox right before it asked.
fn posted(trace: &Trace, exchange: &Exchange) -> Option<Task> {
    match trace.before(exchange.sender, exchange.request.index)?.event {
        Event::Enqueue { task, target, place: Place::Inbox } if target == exchange.target => Some(task),
        _ => None,
    }
}

/// Between request and dispatch the target takes one trap, the doorbell's, and acknowledges this request under it.
fn exactly_one_trap(exchange: &Exchange, steps: &[Fact]) -> Result<(), String> {
    let (name, cpu) = (exchange.name(), exchange.target.0);
    let mut traps = 0;
    let mut seen = 0;
    let mut acked = 0;
    for fact in steps {
        match fact.event {
            Event::TrapUser { cause, .. } if is_doorbell(cause) => traps += 1,
            Event::TrapUser { cause, .. } => {
                return Err(format!(
                    "cpu{cpu} took another trap (scause {cause:#x}) before {name} was served"
                ));
            }
            Event::Syscall { number, .. } => {
                return Err(format!("cpu{cpu} made system call {number} before {name} was served"));
            }
            Event::Seen { at: Seen::Trap } => seen += 1,
            Event::Seen { at: Seen::Wfi } => return Err(format!("cpu{cpu} slept instead of running a task")),
            Event::Ack { sender, n } if sender == exchange.sender && n == exchange.n => acked += 1,
            Event::Ack { sender, n } => {
                return Err(format!("cpu{cpu} also acknowledged cpu{} up to {n}", sender.0));
            }
            Event::Timer { .. } => return Err(format!("a timer fired on cpu{cpu} before {name} was served")),
            _ => {}
        }
    }
    match (traps, seen, acked) {
        (1, 1, 1) => Ok(()),
        _ => Err(format!(
            "for {name} cpu{cpu} trapped {traps}, saw {seen} and acknowledged {acked} times; once each is meant"
        )),
    }
}

/// Class of the task with which it was running at the end of these facts, if it was.
fn class_of(facts: &[Fact], task: Task) -> Option<Qos> {
    facts.iter().rev().find_map(|fact| match fact.event {
        Event::Dispatch { task: t, class, .. } => Some((t == task).then_some(class)),
        Event::Leave { .. } => Some(None),
        _ => None,
    })?
}

/// No third CPU runs anything in between.
fn others_rest(trace: &Trace, exchange: &Exchange, span: Window) -> Result<(), String> {
    let others = trace.cpus().filter(|cpu| *cpu != exchange.sender && *cpu != exchange.target);
    for cpu in others {
        let facts = trace.of(cpu);
        let begin = facts.partition_point(|fact| fact.time < span.from);
        let before = facts[..begin].iter().rev().find_map(|fact| match fact.event {
            Event::Dispatch { .. } => Some(true),
            Event::Leave { .. } | Event::IdleBegin {} | Event::Online { .. } => Some(false),
            _ => None,
        });
        let began = trace.within(cpu, span).iter().any(|fact| {
            matches!(fact.event, Event::Dispatch { .. }) && fact.time > span.from && fact.time < span.to
        });
        if before == Some(true) || began {
            return Err(format!("cpu{} was running a task meanwhile", cpu.0));
        }
    }
    Ok(())
}
