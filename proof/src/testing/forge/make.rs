//! How forgeries are made: from each fact of a trace, every way in which it could have been falsified.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use antler_facts::{Cpu, Event, Fact, Kind, RECORD};

/// One way to falsify one fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It is left out.
    Dropped,
    /// It is stated twice.
    Doubled,
    /// What it says is exchanged with what the same CPU says next.
    Swapped,
    /// Another CPU states it, at the same time.
    Moved(Cpu),
    /// One of its words is another.
    Word(usize, u64),
    /// It is stated at another time.
    Timed(u64),
}

/// One falsified fact of a trace. `mended`: the sequence numbers are made to fit again, so that they tell nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forgery {
    pub cpu: Cpu,
    pub at: usize,
    pub how: How,
    pub mended: bool,
}

/// A good run's facts, by CPU.
#[derive(Clone, Debug)]
pub(super) struct Good {
    pub by_cpu: BTreeMap<Cpu, Vec<Fact>>,
    /// CPUs of the machine.
    pub cpus: u16,
}

impl Good {
    pub fn new(facts: &[Fact], cpus: u16) -> Good {
        let mut by_cpu: BTreeMap<Cpu, Vec<Fact>> = BTreeMap::new();
        for fact in facts {
            by_cpu.entry(fact.cpu).or_default().push(*fact);
        }
        Good { by_cpu, cpus }
    }

    pub fn of(&self, cpu: Cpu) -> &[Fact] {
        self.by_cpu.get(&cpu).map_or(&[], Vec::as_slice)
    }

    /// The forged facts; `None` if they say the same as the good ones.
    pub fn forge(&self, forgery: Forgery) -> Option<Vec<Fact>> {
        let Forgery { cpu, at, how, mended } = forgery;
        let mut by_cpu = self.by_cpu.clone();
        let facts = by_cpu.get_mut(&cpu)?;
        let fact = facts[at];
        match how {
            How::Dropped => _ = facts.remove(at),
            How::Doubled => facts.insert(at, fact),
            How::Swapped => {
                let next = *facts.get(at + 1).filter(|next| next.event != fact.event)?;
                match mended {
                    true => (facts[at].event, facts[at + 1].event) = (next.event, fact.event),
                    false => facts.swap(at, at + 1),
                }
            }
            How::Moved(to) => {
                facts.remove(at);
                let others = by_cpu.entry(to).or_default();
                let place = others.partition_point(|other| other.time <= fact.time);
                others.insert(place, Fact { cpu: to, ..fact });
            }
            How::Word(word, value) => facts[at] = with_word(&fact, word, value)?,
            How::Timed(time) => facts[at].time = time,
        }
        if mended {
            for facts in by_cpu.values_mut() {
                for (seq, fact) in (0..).zip(facts) {
                    fact.seq = seq;
                }
            }
        }
        Some(by_cpu.into_values().flatten().collect())
    }

    /// Every forgery of the fact at that place.
    pub fn forgeries(&self, cpu: Cpu, at: usize, values: &Values) -> Vec<Forgery> {
        let facts = self.of(cpu);
        let fact = facts[at];
        let mut ways = vec![How::Dropped, How::Doubled, How::Swapped];
        ways.extend(
            [1, self.cpus.saturating_sub(1).max(1)]
                .map(|by| How::Moved(Cpu((cpu.0 + by) % self.cpus.max(2)))),
        );
        let before = at.checked_sub(1).map_or(0, |at| facts[at].time);
        let after = facts.get(at + 1).map_or(fact.time + 1_000_000_000, |next| next.time);
        let times = [before, after, before.saturating_sub(1), after + 1];
        ways.extend(times.into_iter().filter(|time| *time != fact.time).map(How::Timed));
        for word in 0..names(&fact.event).len() {
            ways.extend(values.others(&fact, word).into_iter().map(|value| How::Word(word, value)));
        }
        ways.dedup();
        let all = ways.into_iter().flat_map(|how| {
            let numbers = !matches!(how, How::Word(..) | How::Timed(_));
            let mended = Forgery { cpu, at, how, mended: true };
            [Some(mended), numbers.then_some(Forgery { mended: false, ..mended })]
        });
        all.flatten().collect()
    }
}

/// The names of an event's fields, in the order of its words.
pub(super) fn names(event: &Event) -> Vec<String> {
    let text = format!("{event:?}");
    let inside = text.split_once('{').map_or("", |(_, inside)| inside);
    inside.split(", ").filter_map(|field| Some(field.split_once(':')?.0.trim().to_owned())).collect()
}

fn word(fact: &Fact, word: usize) -> u64 {
    let bytes = fact.encode();
    let mut part = [0; 8];
    part.copy_from_slice(&bytes[16 + 8 * word..24 + 8 * word]);
    u64::from_le_bytes(part)
}

/// The fact with another word; `None` if that is no fact, or the same one.
fn with_word(fact: &Fact, word: usize, value: u64) -> Option<Fact> {
    let mut bytes: [u8; RECORD] = fact.encode();
    bytes[16 + 8 * word..24 + 8 * word].copy_from_slice(&value.to_le_bytes());
    Fact::decode(&bytes).ok().filter(|forged| forged != fact)
}

/// What stands in each field of a trace: from there come the other values that are plausible.
pub(super) struct Values {
    of: BTreeMap<(Kind, usize), BTreeSet<u64>>,
}

/// Other values for one field of one fact, at most.
const OTHERS: usize = 8;

impl Values {
    pub fn new(good: &Good) -> Values {
        let mut of: BTreeMap<(Kind, usize), BTreeSet<u64>> = BTreeMap::new();
        for fact in good.by_cpu.values().flatten() {
            for at in 0..names(&fact.event).len() {
                of.entry((fact.event.kind(), at)).or_default().insert(word(fact, at));
            }
        }
        Values { of }
    }

    /// One more and one less, the small numbers (every choice of a field with few; every CPU), and the next lower and
    /// next higher value that the trace has in such a field.
    fn others(&self, fact: &Fact, at: usize) -> Vec<u64> {
        let is = word(fact, at);
        let seen = self.of.get(&(fact.event.kind(), at));
        let near = seen.into_iter().flat_map(|seen| {
            let lower = seen.range(..is).next_back();
            lower.into_iter().chain(seen.range((Bound::Excluded(is), Bound::Unbounded)).next()).copied()
        });
        let mut others: Vec<u64> = Vec::new();
        for value in near.chain([is.wrapping_add(1), is.wrapping_sub(1)]).chain(0..5) {
            if others.len() < OTHERS && !others.contains(&value) && with_word(fact, at, value).is_some() {
                others.push(value);
            }
        }
        others
    }
}
