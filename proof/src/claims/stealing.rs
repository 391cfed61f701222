//! Work put on one CPU spreads by stealing, and really runs in several places at once.

use std::collections::{BTreeMap, BTreeSet};

use antler_abi::Qos;
use antler_facts::{Cpu, Event, Fact, Leave, Marker, Place, Task};

use super::{Findings, no_window};
use crate::case::Case;
use crate::life::Life;
use crate::trace::{Trace, Window};
use crate::words::task_name;

/// Tasks per CPU that count as many.
const TASKS_PER_CPU: usize = 4;

pub(super) fn judge(trace: &Trace, case: &Case) -> Findings {
    let mut findings = Findings::default();
    let Some(window) = trace.window(Marker::WorkStealing) else {
        no_window(&mut findings, Marker::WorkStealing);
        return findings;
    };
    let (home, batch) = batch(trace, window);
    let wanted = TASKS_PER_CPU * usize::from(case.cpus);
    findings.must(batch.len() >= wanted, || {
        format!("{} tasks were put on one CPU, {wanted} are meant", batch.len())
    });
    for (task, life) in &batch {
        once(trace, *task, life, home, &mut findings);
    }
    let needed = if case.cpus >= 3 { usize::from(case.cpus) } else { 2 };
    let together = most_at_once(&batch);
    findings.must(together >= needed, || {
        format!("at most {together} CPUs had one of the tasks begun and not ended at one moment, {needed} are needed")
    });
    let migrants = migrants(trace, window, &mut findings);
    findings.must(migrants > 0, || {
        "no task was taken off its CPU by the end of a slice or a higher class, stolen, and went on elsewhere".into()
    });
    let moved =
        batch.iter().filter(|(_, life)| life.ran.first().is_some_and(|stay| stay.cpu != home)).count();
    findings.found(format!(
        "{} tasks put on cpu{}, {moved} of them begun elsewhere, {together} CPUs at once; {migrants} stolen in mid-work",
        batch.len(),
        home.0
    ));
    findings
}

/// How many times a task that was taken off its CPU against its will was stolen and then went on, on the thief's CPU.
fn migrants(trace: &Trace, window: Window, findings: &mut Findings) -> usize {
    let mut found = 0;
    for (task, life) in trace.lives().iter() {
        let preempted = |fact: &Fact| fact.event == Event::Leave { task, why: Leave::Preempt };
        for pair in life.ran.windows(2) {
            let Some(end) = pair[0].end.filter(|end| preempted(end) && window.has(end.time)) else {
                continue;
            };
            let (from, to) = (pair[0].cpu, pair[1].cpu);
            let span = Window { from: end.time, to: pair[1].span.from };
            let stolen =
                trace.within(to, span).iter().find(|fact| fact.event == Event::Stolen { task, victim: from });
            let Some(stolen) = stolen.filter(|_| window.has(span.to)) else { continue };
            found += 1;
            findings.shows_all([&end, stolen, &pair[1].begin]);
        }
    }
    found
}

/// The tasks that were made in the window and queued by a CPU on itself, of the CPU that has most of them.
fn batch(trace: &Trace, window: Window) -> (Cpu, Vec<(Task, &Life)>) {
    let mut homes: BTreeMap<Cpu, Vec<(Task, &Life)>> = BTreeMap::new();
    for (task, life) in trace.lives().iter() {
        let Some((maker, _)) = life.spawned.filter(|(_, at)| window.has(*at)) else { continue };
        if life.queued.first().is_some_and(|stay| stay.cpu == maker) {
            homes.entry(maker).or_default().push((task, life));
        }
    }
    homes.into_iter().max_by_key(|(_, tasks)| tasks.len()).unwrap_or((Cpu(0), Vec::new()))
}

/// A task begins and ends once, and begins away from home only if the CPU it begins on stole it.
fn once(trace: &Trace, task: Task, life: &Life, home: Cpu, findings: &mut Findings) {
    let exits: Vec<&Fact> =
        trace.all().filter(|f| matches!(f.event, Event::Exit { task: t, .. } if t == task)).collect();
    findings.at(&exits).must(exits.len() == 1, || format!("{} ended {} times", task_name(task), exits.len()));
    let Some(first) = life.ran.first() else {
        let last: Vec<&Fact> = life.last().into_iter().collect();
        return findings.at(&last).red(format!("{} never ran", task_name(task)));
    };
    if first.cpu == home {
        return;
    }
    let stolen = trace.of(first.cpu).iter().find(|fact| {
        matches!(fact.event, Event::Stolen { task: t, .. } if t == task) && fact.time <= first.span.from
    });
    let placed = trace.of(home).iter().any(|fact| {
        matches!(fact.event, Event::Enqueue { task: t, target, place: Place::Inbox } if t == task && target == first.cpu)
            && fact.time <= first.span.from
    });
    let facts: Vec<&Fact> = stolen.into_iter().chain([&first.begin]).collect();
    findings.shows_all(facts.iter().copied());
    findings.at(&facts).must(stolen.is_some() && !placed, || {
        format!("{} began on cpu{}, which did not steal it from cpu{}", task_name(task), first.cpu.0, home.0)
    });
}

/// The largest number of CPUs that at one moment each had a task begun and not ended. A task counts for the CPU that
/// dispatched it last, until another one does or it ends.
fn most_at_once(batch: &[(Task, &Life)]) -> usize {
    let mut edges: Vec<(u64, i8, Cpu)> = Vec::new();
    for (_, life) in batch {
        let ends = life.ran.iter().skip(1).map(|stay| stay.span.from).chain(life.exit);
        for (stay, end) in life.ran.iter().zip(ends) {
            edges.push((stay.span.from, 1, stay.cpu));
            edges.push((end, -1, stay.cpu));
        }
    }
    // Ends sort before begins of the same moment: only a true overlap counts.
    edges.sort_unstable();
    let mut open: BTreeMap<Cpu, i32> = BTreeMap::new();
    let mut most = 0;
    for (_, step, cpu) in edges {
        *open.entry(cpu).or_default() += i32::from(step);
        most = most.max(open.values().filter(|count| **count > 0).count());
    }
    most
}

/// Every steal of the run: followed by exactly the tasks it says, all from that victim and of that class.
pub(super) fn judge_all(trace: &Trace, _: &Case) -> Findings {
    let mut findings = Findings::default();
    let (mut steals, mut tasks) = (0usize, 0usize);
    for cpu in trace.cpus() {
        let mut open: Option<Open<'_>> = None;
        for fact in trace.of(cpu) {
            match (fact.event, &mut open) {
                (Event::Steal { victim, count, class }, _) => {
                    steals += 1;
                    settle(cpu, open.take(), &mut findings);
                    findings.shows(fact);
                    findings.at(&[fact]).must(count > 0, || {
                        format!("cpu{} states a steal of nothing at {} ns", cpu.0, fact.time)
                    });
                    findings.at(&[fact]).must(victim != cpu, || {
                        format!("cpu{} steals from itself at {} ns", cpu.0, fact.time)
                    });
                    open = Some(Open { said: fact, victim, count, class, taken: BTreeSet::new() });
                }
                (Event::Stolen { task, victim }, Some(open)) if open.victim == victim => {
                    tasks += 1;
                    findings.shows(fact);
                    let stay = trace.lives().get(task).and_then(|life| {
                        life.queued.iter().find(|stay| stay.cpu == cpu && stay.span.from == fact.time)
                    });
                    findings.at(&[open.said, fact]).must(
                        stay.is_some_and(|stay| stay.class == open.class),
                        || {
                            format!(
                                "{} was stolen as work of class {}, which it is not",
                                task_name(task),
                                open.class
                            )
                        },
                    );
                    findings.at(&[open.said, fact]).must(open.taken.insert(task), || {
                        format!("{} was stolen twice in one steal", task_name(task))
                    });
                }
                (Event::Stolen { task, .. }, _) => {
                    findings.at(&[fact]).red(format!(
                        "cpu{} has {} stolen without a steal that says so",
                        cpu.0,
                        task_name(task)
                    ));
                }
                (Event::Enqueue { task, .. }, Some(open)) if open.taken.contains(&task) => {}
                _ => settle(cpu, open.take(), &mut findings),
            }
        }
        settle(cpu, open.take(), &mut findings);
    }
    findings.found(format!("{steals} steals moved {tasks} tasks"));
    findings
}

/// A steal whose tasks are being counted.
struct Open<'a> {
    said: &'a Fact,
    victim: Cpu,
    count: u64,
    class: Qos,
    taken: BTreeSet<Task>,
}

fn settle(cpu: Cpu, open: Option<Open<'_>>, findings: &mut Findings) {
    if let Some(Open { said, victim, count, taken, .. }) = open {
        findings.at(&[said]).must(taken.len() as u64 == count, || {
            format!(
                "cpu{} states a steal of {count} from cpu{}, but {} tasks follow",
                cpu.0,
                victim.0,
                taken.len()
            )
        });
    }
}
