//! A sabotaged twin: the real source with one fault, and the check that must turn red.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use super::models::Engine;

/// Crates that a twin may change.
const CRATES: [&str; 2] = ["crates/nucleus/src", "crates/sync/src"];

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// File, relative to the root.
    pub file: PathBuf,
    /// Text that occurs in it exactly once.
    pub find: String,
    /// What takes its place.
    pub replace: String,
}

impl Edit {
    /// The edited text.
    ///
    /// # Errors
    /// The text to replace is not there exactly once: the source has moved on, and the twin must follow it.
    pub fn apply(&self, text: &str) -> anyhow::Result<String> {
        let times = text.matches(&self.find).count();
        anyhow::ensure!(
            times == 1,
            "{}: the text to replace is there {times} times, not once:\n{}",
            self.file.display(),
            self.find
        );
        Ok(text.replacen(&self.find, &self.replace, 1))
    }
}

/// One fault.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Twin {
    /// Names it, in kebab case.
    pub name: String,
    file: PathBuf,
    find: String,
    replace: String,
    /// More edits, if one is not enough.
    #[serde(default)]
    also: Vec<Edit>,
    /// What must notice.
    pub engine: Engine,
    /// Its test target.
    pub target: String,
    /// Its test.
    pub test: String,
    /// What its output must hold: the reason for which it is to be red.
    pub red: String,
    /// What is broken, and how it shows.
    pub because: String,
}

impl Twin {
    /// All edits.
    pub fn edits(&self) -> Vec<Edit> {
        let first = Edit { file: self.file.clone(), find: self.find.clone(), replace: self.replace.clone() };
        std::iter::once(first).chain(self.also.iter().cloned()).collect()
    }

    fn check(&self) -> anyhow::Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        anyhow::ensure!(!self.name.is_empty() && self.name.chars().all(plain), "the name is not kebab-case");
        for (field, value) in [("red", &self.red), ("because", &self.because), ("test", &self.test)] {
            anyhow::ensure!(!value.trim().is_empty(), "`{field}` is empty");
        }
        for edit in self.edits() {
            let known = CRATES.iter().any(|folder| edit.file.starts_with(folder));
            anyhow::ensure!(known, "{} is not in {}", edit.file.display(), CRATES.join(" or "));
            anyhow::ensure!(edit.find != edit.replace, "an edit of {} changes nothing", edit.file.display());
            // A panic says where it is: any panic in that file would pass for the stated one.
            let anywhere = edit.file.display().to_string().contains(self.red.trim());
            anyhow::ensure!(!anywhere, "`red` is part of the name of {}", edit.file.display());
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    twin: Vec<Twin>,
}

/// Reads every list in `folder`, in order of file names.
pub fn read(folder: &Path) -> anyhow::Result<Vec<Twin>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    let mut twins: Vec<Twin> = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path)?;
        for twin in parse(&text).with_context(|| path.display().to_string())? {
            let known = twins.iter().any(|other| other.name == twin.name);
            anyhow::ensure!(!known, "{}: there are two twins `{}`", path.display(), twin.name);
            twins.push(twin);
        }
    }
    Ok(twins)
}

fn parse(text: &str) -> anyhow::Result<Vec<Twin>> {
    let twins = toml::from_str::<List>(text)?.twin;
    for twin in &twins {
        twin.check().with_context(|| format!("twin `{}`", twin.name))?;
    }
    Ok(twins)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[twin]]
        name = "no-fence"
        file = "crates/nucleus/src/place.rs"
        find = "fence(Ordering::SeqCst);"
        replace = ""
        engine = "loom"
        target = "loom-idle-wake"
        test = "a_wake_is_not_missed"
        red = "asleep"
        because = "both may miss"
    "#;

    #[test]
    fn a_list_is_read_and_wrong_ones_are_refused_by_name() {
        let twins = parse(GOOD).unwrap();
        assert_eq!((twins.len(), twins[0].engine, twins[0].edits().len()), (1, Engine::Loom, 1));
        for (from, to, word) in [
            ("no-fence", "No Fence", "kebab-case"),
            ("crates/nucleus/src", "kernel/src", "is not in"),
            ("\"asleep\"", "\" \"", "`red` is empty"),
            ("replace = \"\"", "replace = \"fence(Ordering::SeqCst);\"", "changes nothing"),
            ("engine = \"loom\"", "engine = \"guess\"", "engine"),
            ("red =", "reason =", "reason"),
            ("\"asleep\"", "\"place\"", "`red` is part of the name of"),
        ] {
            let error = parse(&GOOD.replace(from, to)).map(|twins| twins.len()).unwrap_err();
            assert!(format!("{error:#}").contains(word), "{error:#}");
        }
    }

    #[test]
    fn an_edit_fits_exactly_once() {
        let edit = parse(GOOD).unwrap()[0].edits().remove(0);
        assert_eq!(edit.apply("a; fence(Ordering::SeqCst); b").unwrap(), "a;  b");
        assert!(edit.apply("nothing of it").is_err());
        assert!(edit.apply("fence(Ordering::SeqCst); fence(Ordering::SeqCst);").is_err());
    }
}
