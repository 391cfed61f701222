//! From facts to what is to be seen: spans, idle times, steals and rings, per hart.

use std::collections::BTreeMap;

use antler_abi::Qos;
use antler_facts::{Cpu, Event, Fact, Leave, Task};

/// A task on a CPU, from its dispatch until it left.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub task: Task,
    pub class: Qos,
    /// ns since boot.
    pub from: u64,
    pub to: u64,
    /// Why it left; `None` if the run ended first.
    pub why: Option<Leave>,
}

/// One hart's row.
#[derive(Debug, Default)]
pub struct Row {
    /// `cpu0 (hart 2)`.
    pub name: String,
    pub spans: Vec<Span>,
    pub idle: Vec<(u64, u64)>,
}

/// Tasks taken: rows and time.
#[derive(Clone, Copy, Debug)]
pub struct Steal {
    pub victim: usize,
    pub thief: usize,
    pub at: u64,
    pub count: u64,
}

/// A doorbell: who rang, whose, and when each noticed.
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    pub sender: usize,
    pub target: usize,
    pub rung: u64,
    pub seen: u64,
}

/// Everything to be drawn, cut to its time window.
#[derive(Debug)]
pub struct Scene {
    pub from: u64,
    pub to: u64,
    pub rows: Vec<Row>,
    pub steals: Vec<Steal>,
    pub rings: Vec<Ring>,
    /// Facts that the sequence numbers promise and the file lacks.
    missing: usize,
}

impl Scene {
    /// Reads a run. `from` and `to` in ns since boot.
    ///
    /// # Errors
    /// No facts, no task in the window: the reason.
    pub fn new(facts: Vec<Fact>, from: Option<u64>, to: Option<u64>) -> Result<Scene, String> {
        let mut by_cpu: BTreeMap<Cpu, Vec<Fact>> = BTreeMap::new();
        for fact in facts {
            by_cpu.entry(fact.cpu).or_default().push(fact);
        }
        by_cpu.values_mut().for_each(|facts| facts.sort_by_key(|fact| fact.seq));
        let all = || by_cpu.values().flatten();
        let last = all().map(|fact| fact.time).max();
        let last = last.ok_or("no facts: boot with facts=all and a modern virtio console")?;
        let first =
            all().filter(|fact| matches!(fact.event, Event::Dispatch { .. })).map(|fact| fact.time).min();
        let first = first.ok_or("no fact says that a task was dispatched, so there is nothing to draw")?;
        let (from, to) = (from.unwrap_or(first), to.unwrap_or(last));
        let rows =
            by_cpu.iter().map(|(cpu, facts)| row(*cpu, facts, &by_cpu, (from, to))).collect::<Vec<_>>();
        if from >= to || rows.iter().all(|row| row.spans.is_empty()) {
            return Err(format!("nothing ran from {} to {} ms", ms(from), ms(to)));
        }
        let place: BTreeMap<Cpu, usize> = by_cpu.keys().enumerate().map(|(at, cpu)| (*cpu, at)).collect();
        let missing = by_cpu.values().map(|facts| holes(facts)).sum();
        let mut scene = Scene { from, to, rows, steals: Vec::new(), rings: Vec::new(), missing };
        for fact in by_cpu.values().flatten().filter(|fact| (from..=to).contains(&fact.time)) {
            let here = place[&fact.cpu];
            match fact.event {
                Event::Steal { victim, count, .. } => {
                    let victim = place.get(&victim).copied();
                    scene.steals.extend(victim.map(|victim| Steal {
                        victim,
                        thief: here,
                        at: fact.time,
                        count,
                    }));
                }
                Event::Ring { target, n } => {
                    let seen = by_cpu.get(&target).and_then(|facts| seen(facts, fact.cpu, n));
                    scene.rings.extend(seen.map(|seen| Ring {
                        sender: here,
                        target: place[&target],
                        rung: fact.time,
                        seen,
                    }));
                }
                _ => {}
            }
        }
        Ok(scene)
    }

    /// How many different tasks ran.
    pub fn tasks(&self) -> usize {
        let tasks = self.rows.iter().flat_map(|row| &row.spans).map(|span| span.task);
        tasks.collect::<std::collections::BTreeSet<_>>().len()
    }

    /// How many spans there are.
    pub fn spans(&self) -> usize {
        self.rows.iter().map(|row| row.spans.len()).sum()
    }

    /// The picture in one line.
    pub fn summary(&self) -> String {
        let missing =
            if self.missing > 0 { format!(", {} facts missing", self.missing) } else { String::new() };
        format!(
            "{} harts, {} spans, {} steals, {} rings, {:.1} ms{missing}",
            self.rows.len(),
            self.spans(),
            self.steals.len(),
            self.rings.len(),
            (self.to - self.from) as f64 / 1e6
        )
    }
}

/// ns as ms.
fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

fn holes(facts: &[Fact]) -> usize {
    let begin = facts.first().map_or(0, |fact| fact.seq as usize);
    let between = facts.windows(2).map(|pair| (pair[1].seq - pair[0].seq).saturating_sub(1) as usize);
    begin + between.sum::<usize>()
}

fn row(cpu: Cpu, facts: &[Fact], all: &BTreeMap<Cpu, Vec<Fact>>, (from, to): (u64, u64)) -> Row {
    let hart = all.values().flatten().find_map(|fact| match fact.event {
        Event::Present { cpu: present, hart } if present == cpu => Some(hart.0),
        _ => None,
    });
    let name = hart.map_or(format!("cpu{}", cpu.0), |hart| format!("cpu{} (hart {hart})", cpu.0));
    let mut row = Row { name, ..Row::default() };
    let (mut running, mut idle): (Option<Span>, Option<u64>) = (None, None);
    let mut end = |running: &mut Option<Span>, at: u64, why| {
        let span = running.take().map(|span| Span { from: span.from.max(from), to: at.min(to), why, ..span });
        row.spans.extend(span.filter(|span| span.from <= span.to && span.from <= to && at >= from));
    };
    let mut rest = |idle: &mut Option<u64>, at: u64| {
        let span = idle.take().map(|begin| (begin.max(from), at.min(to)));
        row.idle.extend(span.filter(|(from, to)| from < to));
    };
    for fact in facts {
        match fact.event {
            Event::Dispatch { task, class, .. } => {
                end(&mut running, fact.time, None);
                running = Some(Span { task, class, from: fact.time, to: fact.time, why: None });
            }
            Event::Leave { why, .. } => end(&mut running, fact.time, Some(why)),
            Event::IdleBegin {} => idle = Some(fact.time),
            Event::IdleEnd { .. } => rest(&mut idle, fact.time),
            _ => {}
        }
    }
    end(&mut running, to, None);
    rest(&mut idle, to);
    row
}

/// When the target saw the doorbell under which it acknowledged request `n` of `sender`.
fn seen(facts: &[Fact], sender: Cpu, n: u64) -> Option<u64> {
    let acked =
        |fact: &Fact| matches!(fact.event, Event::Ack { sender: s, n: upto } if s == sender && upto >= n);
    let ack = facts.iter().position(acked)?;
    let seen = facts[..ack].iter().rfind(|fact| matches!(fact.event, Event::Seen { .. }))?;
    Some(seen.time)
}
