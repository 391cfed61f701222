//! The distribution's compiler with its own library sources, by `-Zbuild-std`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::apt::Apt;
use super::log::Log;
use super::toolchain::{Route, Toolchain};
use super::{Mode, bounded};
use crate::ctx::Ctx;

/// Where distributions put programs; rustup never installs here.
const BIN: &str = "/usr/bin";

/// The oldest compiler that builds this workspace (`rust-version` in `Cargo.toml`).
const OLDEST: (u32, u32) = (1, 88);

/// A question to a compiler on this machine.
const ASK: Duration = Duration::from_secs(20);

/// Debian's compiler for browsers is kept current in stable releases; the plain one is as old as the release.
const PACKAGES: [&[&str]; 3] = [
    &["rustc-web", "cargo-web", "rust-web-src", "lld-19", "rust-web-clippy"],
    &["rustc-web", "cargo-web", "rust-web-src", "lld", "rust-web-clippy"],
    &["rustc", "cargo", "rust-src", "lld", "rust-clippy"],
];

/// The distribution's compiler if it is complete; under [`Mode::Install`] it may be installed first.
pub fn find(ctx: &Ctx, mode: Mode, log: &mut Log) -> Option<Toolchain> {
    match look(ctx) {
        Ok(toolchain) => return Some(accept(toolchain, log)),
        Err(why) => log.rejected("distribution compiler", &why),
    }
    let apt = match Apt::find() {
        Ok(apt) => apt,
        Err(why) => {
            log.rejected("apt-get install", &why);
            return None;
        }
    };
    if mode == Mode::Look {
        log.note(&format!(
            "`cargo xtask setup` would install one of: {}",
            PACKAGES.map(|p| p.join(" ")).join(" | ")
        ));
        return None;
    }
    if let Err(why) = apt.update(log.ui()) {
        log.rejected("apt-get update", &why);
    }
    for packages in PACKAGES {
        let what = format!("apt-get install {}", packages.join(" "));
        let result = new_enough(&apt, packages[0]).and_then(|()| apt.install(log.ui(), None, packages));
        match result.and_then(|()| look(ctx)) {
            Ok(toolchain) => {
                log.note(&format!("{what}: done"));
                return Some(accept(toolchain, log));
            }
            Err(why) => log.rejected(&what, &why),
        }
    }
    None
}

fn accept(toolchain: Toolchain, log: &mut Log) -> Toolchain {
    let linker = toolchain.linker.as_deref().unwrap_or(Path::new("?")).display();
    let clippy = if toolchain.has_clippy() { "with" } else { "without" };
    let why =
        format!("{}, libcore from its own sources, linker {linker}, {clippy} clippy", toolchain.version);
    log.chosen("distribution compiler", &why);
    toolchain
}

fn look(ctx: &Ctx) -> Result<Toolchain, String> {
    let bin = Path::new(BIN);
    for program in ["rustc", "cargo"] {
        if !bin.join(program).is_file() {
            return Err(format!("no {BIN}/{program}"));
        }
    }
    let ask = |program: &str, args: &[&str]| {
        // A rustup toolchain name in the environment means nothing to these programs.
        let mut command = Command::new(bin.join(program));
        command.args(args).env_remove("RUSTUP_TOOLCHAIN").env_remove("LD_LIBRARY_PATH");
        bounded::text(&mut command, ASK).map_err(|trouble| format!("{BIN}/{program}: {trouble}"))
    };
    let version = ask("rustc", &["--version"])?;
    for said in [&version, &ask("cargo", &["--version"])?] {
        check_version(said)?;
    }
    let sysroot = PathBuf::from(ask("rustc", &["--print", "sysroot"])?);
    let sources = sysroot.join("lib/rustlib/src/rust/library");
    if !sources.join("core/src/lib.rs").is_file() {
        return Err(format!("{version} has no library sources at {}", sources.display()));
    }
    let linker = linker(bin, &sysroot).ok_or("no linker for riscv64: neither ld.lld nor rust-lld")?;
    Ok(Toolchain::new(ctx, Route::BuildStd, bin.to_path_buf(), version, Some(linker)))
}

/// The newest `ld.lld` of the distribution, else the compiler's own `rust-lld`.
fn linker(bin: &Path, sysroot: &Path) -> Option<PathBuf> {
    let versioned = std::fs::read_dir(bin).ok()?.flatten().filter_map(|entry| {
        let number = entry.file_name().to_str()?.strip_prefix("ld.lld-")?.parse::<u32>().ok()?;
        Some((number, entry.path()))
    });
    let own = || {
        let hosts = std::fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
        hosts.flatten().map(|host| host.path().join("bin/rust-lld")).find(|path| path.is_file())
    };
    let plain = || Some(bin.join("ld.lld")).filter(|path| path.is_file());
    versioned.max().map(|(_, path)| path).or_else(own).or_else(plain)
}

/// Whether `rustc 1.96.0 (...)`, or a package version such as `1.96.0+dfsg1-1`, is new enough.
fn check_version(said: &str) -> Result<(), String> {
    let number = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let mut parts =
        number.unwrap_or_default().split(['.', '+', '~', '-']).map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST => Ok(()),
        _ => Err(format!("{said} is older than {}.{}, which this workspace needs", OLDEST.0, OLDEST.1)),
    }
}

fn new_enough(apt: &Apt, package: &str) -> Result<(), String> {
    let version = apt.candidate(package)?;
    check_version(&version).map_err(|_| {
        format!("{package} {version} is older than {}.{}, which this workspace needs", OLDEST.0, OLDEST.1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_compilers_and_packages() {
        assert!(check_version("rustc 1.96.0 (0c3b2d0a1 2026-05-25) (built from a source tarball)").is_ok());
        assert!(check_version("cargo 1.88.0").is_ok());
        assert!(check_version("1.96.0+dfsg1-1~deb12u2").is_ok());
        assert!(check_version("1.63.0+dfsg1-2").is_err());
        assert!(check_version("gibberish").is_err());
    }
}
