//! Tests of the models that no twin names: nothing shows that such a test sees anything.

use std::path::Path;

use anyhow::Context as _;
use toml::Table;

use super::twin::Twin;

/// Tests that need no twin: target, test, and why.
const NEED_NONE: [(&str, &str, &str); 1] = [(
    "loom-mailbox",
    "the_target_must_clear_before_it_takes",
    "plays the target wrongly itself, and is green only if that is noticed (`should_panic`)",
)];

/// Refuses tests of the package in `models` that no twin names and no exception excuses, and exceptions that excuse
/// nothing.
pub fn refuse(models: &Path, twins: &[Twin]) -> anyhow::Result<()> {
    let tests = tests(models)?;
    let named =
        |target: &str, test: &str| twins.iter().any(|twin| twin.target == target && twin.test == test);
    let mut wrong = Vec::new();
    for (target, test) in &tests {
        match (named(target, test), excused(target, test)) {
            (false, false) => wrong.push(format!("{target} {test}: no twin names it")),
            (true, true) => wrong.push(format!("{target} {test}: a twin names it, and it is excused")),
            _ => {}
        }
    }
    for (target, test, _) in NEED_NONE {
        if !tests.iter().any(|known| (known.0.as_str(), known.1.as_str()) == (target, test)) {
            wrong.push(format!("{target} {test}: excused, and not there"));
        }
    }
    anyhow::ensure!(wrong.is_empty(), "tests of the models without a twin:\n{}", wrong.join("\n"));
    Ok(())
}

/// Whether a test needs no twin. It need not say either how far it went.
pub fn excused(target: &str, test: &str) -> bool {
    NEED_NONE.iter().any(|known| (known.0, known.1) == (target, test))
}

/// Target and name of every test.
fn tests(models: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let manifest: Table = std::fs::read_to_string(models.join("Cargo.toml"))?.parse()?;
    let targets =
        manifest.get("test").and_then(toml::Value::as_array).context("models have no test targets")?;
    let mut tests = Vec::new();
    for target in targets {
        let field = |name: &str| target.get(name).and_then(toml::Value::as_str);
        let (name, path) = field("name").zip(field("path")).context("a test target without name or path")?;
        let text = std::fs::read_to_string(models.join(path)).with_context(|| path.to_owned())?;
        let found = names(&text);
        anyhow::ensure!(!found.is_empty(), "{path} has no tests");
        tests.extend(found.into_iter().map(|test| (name.to_owned(), test)));
    }
    Ok(tests)
}

/// Names of the functions that stand under `#[test]`, whatever other attributes they have.
fn names(text: &str) -> Vec<String> {
    let (mut names, mut marked) = (Vec::new(), false);
    for line in text.lines().map(str::trim) {
        if line == "#[test]" {
            marked = true;
        } else if let Some(name) = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next())
            && std::mem::take(&mut marked)
        {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::twin;

    fn models() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
    }

    #[test]
    fn every_test_of_the_models_has_its_twin() {
        let twins = twin::read(&models().join("twins")).unwrap();
        refuse(&models(), &twins).unwrap();
    }

    #[test]
    fn a_test_without_a_twin_is_refused_by_name() {
        let mut twins = twin::read(&models().join("twins")).unwrap();
        let (target, test) = (twins[0].target.clone(), twins[0].test.clone());
        twins.retain(|twin| twin.test != test);
        let error = refuse(&models(), &twins).unwrap_err().to_string();
        assert_eq!(error.lines().nth(1), Some(format!("{target} {test}: no twin names it").as_str()));
        assert_eq!(error.lines().count(), 2, "{error}");
    }

    #[test]
    fn only_what_is_marked_is_a_test() {
        let text = "fn helper() {}\n#[test]\n#[should_panic(expected = \"x\")]\nfn one() {\n}\n\
                    fn other() {}\n    #[test]\n    fn two() {";
        assert_eq!(names(text), ["one", "two"]);
    }
}
