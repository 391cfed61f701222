//! What became of the mutants, as `mutants.out/outcomes.json` tells.

use std::collections::BTreeMap;

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
    /// What cargo-mutants calls these, in the same order: with line and column.
    pub missed_names: Vec<String>,
}

impl Outcomes {
    /// Reads an `outcomes.json`. Fails if it is not one, or the tests had failed before anything was changed.
    pub fn read(json: &str) -> anyhow::Result<Outcomes> {
        let file: File = serde_json::from_str(json).context("this is no outcomes.json of cargo-mutants")?;
        let mut outcomes = Outcomes::default();
        for Outcome { scenario, summary } in file.outcomes {
            let (mutant, name) = match scenario {
                Scenario::Baseline => {
                    anyhow::ensure!(summary == Summary::Success, "the tests fail without any mutant");
                    continue;
                }
                Scenario::Mutant { name, file } => {
                    let change = change(&name, &file);
                    let change = change.with_context(|| format!("`{name}` does not name file and place"))?;
                    (Mutant { file, change: change.to_owned() }, name)
                }
            };
            match summary {
                Summary::CaughtMutant => outcomes.caught += 1,
                Summary::Unviable => outcomes.unviable += 1,
                Summary::Timeout => outcomes.timed_out.push(mutant),
                Summary::MissedMutant => {
                    outcomes.missed.push(mutant);
                    outcomes.missed_names.push(name);
                }
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

    /// Puts what became of the missed when they were tried again in the place of that. Others that were tried with them do
    /// not count: cargo-mutants does not leave out all that it is told to.
    ///
    /// # Errors
    /// It is no `outcomes.json`, the tests had failed before, or one of the missed is not in it.
    pub fn tried_again(&mut self, json: &str) -> anyhow::Result<()> {
        let file: File = serde_json::from_str(json).context("this is no outcomes.json of cargo-mutants")?;
        let mut became: BTreeMap<String, Summary> = BTreeMap::new();
        for Outcome { scenario, summary } in file.outcomes {
            match scenario {
                Scenario::Baseline => {
                    anyhow::ensure!(summary == Summary::Success, "the tests fail without any mutant");
                }
                Scenario::Mutant { name, .. } => drop(became.insert(name, summary)),
            }
        }
        let missed = std::mem::take(&mut self.missed).into_iter().zip(std::mem::take(&mut self.missed_names));
        for (mutant, name) in missed {
            match became.remove(&name) {
                Some(Summary::CaughtMutant) => self.caught += 1,
                Some(Summary::Timeout) => self.timed_out.push(mutant),
                Some(Summary::MissedMutant) => {
                    self.missed.push(mutant);
                    self.missed_names.push(name);
                }
                other => anyhow::bail!("{name} was to be tried again, and was found {other:?}"),
            }
        }
        Ok(())
    }

    /// Adds those of another package.
    pub fn merge(&mut self, other: Outcomes) {
        self.caught += other.caught;
        self.unviable += other.unviable;
        self.timed_out.extend(other.timed_out);
        self.missed.extend(other.missed);
        self.missed_names.extend(other.missed_names);
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
    fn what_is_tried_again_is_what_it_became_then() {
        let names = [
            "a/src/b.rs:3:9: delete ! in f",
            "a/src/b.rs:4:9: delete ! in f",
            "a/src/b.rs:5:9: delete ! in g",
        ];
        let all = |became: [&str; 3]| {
            let mutants: Vec<(&str, &str)> = names.into_iter().zip(became).collect();
            json("Success", &mutants, 3)
        };
        let first = Outcomes::read(&all(["MissedMutant", "CaughtMutant", "MissedMutant"])).unwrap();
        assert_eq!(first.missed_names, [names[0], names[2]]);
        let again = |json: &str| {
            let mut outcomes = first.clone();
            outcomes.tried_again(json).map(|()| outcomes)
        };
        // The second was not asked for; that it is missed now is not counted.
        let second = again(&all(["CaughtMutant", "MissedMutant", "MissedMutant"])).unwrap();
        assert_eq!(second.summary(), "3 mutants: 2 caught, 0 timed out, 0 did not compile, 1 survived");
        assert_eq!(second.missed_names, [names[2]]);
        let ended = again(&all(["Timeout", "CaughtMutant", "CaughtMutant"])).unwrap();
        assert_eq!((ended.total(), ended.timed_out.len(), ended.missed.len()), (3, 1, 0));
        assert!(again(&json("Success", &[(names[0], "CaughtMutant")], 1)).is_err(), "one was not tried");
        assert!(
            again(&json("Failure", &[(names[0], "CaughtMutant"), (names[2], "CaughtMutant")], 2)).is_err()
        );
        assert!(again(&all(["Unviable", "CaughtMutant", "CaughtMutant"])).is_err(), "it compiled before");
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
