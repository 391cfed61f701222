//! The first of two passes: a package's slow tests are left out. What survives that is tried again with all of them, so a mutant
//! is caught by the same tests as in one pass, and the slow ones run for few.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::ctx::Ctx;

/// What cargo-mutants is told here.
const CONFIG: &str = ".cargo/mutants.toml";

/// The same, with these tests left out as well, in a file beside the package's results.
///
/// # Errors
/// The file that it begins with cannot be read, or has no arguments for tests.
pub fn config(slow: &[&str], out: &Path, ctx: &Ctx) -> anyhow::Result<PathBuf> {
    let text =
        std::fs::read_to_string(ctx.root().join(CONFIG)).with_context(|| format!("cannot read {CONFIG}"))?;
    let path = out.join("quick.toml");
    let text = without(slow, &text).with_context(|| format!("in {CONFIG}"))?;
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn without(slow: &[&str], text: &str) -> anyhow::Result<String> {
    let mut config: toml::Table = text.parse()?;
    let args = config.get_mut("additional_cargo_test_args").and_then(toml::Value::as_array_mut);
    let args = args.filter(|args| args.first().and_then(toml::Value::as_str) == Some("--"));
    let args = args.context("`additional_cargo_test_args` does not begin with `--`")?;
    args.extend(slow.iter().map(|test| format!("--skip={test}").into()));
    Ok(config.to_string())
}

/// What means something in an expression when it stands alone. Others must stand alone: `\<` is the start of a word.
const META: &str = r"\.+*?()|[]{}^$#&-~";

/// The expression that finds just the mutant of this name, line and column included.
pub fn exactly(name: &str) -> String {
    let mut expression = String::from("^");
    for letter in name.chars() {
        if META.contains(letter) {
            expression.push('\\');
        }
        expression.push(letter);
    }
    expression.push('$');
    expression
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_tests_are_left_out_and_nothing_else_changes() {
        let text = "minimum_test_timeout = 60\nadditional_cargo_test_args = [\"--\", \"--skip=a\"]\n";
        let config: toml::Table = without(&["b", "c"], text).unwrap().parse().unwrap();
        let args: Vec<&str> = config["additional_cargo_test_args"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|a| a.as_str())
            .collect();
        assert_eq!(args, ["--", "--skip=a", "--skip=b", "--skip=c"]);
        assert_eq!(config["minimum_test_timeout"].as_integer(), Some(60));
        assert!(without(&["b"], "minimum_test_timeout = 60").is_err(), "nowhere to say so");
        assert!(without(&["b"], "additional_cargo_test_args = [\"x\"]").is_err(), "cargo would take it");
    }

    #[test]
    fn a_name_finds_itself() {
        let name = "a/b.rs:3:9: replace + with < in S<'_>::f -> &[u8]";
        assert_eq!(exactly(name), r"^a/b\.rs:3:9: replace \+ with < in S<'_>::f \-> \&\[u8\]$");
    }
}
