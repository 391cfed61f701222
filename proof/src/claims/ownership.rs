//! Nothing lost, nothing twice: tasks live in one place and end once, CPUs run one task at a time.

use std::collections::BTreeMap;

use antler_facts::{Cpu, Event, Fact, Leave, Task};

use super::Findings;
use crate::case::Case;
use crate::life::Life;
use crate::trace::{Trace, Window};
use crate::words::task_name;

/// Stays of the most moved task that are shown.
const MOVES: usize = 8;

pub(super) fn judge(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    for flaw in trace.lives().flaws() {
        let facts: Vec<&Fact> = flaw.facts.iter().collect();
        findings.at(&facts).red(&*flaw.what);
    }
    let mut count = 0;
    for (task, life) in trace.lives().iter() {
        count += 1;
        let last: Vec<&Fact> = life.last().into_iter().collect();
        findings
            .at(&last)
            .must(life.ended(), || format!("{} never ended: it was last {}", task_name(task), life.place()));
    }
    findings.must(count > 0, || "no task was ever made".into());
    slots(trace, &mut findings);
    left_behind(trace, &mut findings);
    for cpu in trace.cpus() {
        one_at_a_time(cpu, trace.of(cpu), &mut findings);
    }
    findings.found(format!("{count} tasks made and ended"));
    examples(trace, &mut findings);
    findings
}

/// A task's name is a slot of the pool (lower half) and its generation (upper half): a slot is given to the next task when
/// the one before has ended, and under a higher generation, so that an old name never means a new task.
fn slots(trace: &Trace, findings: &mut Findings) {
    let mut slots: BTreeMap<u32, Vec<(u64, Task, &Life)>> = BTreeMap::new();
    for (task, life) in trace.lives().iter() {
        let made = life.spawned.map_or(0, |(_, at)| at);
        slots.entry(task.0 as u32).or_default().push((made, task, life));
    }
    for mut tasks in slots.into_values() {
        tasks.sort_by_key(|(made, task, _)| (*made, *task));
        for pair in tasks.windows(2) {
            let [(_, old, before), (made, new, after)] = [pair[0], pair[1]];
            let facts: Vec<&Fact> = before.last().into_iter().chain(after.steps.first()).collect();
            let ended = before.exit.is_some_and(|exit| exit <= made);
            findings.at(&facts).must(ended, || {
                format!(
                    "{} is made at {made} ns in the slot of {}, which lives",
                    task_name(new),
                    task_name(old)
                )
            });
            findings.at(&facts).must(old.0 >> 32 < new.0 >> 32, || {
                format!("{} follows {} in its slot: generations count up", task_name(new), task_name(old))
            });
        }
    }
}

/// A CPU that stops takes nothing along: what it had queued itself is elsewhere by then.
fn left_behind(trace: &Trace, findings: &mut Findings) {
    let spans: BTreeMap<Cpu, Vec<Window>> = trace.cpus().map(|cpu| (cpu, trace.offline(cpu))).collect();
    for (task, life) in trace.lives().iter() {
        for stay in life.queued.iter().filter(|stay| stay.begin.cpu == stay.cpu) {
            // What another CPU took it may have taken before it said so.
            let own = stay.end.filter(|end| end.cpu == stay.cpu);
            let across =
                |span: &&Window| stay.span.from <= span.from && own.is_some_and(|end| end.time >= span.to);
            if let Some(span) = spans.get(&stay.cpu).and_then(|spans| spans.iter().find(across)) {
                let facts: Vec<&Fact> = [&stay.begin].into_iter().chain(&stay.end).collect();
                findings.at(&facts).red(format!(
                    "{} lay in cpu{}'s queue while that was offline, from {} to {} ns",
                    task_name(task),
                    stay.cpu.0,
                    span.from,
                    span.to
                ));
            }
        }
    }
}

/// What to look at: the task that was moved about most, then when each task began and ended.
fn examples(trace: &Trace, findings: &mut Findings) {
    let most = trace.lives().iter().max_by_key(|(_, life)| life.ran.len());
    if let Some((_, life)) = most {
        for stay in life.ran.iter().take(MOVES) {
            findings.shows(&stay.begin);
            findings.shows_all(&stay.end);
        }
    }
    for (_, life) in trace.lives().iter() {
        findings.shows_all(life.ran.first().map(|stay| &stay.begin));
        findings.shows_all(life.last());
    }
}

/// On one CPU, each dispatch is left before the next begins, and idle is without a task.
fn one_at_a_time(cpu: Cpu, facts: &[Fact], findings: &mut Findings) {
    let mut running = None;
    let mut since: Option<&Fact> = None;
    for fact in facts {
        let began = since;
        if matches!(fact.event, Event::Dispatch { .. }) {
            since = Some(fact);
        }
        let trouble = match (fact.event, running) {
            (Event::Dispatch { task, .. }, None) => {
                running = Some(task);
                continue;
            }
            (Event::Leave { task, .. }, Some(current)) if task == current => {
                running = None;
                continue;
            }
            (Event::Dispatch { task, .. }, Some(current)) => {
                running = Some(task);
                format!("runs {} while {} has not left", task_name(task), task_name(current))
            }
            (Event::Leave { task, why }, _) if why != Leave::Exit || running.is_some() => {
                running = None;
                format!("states that {} leaves, which was not running", task_name(task))
            }
            (Event::IdleBegin {}, Some(current)) => format!("goes idle while {} runs", task_name(current)),
            _ => continue,
        };
        let facts: Vec<&Fact> = began.into_iter().chain([fact]).collect();
        findings.at(&facts).red(format!("cpu{} {trouble}, at {} ns", cpu.0, fact.time));
    }
}
