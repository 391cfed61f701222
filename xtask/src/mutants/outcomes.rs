//! What became of the mutants, as `mutants.out/outcomes.json` tells.

use anyhow::Context as _;
use serde::Deserialize;

/// One change to the source, named so that edits elsewhere in its file do not change the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mutant {
    /// The file, from the root.
    pub file: String,
    /// What was changed and in which function, without line and column.
    pub change: String,
}

/// The mutants by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// How many a test noticed.
    pub caught: usize,
    /// How many did not compile, so that nobody could commit them.
    pub unviable: usize,
    /// Those with which the tests did not end.
    pub timed_out: Vec<Mutant>,
    /// Those that no test noticed.
    pub missed: Vec<Mutant>,
}

impl Outcomes {
    /// Reads an `outcomes.json`. Fails if it is not one, or the tests had failed before anything was changed.
    pub fn read(json: &str) -> anyhow::Result<Outcomes> {
        let file: File = serde_json::from_str(json).context("this is no outcomes.json of cargo-mutants")?;
        let mut outcomes = Outcomes::default();
        for Outcome { scenario, summary } in file.outcomes {
            let mutant = match scenario {
                Scenario::Baseline => {
                    anyhow::ensure!(summary == Summary::Success, "the tests fail without any mutant");
                    continue;
                }
                Scenario::Mutant { name, file } => {
                    let change = change(&name, &file);
                    let change = change.with_context(|| format!("`{name}` does not name file and place"))?;
                    Mutant { file, change: change.to_owned() }
                }
            };
            match summary {
                Summary::CaughtMutant => outcomes.caught += 1,
                Summary::Unviable => outcomes.unviable += 1,
                Summary::Timeout => outcomes.timed_out.push(mutant),
                Summary::MissedMutant => outcomes.missed.push(mutant),
                Summary::Success | Summary::Failure => {
                    anyhow::bail!("{}: {}: neither caught nor missed", mutant.file, mutant.change)
                }
            }
        }
        anyhow::ensure!(
            outcomes.total() == file.total_mutants,
            "{} mutants were to be tried, {} were",
            file.total_mutants,
            outcomes.total()
        );
        Ok(outcomes)
    }

    /// Adds those of another package.
    pub fn merge(&mut self, other: Outcomes) {
        self.caught += other.caught;
        self.unviable += other.unviable;
        self.timed_out.extend(other.timed_out);
        self.missed.extend(other.missed);
    }

    /// How many mutants there were.
    pub fn total(&self) -> usize {
        self.caught + self.unviable + self.timed_out.len() + self.missed.len()
    }

    /// The numbers, in one line.
    pub fn summary(&self) -> String {
        format!(
            "{} mutants: {} caught, {} timed out, {} did not compile, {} survived",
            self.total(),
            self.caught,
            self.timed_out.len(),
            self.unviable,
            self.missed.len()
        )
    }
}

/// What follows `file:LINE:COLUMN: ` in a mutant's name.
fn change<'a>(name: &'a str, file: &str) -> Option<&'a str> {
    let (place, change) = name.strip_prefix(file)?.strip_prefix(':')?.split_once(": ")?;
    let (line, column) = place.split_once(':')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (number(line) && number(column)).then_some(change)
}

#[derive(Deserialize)]
struct File {
    outcomes: Vec<Outcome>,
    total_mutants: usize,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: Summary,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant { name: String, file: String },
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
enum Summary {
    Success,
    CaughtMutant,
    MissedMutant,
    Unviable,
    Failure,
    Timeout,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(baseline: &str, mutants: &[(&str, &str)], total: usize) -> String {
        let mutants: Vec<String> = mutants
            .iter()
            .map(|(name, summary)| {
                format!(
                    r#"{{"scenario": {{"Mutant": {{"name": "{name}", "file": "a/src/b.rs", "genre": "x"}}}},
                        "summary": "{summary}", "log_path": "log"}}"#
                )
            })
            .collect();
        format!(
            r#"{{"outcomes": [{{"scenario": "Baseline", "summary": "{baseline}"}}, {}],
                "total_mutants": {total}, "cargo_mutants_version": "x"}}"#,
            mutants.join(", ")
        )
    }

    #[test]
    fn outcomes_are_read_without_places() {
        let four = [
            ("a/src/b.rs:3:9: replace < with <= in R::push", "MissedMutant"),
            ("a/src/b.rs:3:9: delete ! in R::pop", "CaughtMutant"),
            ("a/src/b.rs:30:9: replace f -> bool with true", "Timeout"),
            ("a/src/b.rs:31:9: replace g with ()", "Unviable"),
        ];
        let read = Outcomes::read(&json("Success", &four, 4)).unwrap();
        let mutant = |change: &str| Mutant { file: "a/src/b.rs".into(), change: change.into() };
        assert_eq!(read.missed, [mutant("replace < with <= in R::push")]);
        assert_eq!(read.timed_out, [mutant("replace f -> bool with true")]);
        assert_eq!(read.summary(), "4 mutants: 1 caught, 1 timed out, 1 did not compile, 1 survived");
        let mut twice = read.clone();
        twice.merge(read);
        assert_eq!((twice.total(), twice.missed.len()), (8, 2));
    }

    #[test]
    fn what_proves_nothing_is_an_error() {
        let one = [("a/src/b.rs:3:9: delete ! in f", "CaughtMutant")];
        assert!(Outcomes::read(&json("Success", &one, 1)).is_ok());
        assert!(Outcomes::read(&json("Failure", &one, 1)).is_err(), "red before any mutant");
        assert!(Outcomes::read(&json("Success", &one, 2)).is_err(), "stopped half-way");
        assert!(Outcomes::read("{}").is_err());
        let nameless = [("a/src/b.rs: delete ! in f", "CaughtMutant")];
        assert!(Outcomes::read(&json("Success", &nameless, 1)).is_err());
        let odd = [("a/src/b.rs:3:9: delete ! in f", "Failure")];
        assert!(Outcomes::read(&json("Success", &odd, 1)).is_err());
    }
}
