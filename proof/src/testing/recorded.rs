//! Real runs, recorded and kept: they are green.

use super::*;

/// How the files are made again.
const REMAKE: &str = "remake it as proof/fixtures/README.md says";

/// A recorded run: facts, console, and what it was asked to be.
pub(super) struct Recorded {
    pub facts: Vec<Fact>,
    pub console: Vec<u8>,
    pub case: Case,
}

/// The run of that many CPUs.
pub(super) fn recorded(cpus: u16) -> Recorded {
    let folder = format!("{}/fixtures/smp{cpus}", env!("CARGO_MANIFEST_DIR"));
    read(std::path::Path::new(&folder), Case::new(cpus))
}

/// The run whose `facts.bin` and `console.txt` are in a folder.
pub(super) fn read(folder: &std::path::Path, case: Case) -> Recorded {
    let file = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; {REMAKE}", path.display()))
    };
    let (records, rest) = (file("facts.bin"), file("console.txt"));
    let facts = records.as_chunks().0.iter().map(|record| {
        Fact::decode(record).unwrap_or_else(|error| {
            panic!("{} is of another vocabulary ({error}): {REMAKE}", folder.display())
        })
    });
    Recorded { facts: facts.collect(), console: rest, case }
}

/// The run that a proof left in a folder.
pub(super) fn left(folder: &std::path::Path) -> Recorded {
    let path = folder.join("verdict.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let verdict: serde_json::Value = serde_json::from_str(&text).expect("a verdict");
    let cpus = verdict["smp"].as_u64().and_then(|smp| u16::try_from(smp).ok()).expect("a number of CPUs");
    let smp_judged = verdict["smp_judged"].as_bool().expect("whether SMP was judged");
    read(folder, Case { smp_judged, harts: None, ..Case::new(cpus) })
}

#[test]
fn recorded_runs_are_green() {
    for cpus in [1, 2, 4] {
        let Recorded { facts, console, case } = recorded(cpus);
        let bytes: Vec<u8> = facts.iter().flat_map(Fact::encode).collect();
        let verdict = judge(&console, &bytes, &case);
        assert!(verdict.green, "smp={cpus}: {:#?}; or {REMAKE}", verdict.reasons);
    }
}
