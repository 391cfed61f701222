//! Survivors against explanations: both lists must be the same, name for name and number for number.

use std::collections::BTreeMap;
use std::path::Path;

use super::Mutant;
use super::explained::{Row, row};

/// What is left over on either side.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Survivors that a row explains.
    pub explained: usize,
    /// Survivors that no row explains.
    pub unexplained: Vec<Mutant>,
    /// Rows that explain no survivor.
    pub stale: Vec<Row>,
}

/// Compares them. Rows of files outside `folders` were not put to the test and are left alone, and without `whole`,
/// when only some mutants were tried, no row is called stale.
pub fn settle(missed: &[Mutant], rows: &[Row], folders: &[&Path], whole: bool) -> Account {
    let mut left: BTreeMap<&Mutant, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().rev() {
        left.entry(&row.mutant).or_default().push(row);
    }
    let mut account = Account::default();
    for mutant in missed {
        match left.get_mut(mutant).and_then(Vec::pop) {
            Some(_) => account.explained += 1,
            None => account.unexplained.push(mutant.clone()),
        }
    }
    if whole {
        let tried = |row: &Row| folders.iter().any(|folder| Path::new(&row.mutant.file).starts_with(folder));
        account.stale = left.into_values().flatten().filter(|row| tried(row)).cloned().collect();
        account.stale.sort_by_key(|row| row.line);
    }
    account
}

impl Account {
    /// Whether nothing is left over.
    pub fn is_square(&self) -> bool {
        self.unexplained.is_empty() && self.stale.is_empty()
    }

    /// Prints what is left over; survivors as rows to be completed.
    pub fn print(&self) {
        if !self.unexplained.is_empty() {
            say!("\nno test notices these, and no reason is given:");
            self.unexplained.iter().for_each(|mutant| say!("{}", row(mutant)));
        }
        if !self.stale.is_empty() {
            say!("\nthese are explained, but tests do notice them, or they are gone:");
            for Row { mutant, line } in &self.stale {
                say!("line {line}: {}: {}", mutant.file, mutant.change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(file: &str, change: &str) -> Mutant {
        Mutant { file: file.into(), change: change.into() }
    }

    fn row(line: usize, file: &str, change: &str) -> Row {
        Row { mutant: mutant(file, change), line }
    }

    #[test]
    fn equal_names_are_counted() {
        let here = [Path::new("p")];
        let rows = [row(1, "p/a.rs", "delete !"), row(2, "p/a.rs", "delete !"), row(3, "p/b.rs", "delete !")];
        let missed = |count: usize| vec![mutant("p/a.rs", "delete !"); count];
        let two = settle(&missed(2), &rows[..2], &here, true);
        assert!(two.is_square() && two.explained == 2, "{two:?}");
        let three = settle(&missed(3), &rows[..2], &here, true);
        assert_eq!((three.explained, three.unexplained, three.stale), (2, missed(1), vec![]));
        let one = settle(&missed(1), &rows, &here, true);
        assert_eq!((one.explained, &one.unexplained[..]), (1, &[][..]));
        assert_eq!(one.stale, [rows[1].clone(), rows[2].clone()]);
        assert!(!one.is_square());
    }

    #[test]
    fn what_was_not_tried_is_not_stale() {
        let rows = [row(1, "p/a.rs", "x"), row(2, "parse/a.rs", "x")];
        assert!(settle(&[], &rows, &[Path::new("q")], true).is_square(), "other packages");
        assert_eq!(settle(&[], &rows, &[Path::new("p")], true).stale, [rows[0].clone()]);
        assert!(settle(&[], &rows, &[Path::new("p")], false).is_square(), "only what changed");
        assert!(!settle(&[mutant("p/b.rs", "x")], &rows, &[Path::new("p")], false).is_square());
    }
}
