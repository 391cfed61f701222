//! The run as the page's script reads it: some JSON, and columns packed into bytes.
//!
//! ```text
//! facts     per fact: kind (1 byte), then LEB128: sequence and time as zig-zag steps within the CPU, three words
//! lists     little-endian u32, fact numbers; all ones for "none"
//! ```

use antler_facts::{Cpu, Fact};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::run::Run;
use crate::scene::{Id, Scene, Span};
use crate::{story, words};

/// No fact.
const NONE: u32 = u32::MAX;

/// A block of bytes and the name it goes by in the page.
pub struct Block {
    pub name: &'static str,
    /// Base64.
    pub text: String,
}

/// Everything the script reads as JSON.
pub fn json(run: &Run, scene: &Scene<'_>) -> Value {
    let rows = scene.rows.iter().map(
        |row| json!({ "cpu": row.cpu.0, "hart": row.hart, "first": row.first, "count": row.facts.len() }),
    );
    let parts = scene.parts.iter().map(|part| {
        json!({
            "title": story::chapter(part.marker).title, "line": part.line, "state": part.state,
            "fact": part.fact, "from": part.from as f64, "to": part.to as f64,
        })
    });
    let claims = run.verdict.claims.iter().map(|claim| {
        let evidence = scene.evidence.get(&claim.name).map_or(&[][..], Vec::as_slice);
        let found = evidence.iter().filter_map(|fact| scene.find(Cpu(fact.cpu), fact.seq));
        json!({ "name": claim.name, "facts": found.collect::<Vec<Id>>() })
    });
    // Slot, generation, program; JSON numbers of the page hold 53 bits, so halves.
    let tasks = scene.tasks.iter().map(|(task, program)| {
        let program = (*program != usize::MAX).then_some(*program);
        json!([task.0 as u32, (task.0 >> 32) as u32, program])
    });
    json!({
        "rows": rows.collect::<Value>(),
        "parts": parts.collect::<Value>(),
        "claims": claims.collect::<Value>(),
        "tasks": tasks.collect::<Value>(),
        "programs": run.programs,
        "kinds": words::kinds(),
        "groups": words::Group::ALL.map(words::Group::name),
        "values": words::values(),
        "window": [scene.window.0 as f64, scene.window.1 as f64],
    })
}

/// Everything the script reads as bytes.
pub fn blocks(scene: &Scene<'_>) -> Vec<Block> {
    let block = |name, bytes: &[u8]| Block { name, text: STANDARD.encode(bytes) };
    let none = |id: Option<Id>| id.unwrap_or(NONE);
    let spans = |list: &[Span]| ids(list.iter().flat_map(|span| [span.from, none(span.to)]));
    let chains = scene.chains.iter();
    let thefts = scene.thefts.iter();
    vec![
        block("facts", &facts(scene)),
        block("spans", &spans(&scene.spans)),
        block("idle", &spans(&scene.idle)),
        block("offline", &spans(&scene.offline)),
        block("chains", &ids(chains.flat_map(|c| [c.request, none(c.bell), none(c.seen), none(c.ack)]))),
        block("steals", &ids(scene.steals.iter().copied())),
        block("thefts", &ids(thefts.flat_map(|t| [none(t.queued), t.stolen, none(t.run)]))),
    ]
}

fn ids(list: impl Iterator<Item = u32>) -> Vec<u8> {
    list.flat_map(u32::to_le_bytes).collect()
}

fn facts(scene: &Scene<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in &scene.rows {
        let (mut seq, mut time) = (0i64, 0i64);
        for fact in row.facts {
            // In a whole trace each number is one more than the last, so the step is 0.
            bytes.push(fact.event.kind() as u8);
            varint(&mut bytes, zigzag(i64::from(fact.seq) - seq));
            varint(&mut bytes, zigzag((fact.time as i64).wrapping_sub(time)));
            words_of(fact).into_iter().for_each(|word| varint(&mut bytes, word));
            (seq, time) = (i64::from(fact.seq) + 1, fact.time as i64);
        }
    }
    bytes
}

/// The three words of a fact, as on the wire.
fn words_of(fact: &Fact) -> [u64; 3] {
    let bytes = fact.encode();
    [16, 24, 32].map(|at| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(word)
    })
}

fn zigzag(step: i64) -> u64 {
    (step << 1 ^ step >> 63) as u64
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use antler_facts::{Event, Fact, Kind};

    use super::*;
    use crate::testing;

    /// Reads what [`facts`] wrote, as the script does.
    fn read(bytes: &[u8], counts: &[(Cpu, usize)]) -> Vec<Fact> {
        let mut at = 0;
        let mut number = || {
            let (mut value, mut shift) = (0u64, 0);
            loop {
                value |= u64::from(bytes[at] & 0x7f) << shift;
                shift += 7;
                at += 1;
                if bytes[at - 1] < 0x80 {
                    return value;
                }
            }
        };
        let signed = |value: u64| (value >> 1) as i64 ^ -((value & 1) as i64);
        let mut facts = Vec::new();
        for (cpu, count) in counts {
            let (mut seq, mut time) = (0i64, 0i64);
            for _ in 0..*count {
                // A kind is below 0x80, so it reads as a number of one byte.
                let kind = number() as u16;
                seq += signed(number());
                time = time.wrapping_add(signed(number()));
                let mut record = [0; 40];
                record[0..4].copy_from_slice(&(seq as u32).to_le_bytes());
                record[4..6].copy_from_slice(&cpu.0.to_le_bytes());
                record[6..8].copy_from_slice(&kind.to_le_bytes());
                record[8..16].copy_from_slice(&(time as u64).to_le_bytes());
                for word in 0..3 {
                    record[16 + 8 * word..24 + 8 * word].copy_from_slice(&number().to_le_bytes());
                }
                facts.push(Fact::decode(&record).expect("what was written was a fact"));
                seq += 1;
            }
        }
        assert_eq!(at, bytes.len());
        facts
    }

    #[test]
    fn every_fact_comes_back_as_it_was() {
        let mut run = testing::run();
        // Holes, repetitions, time that goes back, and words of all 64 bits.
        let odd = [(7, u64::MAX), (7, 3), (2, 1 << 63), (u32::MAX, 0)];
        let event = Event::Online { hart: antler_facts::Hart(u64::MAX), stack: u64::MAX - 1, block: 1 << 63 };
        let extra = odd.map(|(seq, time)| Fact { seq, cpu: Cpu(9), time, event });
        let facts: Vec<Fact> = run.trace.all().copied().chain(extra).collect();
        run.trace = antler_proof::Trace::from_facts(facts);
        let scene = Scene::new(&run);
        let counts: Vec<(Cpu, usize)> = scene.rows.iter().map(|row| (row.cpu, row.facts.len())).collect();
        let expected: Vec<Fact> = run.trace.all().copied().collect();
        assert_eq!(read(&super::facts(&scene), &counts), expected);
        assert!(Kind::ALL.len() < 0x80);
    }

    #[test]
    fn lists_name_the_facts_they_mean() {
        let run = testing::run();
        let scene = Scene::new(&run);
        for span in &scene.spans {
            assert!(matches!(scene.fact(span.from).event, Event::Dispatch { .. }));
            assert!(span.to.is_none_or(|to| matches!(scene.fact(to).event, Event::Leave { .. })));
        }
        assert_eq!((scene.chains.len(), scene.thefts.len(), scene.offline.len()), (1, 1, 1));
        let chain = scene.chains[0];
        assert!(matches!(scene.fact(chain.request).event, Event::Request { .. }));
        assert!(matches!(scene.fact(chain.bell.unwrap()).event, Event::Ring { .. }));
        assert!(matches!(scene.fact(chain.seen.unwrap()).event, Event::Seen { .. }));
        assert!(matches!(scene.fact(chain.ack.unwrap()).event, Event::Ack { .. }));
        let theft = scene.thefts[0];
        assert!(matches!(scene.fact(theft.queued.unwrap()).event, Event::Enqueue { .. }));
        assert!(matches!(scene.fact(theft.run.unwrap()).event, Event::Dispatch { .. }));
        let data = json(&run, &scene);
        let first = &data["claims"][0]["facts"][0];
        assert!(first.is_u64(), "evidence leads to a fact: {}", data["claims"]);
    }
}
