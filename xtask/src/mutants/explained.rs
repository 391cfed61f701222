//! The survivors that are explained: a table of `docs/proof.md`.

use anyhow::Context as _;

use super::Mutant;
use crate::ctx::Ctx;

/// Where the table is, and the lines around it.
const DOCUMENT: &str = "docs/proof.md";
const BEGIN: &str = "<!-- mutants:begin -->";
const END: &str = "<!-- mutants:end -->";

/// One explained survivor. As many rows are needed as there are survivors of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The survivor.
    pub mutant: Mutant,
    /// Line of the document, from 1.
    pub line: usize,
}

/// Reads the table of this repository.
pub fn read(ctx: &Ctx) -> anyhow::Result<Vec<Row>> {
    let text = std::fs::read_to_string(ctx.root().join(DOCUMENT))
        .with_context(|| format!("cannot read {DOCUMENT}"))?;
    rows(&text).with_context(|| DOCUMENT.to_owned())
}

/// One row of the table, as it is to be written; without a reason the reader must find one.
pub fn row(mutant: &Mutant) -> String {
    format!("| {} | `{}` | |", mutant.file, mutant.change.replace('|', "\\|"))
}

fn rows(text: &str) -> anyhow::Result<Vec<Row>> {
    let lines: Vec<&str> = text.lines().collect();
    let place = |mark: &str| {
        let mut found = (0..lines.len()).filter(|&at| lines[at].trim() == mark);
        let place = found.next().with_context(|| format!("no line is `{mark}`"))?;
        anyhow::ensure!(found.next().is_none(), "two lines are `{mark}`");
        Ok(place)
    };
    let (begin, end) = (place(BEGIN)?, place(END)?);
    let table = lines.get(begin + 1..end).context("the table ends before it begins")?;
    let mut rows = Vec::new();
    // Two lines of heading come first.
    for (at, text) in table.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()).skip(2) {
        let line = begin + 2 + at;
        let cells = cells(text);
        let [file, change, why] = &cells[..] else {
            anyhow::bail!("line {line}: {} cells; expected file, mutation, reason", cells.len());
        };
        anyhow::ensure!(!why.is_empty(), "line {line}: no reason is given");
        let change = change.trim_matches('`').to_owned();
        rows.push(Row { mutant: Mutant { file: file.clone(), change }, line });
    }
    Ok(rows)
}

/// The cells of a row: what stands between bars that no backslash stands before.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    let row = row.strip_suffix('|').unwrap_or(row);
    // NUL stands for a bar that belongs to a cell's text while the row is taken apart.
    let parts = row.replace("\\|", "\0");
    parts.split('|').map(|cell| cell.trim().replace('\0', "|")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &str) -> String {
        format!("# x\n{BEGIN}\n\n| file | mutation | why |\n| --- | --- | --- |\n{rows}\n{END}\nrest | of\n")
    }

    #[test]
    fn rows_are_read_as_they_are_written() {
        let mutants = [("a/b.rs", "replace || with && in A::b"), ("c.rs", "replace c -> bool with true")]
            .map(|(file, change)| Mutant { file: file.into(), change: change.into() });
        let written: Vec<String> =
            mutants.iter().map(|mutant| row(mutant).replace("| |", "| so it is |")).collect();
        let read = rows(&table(&written.join("\n"))).unwrap();
        assert_eq!(read.iter().map(|row| row.line).collect::<Vec<_>>(), [6, 7]);
        assert_eq!(read.into_iter().map(|row| row.mutant).collect::<Vec<_>>(), mutants);
        assert_eq!(rows(&table("")).unwrap(), []);
    }

    #[test]
    fn a_row_without_a_reason_and_a_table_without_marks_are_refused() {
        let error = |text: &str| rows(text).unwrap_err().to_string();
        assert_eq!(error(&table("| a.rs | delete ! in f | |")), "line 6: no reason is given");
        assert_eq!(
            error(&table("| a.rs | delete ! in f |")),
            "line 6: 2 cells; expected file, mutation, reason"
        );
        assert_eq!(error("nothing"), format!("no line is `{BEGIN}`"));
        assert_eq!(error(&format!("{BEGIN}\n{END}\n{END}")), format!("two lines are `{END}`"));
        assert_eq!(error(&format!("{END}\n{BEGIN}")), "the table ends before it begins");
    }

    #[test]
    fn the_table_of_this_repository_is_well_formed() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let text = std::fs::read_to_string(root.join(DOCUMENT)).unwrap();
        for row in rows(&text).unwrap() {
            assert!(root.join(&row.mutant.file).is_file(), "line {}: no such file", row.line);
        }
    }
}
