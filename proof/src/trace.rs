//! The facts of one run, by CPU and by time.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use antler_facts::{Cpu, Event, Fact, Marker, RECORD};

use crate::life::{self, Lives};
use crate::requests::{self, Exchange};

/// A span of time in which something happened: both ends belong to it, ns since boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First moment.
    pub from: u64,
    /// Last moment.
    pub to: u64,
}

impl Window {
    /// Whether a moment lies in it.
    pub fn has(self, time: u64) -> bool {
        (self.from..=self.to).contains(&time)
    }
}

/// Something that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What, in words.
    pub what: String,
    /// The facts that say so; none if what came is not a fact at all.
    pub facts: Vec<Fact>,
}

/// The facts of one run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    by_cpu: BTreeMap<Cpu, Vec<Fact>>,
    flaws: Vec<Flaw>,
    lives: Lives,
    exchanges: Vec<Exchange>,
}

impl Trace {
    /// Reads the bytes that came over the facts port: records of 40 bytes. What is wrong with them is kept for the
    /// integrity claim; everything readable is judged all the same.
    pub fn decode(bytes: &[u8]) -> Trace {
        let mut flaws = Vec::new();
        let mut facts = Vec::with_capacity(bytes.len() / RECORD);
        let (records, rest) = bytes.as_chunks::<RECORD>();
        for (number, record) in records.iter().enumerate() {
            match Fact::decode(record) {
                Ok(fact) => facts.push(fact),
                Err(error) => {
                    let what = format!("record {number} (byte {}) is damaged: {error}", number * RECORD);
                    flaws.push(Flaw { what, facts: Vec::new() });
                }
            }
        }
        if !rest.is_empty() {
            let what = format!("the last {} bytes are not a whole fact of {RECORD}", rest.len());
            flaws.push(Flaw { what, facts: Vec::new() });
        }
        let mut trace = Trace::from_facts(facts);
        trace.flaws.splice(0..0, flaws);
        trace
    }

    /// A trace of facts in the order in which they arrived.
    pub fn from_facts(facts: impl IntoIterator<Item = Fact>) -> Trace {
        let mut by_cpu: BTreeMap<Cpu, Vec<Fact>> = BTreeMap::new();
        for fact in facts {
            by_cpu.entry(fact.cpu).or_default().push(fact);
        }
        let mut flaws = Vec::new();
        for (cpu, facts) in &by_cpu {
            check_order(*cpu, facts, &mut flaws);
        }
        let mut trace = Trace { by_cpu, flaws, ..Trace::default() };
        trace.lives = life::trace(&trace);
        trace.exchanges = requests::pair(&trace);
        trace
    }

    /// What is wrong with the facts as such.
    pub fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// How many facts there are.
    pub fn len(&self) -> usize {
        self.by_cpu.values().map(Vec::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_cpu.is_empty()
    }

    /// CPUs that stated anything, ascending.
    pub fn cpus(&self) -> impl Iterator<Item = Cpu> + '_ {
        self.by_cpu.keys().copied()
    }

    /// One CPU's facts in its own order.
    pub fn of(&self, cpu: Cpu) -> &[Fact] {
        self.by_cpu.get(&cpu).map_or(&[], Vec::as_slice)
    }

    /// Every fact: CPU after CPU, each in its own order.
    pub fn all(&self) -> impl Iterator<Item = &Fact> + '_ {
        self.by_cpu.values().flatten()
    }

    /// One CPU's facts with a time in the window.
    pub fn within(&self, cpu: Cpu, window: Window) -> &[Fact] {
        let facts = self.of(cpu);
        let start = facts.partition_point(|fact| fact.time < window.from);
        let end = facts.partition_point(|fact| fact.time <= window.to);
        facts.get(start..end).unwrap_or(&[])
    }

    /// Every CPU's facts with a time in the window, CPU after CPU.
    pub fn all_within(&self, window: Window) -> impl Iterator<Item = &Fact> + '_ {
        self.by_cpu.keys().flat_map(move |&cpu| self.within(cpu, window))
    }

    /// The marker facts, by time.
    pub fn markers(&self) -> Vec<(&Fact, Marker)> {
        let mut markers: Vec<(&Fact, Marker)> = self
            .all()
            .filter_map(|fact| match fact.event {
                Event::Marker { marker } => Some((fact, marker)),
                _ => None,
            })
            .collect();
        markers.sort_by_key(|(fact, _)| fact.time);
        markers
    }

    /// When the marker was stated first.
    pub fn marker_time(&self, marker: Marker) -> Option<u64> {
        self.markers().into_iter().find(|(_, m)| *m == marker).map(|(fact, _)| fact.time)
    }

    /// The span between the marker stated before this one (or the start) and this one.
    pub fn window(&self, marker: Marker) -> Option<Window> {
        let markers = self.markers();
        let at = markers.iter().position(|(_, m)| *m == marker)?;
        let from = if at == 0 { 0 } else { markers[at - 1].0.time };
        Some(Window { from, to: markers[at].0.time })
    }

    /// What became of each task.
    pub fn lives(&self) -> &Lives {
        &self.lives
    }

    /// Every request with what became of it.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Where a fact of this trace stands among its CPU's: its index.
    pub fn index(&self, fact: &Fact) -> Option<usize> {
        let facts = self.of(fact.cpu);
        let numbered = usize::try_from(fact.seq).ok().filter(|at| facts.get(*at) == Some(fact));
        numbered.or_else(|| facts.iter().position(|other| other == fact))
    }

    /// The fact that the same CPU stated right before the one at `at`.
    pub fn before(&self, cpu: Cpu, at: usize) -> Option<&Fact> {
        self.of(cpu).get(at.checked_sub(1)?)
    }

    /// The earliest moment at which what the CPU's fact number `at` reports can have happened: when the CPU stated
    /// the fact before it.
    pub fn earliest(&self, cpu: Cpu, at: usize) -> u64 {
        self.before(cpu, at).map_or(0, |fact| fact.time)
    }

    /// The spans in which a CPU was offline: from its `Offline` to its next `Online`.
    pub fn offline(&self, cpu: Cpu) -> Vec<Window> {
        let mut spans: Vec<Window> = Vec::new();
        let mut since = None;
        for fact in self.of(cpu) {
            match fact.event {
                Event::Offline { .. } => since = Some(fact.time),
                Event::Online { .. } => {
                    spans.extend(since.take().map(|from| Window { from, to: fact.time }));
                }
                _ => {}
            }
        }
        spans.extend(since.map(|from| Window { from, to: u64::MAX }));
        spans
    }
}

impl Trace {
    /// The spans in which a CPU may have been no target: from when it began to leave to when it has surely come back.
    pub(crate) fn away(&self, cpu: Cpu) -> Vec<Window> {
        let facts = self.of(cpu);
        let leaves = requests::leaving(facts);
        let mut spans = Vec::new();
        for (index, fact) in facts.iter().enumerate() {
            if !matches!(fact.event, Event::Offline { .. }) {
                continue;
            }
            let begun = leaves[..index].iter().rposition(|leaves| !leaves);
            let back = facts[index..].iter().position(|fact| matches!(fact.event, Event::Online { .. }));
            let back = back.map(|offset| facts.get(index + offset + 1).map_or(u64::MAX, |fact| fact.time));
            spans.push(Window { from: begun.map_or(0, |at| facts[at].time), to: back.unwrap_or(u64::MAX) });
        }
        spans
    }
}

/// Sequence numbers count from 0 without holes, time never goes back, nothing was dropped.
fn check_order(cpu: Cpu, facts: &[Fact], flaws: &mut Vec<Flaw>) {
    let mut expected = 0;
    let mut last: Option<&Fact> = None;
    for fact in facts {
        let around: Vec<Fact> = last.into_iter().chain([fact]).copied().collect();
        let mut say = |what| flaws.push(Flaw { what, facts: around.clone() });
        match fact.seq.cmp(&expected) {
            Ordering::Equal => {}
            Ordering::Greater => {
                say(format!("cpu{}: facts {expected} to {} are missing", cpu.0, fact.seq - 1))
            }
            Ordering::Less => {
                say(format!("cpu{}: fact {} came again or late, after {}", cpu.0, fact.seq, expected - 1))
            }
        }
        expected = expected.max(fact.seq.saturating_add(1));
        if let Some(time) = last.map(|last| last.time).filter(|time| fact.time < *time) {
            say(format!("cpu{}: at fact {} time goes back from {time} to {} ns", cpu.0, fact.seq, fact.time));
        }
        last = Some(fact);
        if let Event::Dropped { count } = fact.event {
            say(format!("cpu{}: {count} facts were dropped for want of room", cpu.0));
        }
    }
}
