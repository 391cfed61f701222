//! What a claim's function gathers: reasons against the claim, and the facts that a reader may look at.

use std::collections::VecDeque;

use antler_facts::Fact;
use serde::Serialize;

use crate::words::words;

/// Reasons kept for one claim; further ones are counted.
const REASONS: usize = 12;

/// Pieces of evidence kept for one claim; further ones are counted.
pub(crate) const EVIDENCE: usize = 64;
/// Of the facts that support a claim, so many of the last are kept beside the first.
const LAST: usize = 16;

/// One fact that proves a claim or contradicts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Whose fact.
    pub cpu: u16,
    /// Its number among that CPU's facts.
    pub seq: u64,
    /// What it says, in a few words. Begins with `against: ` where it contradicts the claim.
    pub says: String,
}

impl Evidence {
    fn new(fact: &Fact, before: &str) -> Evidence {
        Evidence { cpu: fact.cpu.0, seq: u64::from(fact.seq), says: format!("{before}{}", words(fact)) }
    }
}

/// Reasons and evidence of one claim.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    reasons: Vec<String>,
    more: usize,
    /// The self-test that it looks at was never stated to be over.
    pub(super) no_window: bool,
    found: String,
    against: Vec<Fact>,
    shown: Vec<Fact>,
    last: VecDeque<Fact>,
    total: usize,
}

impl Findings {
    /// Evidence that is missing altogether, so that there is no fact to point to.
    pub fn red(&mut self, reason: impl Into<String>) {
        match self.reasons.len() < REASONS {
            true => self.reasons.push(reason.into()),
            false => self.more += 1,
        }
    }

    /// Red unless `holds`, with no fact to point to.
    pub fn must(&mut self, holds: bool, reason: impl FnOnce() -> String) {
        if !holds {
            self.red(reason());
        }
    }

    /// What follows is about these facts: if it is red, they contradict the claim.
    pub fn at<'a>(&'a mut self, facts: &'a [&'a Fact]) -> At<'a> {
        At { findings: self, facts }
    }

    /// This fact supports the claim. The first ones and the last ones are kept, the rest is counted.
    pub fn shows(&mut self, fact: &Fact) {
        self.total += 1;
        if self.shown.len() < EVIDENCE - LAST {
            self.shown.push(*fact);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(*fact);
    }

    /// These facts support the claim.
    pub fn shows_all<'a>(&mut self, facts: impl IntoIterator<Item = &'a Fact>) {
        facts.into_iter().for_each(|fact| self.shows(fact));
    }

    /// What was found, in numbers, for a claim that holds.
    pub fn found(&mut self, found: impl Into<String>) {
        self.found = found.into();
    }

    fn contradicts(&mut self, fact: &Fact) {
        if !self.against.contains(fact) {
            self.total += 1;
            if self.against.len() < EVIDENCE {
                self.against.push(*fact);
            }
        }
    }

    /// Reasons, what was found, evidence (what contradicts the claim first), and how much of it there was.
    pub fn conclude(self) -> (Vec<String>, String, Vec<Evidence>, usize) {
        let mut reasons = self.reasons;
        if self.more > 0 {
            reasons.push(format!("and {} more of this claim", self.more));
        }
        let against = self.against.iter().map(|fact| Evidence::new(fact, "against: "));
        let shown = self.shown.iter().chain(&self.last).map(|fact| Evidence::new(fact, ""));
        (reasons, self.found, against.chain(shown).take(EVIDENCE).collect(), self.total)
    }
}

/// Findings about certain facts.
pub(crate) struct At<'a> {
    findings: &'a mut Findings,
    facts: &'a [&'a Fact],
}

impl At<'_> {
    /// The facts contradict the claim.
    pub fn red(self, reason: impl Into<String>) {
        self.findings.red(reason);
        for fact in self.facts {
            self.findings.contradicts(fact);
        }
    }

    /// Red unless `holds`.
    pub fn must(self, holds: bool, reason: impl FnOnce() -> String) {
        if !holds {
            self.red(reason());
        }
    }
}

#[cfg(test)]
mod tests {
    use antler_facts::{Cpu, Event};

    use super::*;

    fn fact(seq: u32) -> Fact {
        Fact { seq, cpu: Cpu(1), time: 5, event: Event::IdleBegin {} }
    }

    #[test]
    fn evidence_is_bounded_and_keeps_both_ends() {
        let mut findings = Findings::default();
        let facts: Vec<Fact> = (0..100).map(fact).collect();
        findings.shows_all(&facts);
        let (reasons, _, evidence, total) = findings.conclude();
        assert_eq!((reasons.len(), evidence.len(), total), (0, EVIDENCE, 100));
        let seqs: Vec<u64> = evidence.iter().map(|e| e.seq).collect();
        assert!(seqs[..48].iter().copied().eq(0..48) && seqs[48..].iter().copied().eq(84..100), "{seqs:?}");
        assert_eq!(evidence[0], Evidence { cpu: 1, seq: 0, says: "idle begins".into() });
    }

    #[test]
    fn what_contradicts_comes_first_and_once() {
        let mut findings = Findings::default();
        findings.shows(&fact(1));
        findings.at(&[&fact(2), &fact(3)]).must(true, || "unsaid".into());
        findings.at(&[&fact(2), &fact(3)]).must(false, || "one".into());
        findings.at(&[&fact(3)]).red("two");
        let (reasons, _, evidence, total) = findings.clone().conclude();
        assert_eq!(reasons, ["one", "two"]);
        assert_eq!(evidence.iter().map(|e| e.seq).collect::<Vec<_>>(), [2, 3, 1]);
        assert_eq!((evidence[0].says.as_str(), total), ("against: idle begins", 3));
        for seq in 10..100 {
            findings.at(&[&fact(seq)]).red("many");
        }
        let (_, _, evidence, total) = findings.conclude();
        assert_eq!((evidence.len(), total), (EVIDENCE, 93));
        assert!(evidence.iter().all(|e| e.says.starts_with("against: ")));
    }
}
