//! Requests between CPUs and what became of them: request -> ring (or the ring it rode on) -> seen -> ack.

use std::collections::BTreeMap;

use antler_facts::{Cpu, Event, Fact, Request};

use crate::trace::Trace;

/// A fact's place: its index among the facts of the CPU that states it, and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Index in `Trace::of(cpu)`.
    pub index: usize,
    /// ns since boot.
    pub time: u64,
}

/// One request and the facts that follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Who asked.
    pub sender: Cpu,
    /// Whom.
    pub target: Cpu,
    /// Which of the sender's requests to that target.
    pub n: u64,
    /// What for.
    pub what: Request,
    /// When (on the sender).
    pub request: At,
    /// Doorbells rung for it (on the sender); one at most in a sound run.
    pub rings: Vec<At>,
    /// Statements that it rides on another's doorbell (on the sender).
    pub rode: Vec<At>,
    /// Statements that its doorbell is withheld (on the sender).
    pub withheld: Vec<At>,
    /// The target's first ack that covers it (on the target).
    pub ack: Option<At>,
    /// The `Seen` under which that ack stands (on the target).
    pub seen: Option<At>,
}

impl Exchange {
    /// The request's name in reports.
    pub fn name(&self) -> String {
        format!("request {} of cpu{} to cpu{} ({:?})", self.n, self.sender.0, self.target.0, self.what)
    }

    /// The request itself.
    pub fn asked<'a>(&self, trace: &'a Trace) -> Option<&'a Fact> {
        trace.of(self.sender).get(self.request.index)
    }

    /// Its whole chain: request, what became of its doorbell, doorbell seen, ack.
    pub fn facts<'a>(&self, trace: &'a Trace) -> Vec<&'a Fact> {
        let sent = [&self.request].into_iter().chain(&self.withheld).chain(&self.rings).chain(&self.rode);
        let sent = sent.filter_map(|at| trace.of(self.sender).get(at.index));
        let met = self.seen.iter().chain(&self.ack);
        sent.chain(met.filter_map(|at| trace.of(self.target).get(at.index))).collect()
    }
}

/// One ack and the `Seen` that it stands under.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ack {
    pub at: At,
    pub sender: Cpu,
    pub n: u64,
    pub seen: Option<At>,
}

/// The acks of one CPU in its own order. An ack stands under the last `Seen` before it, if the CPU did nothing since but
/// answer; or leave, for a CPU that closes its mailbox meets its last senders on the way out.
pub(crate) fn acks(trace: &Trace, cpu: Cpu) -> Vec<Ack> {
    let facts = trace.of(cpu);
    let leaves = leaving(facts);
    let mut acks = Vec::new();
    let mut seen = None;
    for (index, fact) in facts.iter().enumerate() {
        let at = At { index, time: fact.time };
        match fact.event {
            Event::Seen { .. } => seen = Some(at),
            Event::Ack { sender, n } => acks.push(Ack { at, sender, n, seen }),
            Event::Identity { .. }
            | Event::Request { .. }
            | Event::Ring { .. }
            | Event::Rode { .. }
            | Event::TargetRefused { .. } => {}
            _ if leaves[index] => {}
            _ => seen = None,
        }
    }
    acks
}

/// Of each of a CPU's facts, whether the CPU states it on its way out: it goes offline before it does anything else.
pub(crate) fn leaving(facts: &[Fact]) -> Vec<bool> {
    let mut leaves = vec![false; facts.len()];
    let mut out = false;
    for (fact, leaves) in facts.iter().zip(&mut leaves).rev() {
        match fact.event {
            Event::Offline { .. } => out = true,
            Event::Dispatch { .. } | Event::IdleBegin {} | Event::TrapUser { .. } => out = false,
            _ => {}
        }
        *leaves = out;
    }
    leaves
}

/// Pairs every request with its rings and with the ack that covers it. Requests come out by sender, in its order.
pub(crate) fn pair(trace: &Trace) -> Vec<Exchange> {
    let mut acks_for: BTreeMap<(Cpu, Cpu), Vec<Ack>> = BTreeMap::new();
    for target in trace.cpus() {
        for ack in acks(trace, target) {
            acks_for.entry((ack.sender, target)).or_default().push(ack);
        }
    }
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut index_of: BTreeMap<(Cpu, Cpu, u64), usize> = BTreeMap::new();
    for sender in trace.cpus() {
        for (index, fact) in trace.of(sender).iter().enumerate() {
            let at = At { index, time: fact.time };
            if let Event::Request { target, n, what } = fact.event {
                index_of.entry((sender, target, n)).or_insert(exchanges.len());
                exchanges.push(Exchange {
                    sender,
                    target,
                    n,
                    what,
                    request: at,
                    rings: Vec::new(),
                    rode: Vec::new(),
                    withheld: Vec::new(),
                    ack: None,
                    seen: None,
                });
            }
            let mut add = |target, n, list: fn(&mut Exchange) -> &mut Vec<At>| {
                if let Some(&index) = index_of.get(&(sender, target, n)) {
                    list(&mut exchanges[index]).push(at);
                }
            };
            match fact.event {
                Event::Ring { target, n } => add(target, n, |e| &mut e.rings),
                Event::Rode { target, n } => add(target, n, |e| &mut e.rode),
                Event::Withheld { target, n } => add(target, n, |e| &mut e.withheld),
                _ => {}
            }
        }
    }
    for exchange in &mut exchanges {
        let Some(acks) = acks_for.get(&(exchange.sender, exchange.target)) else { continue };
        // Acks of one sender ascend in a sound run; a search by number finds the first that covers the request.
        let first = acks.partition_point(|ack| ack.n < exchange.n);
        if let Some(ack) = acks.get(first) {
            exchange.ack = Some(ack.at);
            exchange.seen = ack.seen;
        }
    }
    exchanges
}
