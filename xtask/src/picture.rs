//! `cargo xtask picture`: what each hart did in a run, drawn from the run's own facts.

mod scene;
mod svg;

use std::path::PathBuf;

use antler_facts::{Fact, RECORD};
use anyhow::Context as _;

use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};
use scene::Scene;

/// Arguments of `picture`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The facts of a run: target/proof/facts.bin, or the facts port's file of a boot with facts=all
    facts: PathBuf,
    /// The SVG file to write
    out: PathBuf,
    /// Where the picture begins, in ms since boot; at the first dispatch when not given
    #[arg(long, value_name = "MS")]
    from: Option<f64>,
    /// Where it ends, in ms since boot; at the last fact when not given
    #[arg(long, value_name = "MS")]
    to: Option<f64>,
}

/// `cargo xtask picture`.
pub fn main(args: Args, _ctx: &Ctx) -> anyhow::Result<Exit> {
    let path = args.facts.display();
    let bytes = std::fs::read(&args.facts)
        .map_err(|error| Fail::usage(format!("{path}: cannot be read: {error}")))?;
    let facts = decode(&bytes).map_err(|why| Fail::new(Exit::BadInput, format!("{path}: {why}")))?;
    let ns = |ms: f64| (ms.max(0.0) * 1e6) as u64;
    let scene = Scene::new(facts, args.from.map(ns), args.to.map(ns))
        .map_err(|why| Fail::new(Exit::BadInput, format!("{path}: {why}")))?;
    let svg = svg::draw(&scene);
    std::fs::write(&args.out, &svg).with_context(|| format!("cannot write {}", args.out.display()))?;
    say!("{}: {}, {} KB", args.out.display(), scene.summary(), svg.len().div_ceil(1000));
    Ok(Exit::Success)
}

/// Reads facts, 40 bytes each; says which record is none.
fn decode(bytes: &[u8]) -> Result<Vec<Fact>, String> {
    let (records, rest) = bytes.as_chunks::<RECORD>();
    if !rest.is_empty() {
        return Err(format!("{} bytes are no whole number of facts, {RECORD} bytes each", bytes.len()));
    }
    let fact = |(at, record)| Fact::decode(record).map_err(|error| format!("record {at}: {error}"));
    records.iter().enumerate().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use antler_abi::Qos;
    use antler_facts::{Cpu, Event, Hart, IdleEnd, Leave, Seen, Task};

    fn run() -> Vec<Fact> {
        let (a, b, task) = (Cpu(0), Cpu(1), Task(1 << 32 | 7));
        let dispatch = Event::Dispatch { task, class: Qos::Normal, satp: 1 };
        let told = [
            (a, 5, Event::Present { cpu: a, hart: Hart(3) }),
            (b, 10, Event::IdleBegin {}),
            (a, 1_000_000, dispatch),
            (a, 2_000_000, Event::Leave { task, why: Leave::Preempt }),
            (a, 2_000_000, Event::Ring { target: b, n: 1 }),
            (b, 2_500_000, Event::Seen { at: Seen::Wfi }),
            (b, 2_500_100, Event::Ack { sender: a, n: 1 }),
            (b, 2_600_000, Event::Steal { victim: a, count: 1, class: Qos::Normal }),
            (b, 2_700_000, Event::IdleEnd { why: IdleEnd::Work }),
            (b, 2_700_000, dispatch),
            (b, 4_000_000, Event::Leave { task, why: Leave::Exit }),
        ];
        let mut seq = [0; 2];
        let number = |(cpu, time, event): (Cpu, u64, Event)| {
            let seq = &mut seq[usize::from(cpu.0)];
            *seq += 1;
            Fact { seq: *seq - 1, cpu, time, event }
        };
        told.into_iter().map(number).collect()
    }

    #[test]
    fn spans_steals_and_rings_are_found_and_drawn() {
        let bytes: Vec<u8> = run().iter().flat_map(Fact::encode).collect();
        let scene = Scene::new(decode(&bytes).unwrap(), None, None).unwrap();
        assert_eq!(scene.summary(), "2 harts, 2 spans, 1 steals, 1 rings, 3.0 ms");
        let svg = svg::draw(&scene);
        for part in ["cpu0 (hart 3)", "2 spans of 1 tasks", "1 tasks from cpu0", "preempted", "1 ms"] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert_eq!(svg.matches("<svg").count(), 1);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn what_is_no_run_is_refused_with_a_reason() {
        assert!(decode(&[0; 41]).unwrap_err().contains("41 bytes"));
        assert!(decode(&[0xff; 40]).unwrap_err().contains("record 0"));
        assert!(Scene::new(Vec::new(), None, None).unwrap_err().contains("facts=all"));
        assert!(Scene::new(run(), Some(9_000_000), None).unwrap_err().contains("nothing"));
    }

    #[test]
    fn missing_facts_are_counted() {
        let mut facts = run();
        facts.remove(3);
        assert!(Scene::new(facts, None, None).unwrap().summary().contains("1 facts missing"));
    }
}
