//! docs/contract.md says of every clause of RFC-0021, every claim, every marker and every fault what it should.

mod clauses;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use clauses::CLAUSES;

use crate::case::Case;
use crate::claims;
use crate::markers;
use crate::verdict::{Verdict, judge};

#[derive(Deserialize)]
struct Table {
    fault: Vec<Fault>,
}

/// What is read of a fault here.
#[derive(Deserialize)]
struct Fault {
    name: String,
    what: String,
    must: BTreeSet<String>,
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder, one after the other.
fn read_all(folder: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let files =
        entries.map(|entry| entry.expect("an entry of the folder").path()).filter(|path| path.is_file());
    files.map(|path| fs::read_to_string(path).expect("a text file")).collect()
}

/// Everything that is compared.
struct World {
    contract: String,
    faults: Vec<Fault>,
    /// Source of the steps of `cargo xtask test`.
    steps: String,
    /// Lists of the sabotaged twins.
    twins: String,
    /// What the judge says of a run at two CPUs that left nothing: its claims and markers.
    nothing: Verdict,
}

impl World {
    fn read() -> World {
        let table: Table = toml::from_str(&read("proof/counterfactuals.toml")).expect("the table of faults");
        World {
            contract: read("docs/contract.md"),
            faults: table.fault,
            steps: read_all("xtask/src/test"),
            twins: read_all("models/twins"),
            nothing: judge(b"", b"", &Case::new(2)),
        }
    }

    fn with(contract: String) -> World {
        World { contract, ..World::read() }
    }

    /// Rows of the table under a heading, in cells; heads of tables left out.
    fn rows(&self, heading: &str) -> Vec<Vec<&str>> {
        let level = |line: &str| line.strip_prefix("## ").is_some_and(|title| title == heading);
        let lines = self.contract.lines().skip_while(|line| !level(line)).skip(1);
        let lines = lines.take_while(|line| !line.starts_with('#')).filter(|line| line.starts_with('|'));
        lines.skip(2).map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
    }

    /// The faults that must turn this red.
    fn faults_of(&self, name: &str) -> BTreeSet<&str> {
        self.faults.iter().filter(|fault| fault.must.contains(name)).map(|fault| &*fault.name).collect()
    }

    /// Everything that is wrong.
    fn findings(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.clauses(&mut found);
        let claims = self.nothing.claims.iter().map(|claim| {
            let faults = list(self.faults_of(claim.name));
            vec![format!("`{}`", claim.name), claim.says.to_owned(), faults]
        });
        self.compare("Claims", claims.collect(), &mut found);
        let faults = self.faults.iter().map(|fault| {
            vec![format!("`{}`", fault.name), fault.what.clone(), list(fault.must.iter().map(String::as_str))]
        });
        self.compare("Faults", faults.collect(), &mut found);
        let markers = self.nothing.markers.iter().map(|marker| {
            let under = list(marker.claims.iter().copied());
            vec![format!("`{}`", marker.line), under, list(self.faults_of(&marker.line))]
        });
        self.compare("Markers", markers.collect(), &mut found);
        found
    }

    /// Every clause has one row, every cell says something, and what is named is there.
    fn clauses(&self, found: &mut Vec<String>) {
        let mut everything = String::new();
        for (section, clauses) in CLAUSES {
            let rows = self.rows(section);
            for clause in *clauses {
                let count = rows.iter().filter(|row| plain(row[0]).starts_with(clause)).count();
                if count != 1 {
                    found.push(format!("{count} rows under {section:?} begin with {clause:?}"));
                }
            }
            if rows.len() > clauses.len() {
                found.push(format!("{} rows under {section:?}, for {} clauses", rows.len(), clauses.len()));
            }
            for row in rows {
                if row.len() != 4 || row.iter().any(|cell| cell.is_empty() || cell.contains("Not yet")) {
                    found.push(format!(
                        "{section:?}: a clause wants four cells with something in each: {row:?}"
                    ));
                }
                row.iter().skip(1).for_each(|cell| everything.extend([cell, "\n"]));
            }
        }
        for claim in claims::names().filter(|name| !everything.contains(&format!("*{name}*"))) {
            found.push(format!("no clause names the claim {claim:?}"));
        }
        for fault in self.faults.iter().filter(|f| !everything.contains(&format!("`fault={}`", f.name))) {
            found.push(format!("no clause names the fault {:?}", fault.name));
        }
        found.extend(everything.lines().flat_map(|cell| self.unknown(cell)));
    }

    /// Counterfactuals and tests that a cell names and that do not exist.
    fn unknown(&self, cell: &str) -> Vec<String> {
        let pieces: Vec<&str> = cell.split('`').collect();
        let spans = (1..pieces.len()).step_by(2).map(|at| (pieces[at - 1], pieces[at]));
        let missing = spans.filter(|(before, span)| {
            let word =
                |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if let Some(fault) = span.strip_prefix("fault=") {
                return self.faults.iter().all(|known| known.name != fault);
            }
            if before.ends_with("twin ") {
                return !self.twins.contains(&format!("name = \"{span}\""));
            }
            match (span.split_once(": "), span.split_once("::")) {
                (Some(("firmware" | "board" | "refused", "...")), _) => false,
                (Some(("firmware" | "board" | "refused", name)), _) => {
                    [name, span].iter().all(|name| !self.steps.contains(&format!("\"{name}\"")))
                }
                (_, Some((module, test))) if word(module) && test.contains('_') && word(test) => {
                    !read(&format!("proof/src/testing/{module}.rs")).contains(&format!("fn {test}()"))
                }
                _ => false,
            }
        });
        missing.map(|(_, span)| format!("there is no `{span}`")).collect()
    }

    /// The rows under a heading are these; of a wider row the second cell, which says where, is free.
    fn compare(&self, heading: &str, wanted: Vec<Vec<String>>, found: &mut Vec<String>) {
        let mut rows = self.rows(heading);
        for row in &mut rows {
            if row.len() == 4 {
                row.remove(1);
            }
        }
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| in_order(cell)).collect()).collect();
        for wanted in &wanted {
            if !rows.contains(wanted) {
                found.push(format!("under {heading:?} there should be: {}", wanted.join(" | ")));
            }
        }
        if rows.len() > wanted.len() {
            found.push(format!("{} rows under {heading:?}, not {}", rows.len(), wanted.len()));
        }
    }
}

/// Names as the contract lists them, by name.
fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: BTreeSet<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// A cell; names by name, since in which order they stand there says nothing.
fn in_order(cell: &str) -> String {
    let is_name = |part: &&str| part.len() > 2 && part.starts_with('`') && part.ends_with('`');
    match cell.split(", ").all(|part| is_name(&part)) {
        true => list(cell.split(", ").map(|part| part.trim_matches('`'))),
        false => cell.to_owned(),
    }
}

/// A cell without emphasis and code marks.
fn plain(cell: &str) -> String {
    cell.replace('`', "").replace("**", "")
}

#[test]
fn the_contract_is_whole() {
    let found = World::read().findings();
    assert!(found.is_empty(), "docs/contract.md:\n{}", found.join("\n"));
}

#[test]
fn a_row_taken_away_is_missed() {
    let world = World::read();
    let (_, clauses) = world.contract.split_once("\n## ").expect("a heading");
    let rows = clauses.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let heads = ["| clause |", "| line |", "| claim |", "| fault |"];
    let rows: Vec<&str> = rows.filter(|row| heads.iter().all(|head| !row.starts_with(head))).collect();
    let listed: usize = CLAUSES.iter().map(|(_, clauses)| clauses.len()).sum();
    let lines = markers::expected(2).len();
    assert_eq!(rows.len(), listed + claims::names().count() + lines + world.faults.len());
    for row in rows {
        let rest: String =
            world.contract.lines().filter(|line| *line != row).flat_map(|line| [line, "\n"]).collect();
        assert!(!World::with(rest).findings().is_empty(), "nobody misses {row}");
    }
}

#[test]
fn what_is_changed_or_unknown_is_noticed() {
    let world = World::read();
    let edited = |from: &str, to: &str| {
        assert!(world.contract.contains(from), "the contract has no {from:?} to change");
        World::with(world.contract.replacen(from, to, 1)).findings().join("\n")
    };
    assert!(edited("## Goals", "## Aims").contains("0 rows under \"Goals\""));
    assert!(
        edited("| a reschedule of an offline CPU is accepted | ", "| ... | ").contains("offline-accepted")
    );
    let fewer = edited("| `KSELFTEST: timer ok`, `timer` |\n", "| `timer` |\n");
    assert!(fewer.contains("under \"Faults\" there should be: `timer-early`"), "{fewer}");
    assert!(
        edited("`fault=tick-instead`", "`fault=tock-instead`").contains("there is no `fault=tock-instead`")
    );
    assert!(edited("`firmware: has no HSM`", "`firmware: has no hat`").contains("has no hat"));
    assert!(edited("`forged::tasks_lost_or_twice`", "`forged::no_such_test`").contains("no_such_test"));
    assert!(edited("twin `sim-steal-everything`", "twin `sim-nothing`").contains("sim-nothing"));
    let empty = edited("**none**: what is absent cannot be broken |", " |");
    assert!(empty.contains("four cells"), "{empty}");
    let mut more = World::read();
    more.faults.push(Fault { name: "new".into(), what: "something".into(), must: ["timer".into()].into() });
    let found = more.findings().join("\n");
    assert!(found.contains("no clause names the fault \"new\""), "{found}");
    assert!(found.contains("under \"Faults\" there should be: `new` | something | `timer`"), "{found}");
    assert!(found.contains("under \"Claims\" there should be: `timer` | "), "{found}");
}
