//! `cargo xtask diag-os`: kernel, firmware and programs checked for riscv64, warnings denied.

use std::process::Command;

use anyhow::Context as _;

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::setup::{self, FLAG_SEPARATOR, RUSTFLAGS, Target, Toolchain};

/// Arguments of `diag-os`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// What is checked for which target, and with which options. The user runtime is a library of its own.
const CHECKS: [(Target, &[&str], &[&str]); 3] = [
    (Target::Kernel, &["antler-kernel", "antler-firmware"], &[]),
    (Target::Kernel, &["antler-kernel"], &["--features", "antler-kernel/faults"]),
    (Target::User, &["antler-rt", "antler-programs"], &[]),
];

/// `cargo xtask diag-os`: all are checked, also after one is found bad.
pub fn main(_args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let toolchain = setup::toolchain(ctx)?;
    let tool = if toolchain.has_clippy() { "clippy" } else { "check" };
    say!("checking with cargo {tool}, {}", toolchain.version);
    if tool == "check" {
        say!("this toolchain has no clippy, so its lints are not checked for riscv64");
    }
    let mut bad = Vec::new();
    for (target, packages, options) in CHECKS {
        let names = [packages, options].concat().join(", ");
        say!("{names} for {}", target.triple());
        if !check(&toolchain, tool, target, packages, options)? {
            bad.push(format!("{names} for {}", target.triple()));
        }
    }
    if bad.is_empty() {
        say!("diag-os ok");
        return Ok(Exit::Success);
    }
    anyhow::bail!("errors or warnings in {}", bad.join(" and in "))
}

fn check(
    toolchain: &Toolchain,
    tool: &str,
    target: Target,
    packages: &[&str],
    options: &[&str],
) -> anyhow::Result<bool> {
    let mut command: Command = toolchain.cargo(tool, target);
    // The release profile is the one that is booted; without it, code behind `debug_assertions` is checked instead.
    command.arg("--release").args(options);
    for package in packages {
        command.args(["--package", package]);
    }
    if tool == "clippy" {
        command.args(["--", "-Dwarnings"]);
    } else {
        deny_warnings(&mut command);
    }
    Ok(command.status().with_context(|| format!("cannot start cargo {tool}"))?.success())
}

/// Denies warnings for `cargo check`, keeping the flags that the toolchain set.
fn deny_warnings(command: &mut Command) {
    let set = command.get_envs().find(|(key, _)| *key == RUSTFLAGS).and_then(|(_, value)| value);
    let flags = set.map_or(String::new(), |flags| flags.to_string_lossy().into_owned());
    command.env(RUSTFLAGS, format!("{flags}{FLAG_SEPARATOR}-Dwarnings"));
}
