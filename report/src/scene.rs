//! From facts to what is to be seen: who ran when, what was asked and answered, what was stolen. Everything is a list of
//! fact numbers, so whatever is drawn leads back to the facts it comes from.

use std::collections::{BTreeMap, HashMap};

use antler_facts::{Cpu, Event, Fact, Marker, Task};
use antler_proof::{Trace, expected_markers};

use crate::run::{Evidence, Run, State};

/// A fact by its place in the file: CPU after CPU, each in its own order.
pub type Id = u32;

/// One CPU's facts.
#[derive(Debug)]
pub struct Row<'a> {
    pub cpu: Cpu,
    /// Its hart, when a fact says so.
    pub hart: Option<u64>,
    /// Number of its first fact.
    pub first: Id,
    pub facts: &'a [Fact],
}

/// From one fact to another of the same CPU, or to the end of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Id,
    pub to: Option<Id>,
}

/// A request and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    pub request: Id,
    /// The doorbell, or the one it rode on.
    pub bell: Option<Id>,
    pub seen: Option<Id>,
    pub ack: Option<Id>,
}

/// A stolen task: queued for the victim, taken by the thief, run there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theft {
    pub queued: Option<Id>,
    pub stolen: Id,
    pub run: Option<Id>,
}

/// A self-test: from the marker before it to its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub marker: Marker,
    /// The console's line.
    pub line: String,
    pub state: State,
    /// The fact that states it, if one does.
    pub fact: Option<Id>,
    /// ns since boot.
    pub from: u64,
    pub to: u64,
}

/// Everything that is drawn.
#[derive(Debug)]
pub struct Scene<'a> {
    pub rows: Vec<Row<'a>>,
    pub spans: Vec<Span>,
    pub idle: Vec<Span>,
    pub offline: Vec<Span>,
    pub chains: Vec<Chain>,
    pub steals: Vec<Id>,
    pub thefts: Vec<Theft>,
    pub parts: Vec<Part>,
    /// Each task and the number of its program, in the order in which programs were started.
    pub tasks: BTreeMap<Task, usize>,
    /// First and last moment, ns since boot.
    pub window: (u64, u64),
    /// What each claim rests on, by its name.
    pub evidence: BTreeMap<String, Vec<Evidence>>,
}

impl<'a> Scene<'a> {
    /// Reads a run.
    pub fn new(run: &'a Run) -> Scene<'a> {
        let trace = &run.trace;
        let rows = rows(trace);
        let times = || trace.all().map(|fact| fact.time);
        let window = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        let mut scene = Scene {
            parts: parts(run, &rows, window.0),
            rows,
            spans: Vec::new(),
            idle: Vec::new(),
            offline: Vec::new(),
            chains: Vec::new(),
            steals: Vec::new(),
            thefts: Vec::new(),
            tasks: programs(trace),
            window,
            evidence: BTreeMap::new(),
        };
        scene.find_evidence(run);
        scene.find_spans();
        scene.find_chains(trace);
        scene.find_thefts();
        scene
    }

    /// The fact with this number. Numbers are this scene's own.
    pub fn fact(&self, id: Id) -> &'a Fact {
        let row = self.rows.partition_point(|row| row.first <= id) - 1;
        &self.rows[row].facts[(id - self.rows[row].first) as usize]
    }

    /// The number of a CPU's fact with that sequence number.
    pub fn find(&self, cpu: Cpu, seq: u64) -> Option<Id> {
        let row = self.rows.iter().find(|row| row.cpu == cpu)?;
        let at = row.facts.iter().position(|fact| u64::from(fact.seq) == seq)?;
        Some(row.first + at as Id)
    }

    /// The judge's evidence. A claim for which it names no fact still leads to the self-test that it stands under.
    fn find_evidence(&mut self, run: &Run) {
        let by_line = run.claims_by_line();
        for claim in &run.verdict.claims {
            let under = |part: &&Part| by_line.get(&part.line).is_some_and(|claims| claims.contains(&claim));
            let stated = self.parts.iter().filter(under).filter_map(|part| {
                let fact = self.fact(part.fact?);
                let says = format!("the self-test was stated: {}", part.line);
                Some(Evidence { cpu: fact.cpu.0, seq: fact.seq.into(), says })
            });
            let evidence = if claim.evidence.is_empty() { stated.collect() } else { claim.evidence.clone() };
            self.evidence.insert(claim.name.clone(), evidence);
        }
    }

    fn find_spans(&mut self) {
        for row in &self.rows {
            let (mut running, mut idle, mut offline) = (None, None, None);
            for (id, fact) in (row.first..).zip(row.facts) {
                let end = |open: &mut Option<Id>, list: &mut Vec<Span>| {
                    list.extend(open.take().map(|from| Span { from, to: Some(id) }));
                };
                match fact.event {
                    Event::Dispatch { .. } => {
                        end(&mut running, &mut self.spans);
                        running = Some(id);
                    }
                    Event::Leave { .. } => end(&mut running, &mut self.spans),
                    Event::IdleBegin {} => idle = Some(id),
                    Event::IdleEnd { .. } => end(&mut idle, &mut self.idle),
                    Event::Offline { .. } => offline = Some(id),
                    Event::Online { .. } => end(&mut offline, &mut self.offline),
                    _ => {}
                }
            }
            for (open, list) in
                [(running, &mut self.spans), (idle, &mut self.idle), (offline, &mut self.offline)]
            {
                list.extend(open.map(|from| Span { from, to: None }));
            }
        }
    }

    fn find_chains(&mut self, trace: &Trace) {
        let first: HashMap<Cpu, Id> = self.rows.iter().map(|row| (row.cpu, row.first)).collect();
        for exchange in trace.exchanges() {
            let (Some(sender), target) = (first.get(&exchange.sender), first.get(&exchange.target)) else {
                continue;
            };
            let bell = exchange.rings.first().or(exchange.rode.first());
            let there = |index: usize| target.map(|first| first + index as Id);
            self.chains.push(Chain {
                request: sender + exchange.request.index as Id,
                bell: bell.map(|at| sender + at.index as Id),
                seen: exchange.seen.and_then(|at| there(at.index)),
                ack: exchange.ack.and_then(|at| there(at.index)),
            });
        }
        let rows = &self.rows;
        let time = |id: Id| {
            let row = &rows[rows.partition_point(|row| row.first <= id) - 1];
            row.facts[(id - row.first) as usize].time
        };
        self.chains.sort_by_key(|chain| time(chain.request));
    }

    fn find_thefts(&mut self) {
        let mut queued: HashMap<(Task, Cpu), Vec<(u64, Id)>> = HashMap::new();
        for row in &self.rows {
            for (id, fact) in (row.first..).zip(row.facts) {
                if let Event::Enqueue { task, target, .. } = fact.event {
                    queued.entry((task, target)).or_default().push((fact.time, id));
                }
            }
        }
        queued.values_mut().for_each(|list| list.sort_unstable());
        for row in &self.rows {
            for (at, fact) in row.facts.iter().enumerate() {
                let id = row.first + at as Id;
                match fact.event {
                    Event::Steal { .. } => self.steals.push(id),
                    Event::Stolen { task, victim } => {
                        let before = queued.get(&(task, victim)).and_then(|list| {
                            list[..list.partition_point(|(time, _)| *time <= fact.time)].last()
                        });
                        let run = row.facts[at..].iter().position(
                            |next| matches!(next.event, Event::Dispatch { task: run, .. } if run == task),
                        );
                        self.thefts.push(Theft {
                            queued: before.map(|(_, id)| *id),
                            stolen: id,
                            run: run.map(|after| id + after as Id),
                        });
                    }
                    _ => {}
                }
            }
        }
    }
}

fn rows(trace: &Trace) -> Vec<Row<'_>> {
    let mut harts = BTreeMap::new();
    for fact in trace.all() {
        match fact.event {
            Event::Present { cpu, hart } => harts.insert(cpu, hart.0),
            Event::Online { hart, .. } => harts.insert(fact.cpu, hart.0),
            _ => None,
        };
    }
    let mut first = 0;
    let row = |cpu: Cpu| {
        let facts = trace.of(cpu);
        let row = Row { cpu, hart: harts.get(&cpu).copied(), first, facts };
        first += facts.len() as Id;
        row
    };
    trace.cpus().map(row).collect()
}

/// One part for each expected marker that has a fact; `cpuN online` lines belong to the boot.
fn parts(run: &Run, rows: &[Row<'_>], begin: u64) -> Vec<Part> {
    let mut stated: HashMap<Marker, (Id, u64)> = HashMap::new();
    for row in rows {
        for (id, fact) in (row.first..).zip(row.facts) {
            if let Event::Marker { marker } = fact.event {
                stated.entry(marker).or_insert((id, fact.time));
            }
        }
    }
    let mut from = begin;
    let mut parts = Vec::new();
    for expected in expected_markers(run.verdict.smp.max(1)) {
        let Some(marker) = expected.fact else { continue };
        let line = run.verdict.markers.iter().find(|line| line.line == expected.text);
        let fact = stated.get(&marker);
        let to = fact.map_or(from, |(_, time)| *time).max(from);
        parts.push(Part {
            marker,
            line: expected.text,
            state: line.map_or(State::NotJudged, |line| line.state),
            fact: fact.map(|(id, _)| *id),
            from,
            to,
        });
        from = to;
    }
    parts
}

/// A task belongs to the program whose first thread is its eldest ancestor.
fn programs(trace: &Trace) -> BTreeMap<Task, usize> {
    let mut roots: Vec<(u64, Task)> = trace
        .lives()
        .iter()
        .filter(|(_, life)| life.parent == Task(0))
        .map(|(task, life)| (life.spawned.map_or(u64::MAX, |(_, time)| time), task))
        .collect();
    roots.sort_unstable();
    let number: HashMap<Task, usize> = roots.iter().enumerate().map(|(n, (_, task))| (*task, n)).collect();
    let eldest = |task: Task| {
        let mut task = task;
        // A forged trace may hold a circle of parents.
        for _ in 0..64 {
            match trace.lives().get(task) {
                Some(life) if life.parent != Task(0) => task = life.parent,
                _ => break,
            }
        }
        number.get(&task).copied().unwrap_or(usize::MAX)
    };
    trace.lives().iter().map(|(task, _)| (task, eldest(task))).collect()
}
