//! Strict order of classes: a CPU runs a class only while it knows of nothing higher in its queue.
//!
//! What a CPU knows: what it queued itself, and what others had pushed before the entry that led to the dispatch. What
//! another CPU may just have stolen counts as gone. What cannot be known, and is not claimed: the order within a class (a
//! task that was chosen may go back without a word), and whether a thief took the highest class there was.

use std::collections::BTreeMap;

use antler_abi::{Qos, Syscall};
use antler_facts::{Cpu, Event, Fact, Task};

use super::Findings;
use crate::case::Case;
use crate::life::Stay;
use crate::trace::Trace;
use crate::words::task_name;

/// Something that lies in a CPU's queue, in that CPU's own order of facts.
struct Queued<'a> {
    task: Task,
    stay: &'a Stay,
    /// Index of the first fact of the CPU before which it surely knows of it.
    from: usize,
    /// Whether it knows because it looked into its inbox, which it does before it dispatches.
    inbox: bool,
    /// Index of the first fact by which it may be gone; not behind `from` if the CPU never surely knew of it.
    to: usize,
}

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let mut queued: BTreeMap<Cpu, Vec<Queued<'_>>> = BTreeMap::new();
    for (task, life) in trace.lives().iter() {
        for stay in &life.queued {
            if let Some(one) = known(trace, task, stay) {
                queued.entry(stay.cpu).or_default().push(one);
            }
        }
    }
    let (mut looked, mut chosen) = (0usize, 0usize);
    for cpu in trace.cpus() {
        let queue = queued.remove(&cpu).unwrap_or_default();
        let (a, b) = one(trace, cpu, &queue, &mut findings);
        looked += a;
        chosen += b;
    }
    findings.must(looked > 0, || "no CPU ever chose a task".into());
    findings.found(format!("{looked} choices, {chosen} of them with lower work waiting"));
    findings
}

/// From when to when the stay's CPU surely knows of it.
fn known<'a>(trace: &Trace, task: Task, stay: &'a Stay) -> Option<Queued<'a>> {
    let facts = trace.of(stay.cpu);
    let begin = trace.index(&stay.begin)?;
    let inbox = stay.begin.cpu != stay.cpu;
    let from = match inbox {
        false => begin,
        // Pushed when the sender states its next fact; found by the entry that the CPU begins after that.
        true => {
            let pushed = trace.of(stay.begin.cpu).get(begin + 1)?.time;
            let first = facts.partition_point(|fact| fact.time <= pushed);
            first + facts[first..].iter().position(enters)? + 1
        }
    };
    let to = match &stay.end {
        None => facts.len(),
        Some(end) if end.cpu == stay.cpu => trace.index(end)?,
        Some(end) => {
            // Taken by another CPU: at the earliest when that one stated the fact before its steal.
            let theirs = trace.of(end.cpu);
            let at = trace.index(end)?;
            let steal = theirs[..at].iter().rposition(|fact| !matches!(fact.event, Event::Stolen { .. }));
            let earliest = steal.map_or(0, |steal| trace.earliest(end.cpu, steal));
            facts.partition_point(|fact| fact.time < earliest)
        }
    };
    Some(Queued { task, stay, from, inbox, to })
}

/// Whether a fact begins an entry into the kernel, or a look at what there is to do.
fn enters(fact: &Fact) -> bool {
    matches!(
        fact.event,
        Event::TrapUser { .. } | Event::Seen { .. } | Event::IdleBegin {} | Event::Online { .. }
    )
}

/// One CPU: at each dispatch, and at each trap of the task that goes on running, nothing higher is known.
fn one(trace: &Trace, cpu: Cpu, queue: &[Queued<'_>], findings: &mut Findings) -> (usize, usize) {
    let facts = trace.of(cpu);
    let (mut begins, mut ends) = (vec![Vec::new(); facts.len() + 1], vec![Vec::new(); facts.len() + 1]);
    for (number, one) in queue.iter().enumerate() {
        begins[one.from].push(number);
        ends[one.to].push(number);
    }
    // By class, what is known: queued by the CPU itself, or seen in its inbox at a dispatch; and what it will see there.
    let mut known: [Vec<usize>; Qos::COUNT] = Default::default();
    let mut mail: Vec<usize> = Vec::new();
    let mut running: Option<(Task, Qos)> = None;
    let mut busy = false;
    let (mut looked, mut chosen) = (0, 0);
    for (index, fact) in facts.iter().enumerate() {
        for &number in &ends[index] {
            let class = queue[number].stay.class.index();
            known[class].retain(|other| *other != number);
            mail.retain(|other| *other != number);
        }
        for &number in begins[index].iter().filter(|number| queue[**number].to > index) {
            match queue[number].inbox {
                true => mail.push(number),
                false => known[queue[number].stay.class.index()].push(number),
            }
        }
        let (class, how) = match fact.event {
            Event::Dispatch { task, class, .. } => {
                for number in mail.drain(..) {
                    known[queue[number].stay.class.index()].push(number);
                }
                (running, busy) = (Some((task, class)), true);
                looked += 1;
                chosen += usize::from(known[..class.index()].iter().any(|lower| !lower.is_empty()));
                (class, "runs")
            }
            Event::TrapUser { task, .. } => match running {
                Some((current, class)) if current == task => (class, "went on running"),
                _ => continue,
            },
            Event::Leave { .. } => {
                (running, busy) = (None, false);
                continue;
            }
            // Its own queue first. A probe steals on behalf of the task that runs.
            Event::IdleBegin {} | Event::Steal { .. } if !busy => {
                for number in mail.drain(..) {
                    known[queue[number].stay.class.index()].push(number);
                }
                if let Some(waits) = known.iter().rev().find_map(|tasks| tasks.first()) {
                    let waits = &queue[*waits];
                    findings.at(&[&waits.stay.begin, fact]).red(format!(
                        "cpu{} states {} at {} ns while {} is in its own queue",
                        cpu.0,
                        fact.event.kind().name(),
                        fact.time,
                        task_name(waits.task)
                    ));
                }
                continue;
            }
            // From here on its class is not known.
            Event::Syscall { number, .. } if number == Syscall::SetQos.number() as u64 => {
                running = None;
                continue;
            }
            _ => continue,
        };
        let higher = known[class.index() + 1..].iter().rev().find_map(|above| above.first());
        let Some(higher) = higher.map(|number| &queue[*number]) else { continue };
        let task = running.map_or(Task(0), |(task, _)| task);
        findings.at(&[&higher.stay.begin, fact]).red(format!(
            "cpu{} {how} {} of class {class} at {} ns while {} of class {} is in its queue",
            cpu.0,
            task_name(task),
            fact.time,
            task_name(higher.task),
            higher.stay.class
        ));
    }
    examples(facts, queue, findings);
    (looked, chosen)
}

/// Tasks that waited while the CPU ran something of a higher class: how they were queued, what ran, and when they did.
fn examples(facts: &[Fact], queue: &[Queued<'_>], findings: &mut Findings) {
    for waited in queue {
        let higher = facts.get(waited.from..waited.to).and_then(|facts| {
            facts
                .iter()
                .find(|fact| matches!(fact.event, Event::Dispatch { class, .. } if class > waited.stay.class))
        });
        if let Some(higher) = higher {
            findings.shows_all([&waited.stay.begin, higher].into_iter().chain(&waited.stay.end));
        }
    }
}
