//! Debian's package manager, used so that it can only add: a plan that removes a package is refused.

use std::process::Command;
use std::time::Duration;

use super::bounded::{self, Output};
use super::platform;
use crate::ui::Ui;

/// A question about packages, or a simulation.
const ASK: Duration = Duration::from_secs(60);

/// Fetching package lists.
const UPDATE: Duration = Duration::from_secs(300);

/// Fetching and unpacking packages, up to 200 MB of them.
const INSTALL: Duration = Duration::from_secs(1200);

/// An `apt-get` that may install.
#[derive(Debug)]
pub struct Apt {
    sudo: bool,
}

impl Apt {
    /// `apt-get`, as root or with a `sudo` that asks nothing; else why not.
    pub fn find() -> Result<Apt, String> {
        platform::on_path("apt-get").ok_or("no apt-get here")?;
        let id = bounded::text(Command::new("id").arg("-u"), ASK)
            .map_err(|trouble| format!("id -u: {trouble}"))?;
        if id == "0" {
            return Ok(Apt { sudo: false });
        }
        match bounded::text(Command::new("sudo").args(["-n", "true"]), ASK) {
            Ok(_) => Ok(Apt { sudo: true }),
            Err(trouble) => Err(format!("not root, and `sudo -n` is no help: {trouble}")),
        }
    }

    /// Fetches the package lists.
    pub fn update(&self, ui: Ui) -> Result<(), String> {
        let step = ui.step("apt-get update");
        let result = self.apt(&["update"], UPDATE);
        end(step, &result);
        result.map(drop)
    }

    /// The version of `package` that would be installed.
    pub fn candidate(&self, package: &str) -> Result<String, String> {
        let mut command = Command::new("apt-cache");
        command.env("LC_ALL", "C").args(["policy", package]);
        let text = bounded::text(&mut command, ASK).map_err(|trouble| trouble.to_string())?;
        let version = text.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
        version
            .filter(|version| *version != "(none)")
            .map(str::to_owned)
            .ok_or_else(|| format!("no package {package}"))
    }

    /// Installs `packages`, from `suite` if given, after a simulation showed that nothing is removed.
    pub fn install(&self, ui: Ui, suite: Option<&str>, packages: &[&str]) -> Result<(), String> {
        let mut args = vec!["install", "--yes", "--no-remove", "--no-install-recommends"];
        if let Some(suite) = suite {
            args.extend(["-t", suite]);
        }
        args.extend(packages);
        self.simulate(&args)?;
        let step = ui.step(format!("apt-get install {}", packages.join(" ")));
        let result = self.apt(&args, INSTALL);
        end(step, &result);
        result.map(drop)
    }

    /// Asks apt what the same command would do.
    fn simulate(&self, args: &[&str]) -> Result<(), String> {
        let mut command = Command::new("apt-get");
        command.env("LC_ALL", "C").arg("--simulate").args(args);
        let output = bounded::run(&mut command, ASK).map_err(|trouble| trouble.to_string())?;
        let removed = removals(&output.stdout);
        if !removed.is_empty() {
            return Err(format!("it would remove {}", removed.join(" ")));
        }
        output.success().map(drop).map_err(|trouble| trouble.to_string())
    }

    fn apt(&self, args: &[&str], limit: Duration) -> Result<Output, String> {
        let mut command = Command::new(if self.sudo { "sudo" } else { "env" });
        if self.sudo {
            command.args(["-n", "env"]);
        }
        command.args(["LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command.args(["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"]).args(args);
        bounded::run(&mut command, limit).and_then(Output::success).map_err(|trouble| trouble.to_string())
    }

    /// Writes a file of root's.
    pub fn write(&self, path: &str, text: &str) -> Result<(), String> {
        if !self.sudo {
            return std::fs::write(path, text).map_err(|error| format!("cannot write {path}: {error}"));
        }
        // printf takes the text as an argument, so that no shell reads it.
        let script = r#"printf '%s' "$1" > "$2""#;
        let mut command = Command::new("sudo");
        command.args(["-n", "sh", "-c", script, "sh", text, path]);
        bounded::text(&mut command, ASK)
            .map(drop)
            .map_err(|trouble| format!("cannot write {path}: {trouble}"))
    }
}

fn end(step: crate::ui::Step, result: &Result<Output, String>) {
    match result {
        Ok(_) => step.done(""),
        Err(_) => step.failed(""),
    }
}

/// The packages that a simulation says it would remove. With `--no-remove` apt names them in prose and then refuses;
/// without, as `Remv` lines.
fn removals(text: &str) -> Vec<&str> {
    let named = text.lines().filter_map(|line| line.strip_prefix("Remv ")?.split(' ').next());
    let prose = text
        .lines()
        .skip_while(|line| !line.starts_with("The following packages will be REMOVED"))
        .skip(1)
        .take_while(|line| line.starts_with(' '))
        .flat_map(str::split_whitespace);
    named.chain(prose).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removals_are_found_in_both_forms() {
        let refused = "Reading state...\nThe following packages will be REMOVED:\n  qemu-utils old*\nThe following NEW\n  a b\n";
        assert_eq!(removals(refused), ["qemu-utils", "old*"]);
        assert_eq!(removals("Inst a (1)\nRemv qemu-utils [1:7.2]\nConf a\n"), ["qemu-utils"]);
        assert!(removals("Inst a (1)\nConf a\n").is_empty());
    }
}
