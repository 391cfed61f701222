//! QEMU for riscv64 and the OpenSBI firmware it loads by default.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::apt::Apt;
use super::log::Log;
use super::{Mode, bounded, platform, sources};
use crate::exit::Fail;

/// The program's usual name.
const BINARY: &str = "qemu-system-riscv64";

/// What `-M virt -bios default` loads.
const FIRMWARE: &str = "opensbi-riscv64-generic-fw_dynamic.bin";

/// The environment variable that names another QEMU.
const VARIABLE: &str = "QEMU";

/// A question to QEMU.
const ASK: Duration = Duration::from_secs(20);

/// Newer releases have a package of their own for RISC-V; older ones keep it in `misc`.
const PACKAGES: [&[&str]; 2] = [&["qemu-system-riscv", "opensbi"], &["qemu-system-misc", "opensbi"]];

/// A QEMU that can boot the kernel.
#[derive(Clone, Debug)]
pub struct Qemu {
    /// The program.
    pub binary: PathBuf,
    /// Its version, as in `10.0.2`.
    pub version: String,
    /// The firmware file that it loads by default.
    pub firmware: PathBuf,
}

impl Qemu {
    /// Whether several harts under `-icount` each get their turn. Before 8.1 (seen on 7.2; 10.0 is fair) a hart that spins
    /// uses up every time slice up to the next timer, and the harts after it get none: they starve.
    pub fn is_fair_under_icount(&self) -> bool {
        is_fair(&self.version)
    }
}

fn is_fair(version: &str) -> bool {
    let mut numbers = version.split(['.', '+', '-']).map_while(|part| part.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (8, 1)
}

/// Finds QEMU and firmware, installing them under [`Mode::Install`].
pub fn find(mode: Mode, log: &mut Log) -> anyhow::Result<Qemu> {
    log.heading("QEMU for riscv64 and its firmware");
    let named = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty());
    if let Some(name) = &named {
        let binary = platform::on_path(name).ok_or_else(|| {
            Fail::usage(format!("{VARIABLE}={name}: no such program; leave it unset for {BINARY}"))
        })?;
        let qemu = look(binary).map_err(|why| Fail::usage(format!("{VARIABLE}={name}: {why}")))?;
        return Ok(accept(qemu, log));
    }
    match look_on_path() {
        Ok(qemu) => return Ok(accept(qemu, log)),
        Err(why) => log.rejected(BINARY, &why),
    }
    if let Some(qemu) = install(mode, log) {
        return Ok(accept(qemu, log));
    }
    let advice = match mode {
        Mode::Look => "`cargo xtask setup` tries to install it; by hand",
        Mode::Install => "by hand",
    };
    let by_hand = platform::qemu_by_hand();
    Err(Fail::setup(format!("no QEMU for riscv64 with firmware; {advice}: {by_hand}{}", log.unsaid())))
}

fn accept(qemu: Qemu, log: &mut Log) -> Qemu {
    log.chosen(BINARY, &format!("QEMU {} at {}", qemu.version, qemu.binary.display()));
    log.chosen("firmware", &format!("{}", qemu.firmware.display()));
    qemu
}

fn look_on_path() -> Result<Qemu, String> {
    look(platform::on_path(BINARY).ok_or("not on PATH")?)
}

fn look(binary: PathBuf) -> Result<Qemu, String> {
    let ask = |args: &[&str]| {
        bounded::text(Command::new(&binary).args(args), ASK)
            .map_err(|trouble| format!("{} {}: {trouble}", binary.display(), args.join(" ")))
    };
    let said = ask(&["--version"])?;
    let version = said
        .lines()
        .find_map(|line| line.strip_prefix("QEMU emulator version ")?.split(' ').next())
        .ok_or_else(|| format!("{} is no QEMU: it calls itself {said:?}", binary.display()))?
        .to_owned();
    // The data folders, one a line, in the order in which QEMU searches them.
    let folders = ask(&["-L", "help"])?;
    let firmware = folders.lines().map(|folder| Path::new(folder).join(FIRMWARE)).find(|path| path.is_file());
    let firmware = firmware.ok_or_else(|| {
        let searched: Vec<&str> = folders.lines().collect();
        format!("QEMU {version} finds no firmware {FIRMWARE} in {}", searched.join(", "))
    })?;
    Ok(Qemu { binary, version, firmware })
}

/// Installs from the release itself, else from its backports; never by removing a package. The other way round if the
/// release's own cannot run all proofs.
fn install(mode: Mode, log: &mut Log) -> Option<Qemu> {
    let apt = match Apt::find() {
        Ok(apt) => apt,
        Err(why) => {
            log.rejected("apt-get install", &why);
            return None;
        }
    };
    if mode == Mode::Look {
        log.note("`cargo xtask setup` would install it with apt-get, from backports if need be");
        return None;
    }
    if let Err(why) = apt.update(log.ui()) {
        log.rejected("apt-get update", &why);
    }
    if is_old(&apt, log) {
        return install_backport(&apt, log).or_else(|| install_from(&apt, None, log));
    }
    install_from(&apt, None, log).or_else(|| install_backport(&apt, log))
}

/// Whether what the release offers starves harts under `-icount`.
fn is_old(apt: &Apt, log: &mut Log) -> bool {
    let offered = PACKAGES.iter().find_map(|packages| Some((packages[0], apt.candidate(packages[0]).ok()?)));
    let Some((package, version)) = offered else { return false };
    // Debian puts an epoch in front: `1:7.2+dfsg-7`.
    let upstream = version.split_once(':').map_or(version.as_str(), |(_, version)| version);
    if is_fair(upstream) {
        return false;
    }
    log.note(&format!(
        "{package} of this release is {version}; proofs in virtual time need 8.1, so backports come first"
    ));
    true
}

fn install_backport(apt: &Apt, log: &mut Log) -> Option<Qemu> {
    match sources::backports(apt) {
        Ok(suite) => {
            log.note(&format!("package source: {suite}, from the archive and with the key of this release"));
            if let Err(why) = apt.update(log.ui()) {
                log.rejected("apt-get update", &why);
            }
            install_from(apt, Some(&suite), log)
        }
        Err(why) => {
            log.rejected("backports", &why);
            None
        }
    }
}

fn install_from(apt: &Apt, suite: Option<&str>, log: &mut Log) -> Option<Qemu> {
    for packages in PACKAGES {
        let from = suite.map_or(String::new(), |suite| format!("-t {suite} "));
        let what = format!("apt-get install {from}{}", packages.join(" "));
        let result = apt.install(log.ui(), suite, packages);
        match result.and_then(|()| look_on_path()) {
            Ok(qemu) => {
                log.note(&format!("{what}: done"));
                return Some(qemu);
            }
            Err(why) => log.rejected(&what, &why),
        }
    }
    None
}
