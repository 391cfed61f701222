//! A Chromium to look at reports with: for the tests, and for the picture in the README.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::apt::Apt;
use super::log::Log;
use super::platform::{self, OsRelease};
use super::{Mode, bounded};
use crate::exit::Fail;

/// The environment variable that names another one.
const VARIABLE: &str = "CHROME";

/// Names under which it is found on `PATH`; any of them speaks the DevTools protocol.
const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// Where it lies on macOS.
const MAC: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// Debian's package, and a font: a page without any would be empty.
const PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];

/// A question to it.
const ASK: Duration = Duration::from_secs(60);

/// Finds a Chromium, installing it under [`Mode::Install`].
pub fn find(mode: Mode, log: &mut Log) -> anyhow::Result<PathBuf> {
    log.heading("Chromium, for the tests of reports");
    if let Some(name) = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty()) {
        let path = platform::on_path(&name).ok_or_else(|| format!("{VARIABLE}={name}: no such program"));
        let path = path.and_then(|path| look(&path).map(|version| (path, version))).map_err(Fail::usage)?;
        return Ok(accept(path, log));
    }
    match on_path() {
        Ok(found) => return Ok(accept(found, log)),
        Err(why) => log.rejected("Chromium", &why),
    }
    match install(mode, log) {
        Ok(found) => return Ok(accept(found, log)),
        Err(why) => log.rejected(&format!("apt-get install {}", PACKAGES.join(" ")), &why),
    }
    let by_hand = by_hand();
    Err(Fail::setup(format!("no Chromium; by hand: {by_hand}; or name one in {VARIABLE}{}", log.unsaid())))
}

fn accept((path, version): (PathBuf, String), log: &mut Log) -> PathBuf {
    log.chosen("Chromium", &format!("{version} at {}", path.display()));
    path
}

fn on_path() -> Result<(PathBuf, String), String> {
    let mac = Some(PathBuf::from(MAC)).filter(|path| path.is_file());
    let mut why = format!("none of {} is on PATH", NAMES.join(", "));
    for path in NAMES.into_iter().filter_map(platform::on_path).chain(mac) {
        match look(&path) {
            Ok(version) => return Ok((path, version)),
            // Ubuntu's `chromium-browser` may be a script that only says where the real one is to be had.
            Err(trouble) => why = trouble,
        }
    }
    Err(why)
}

/// Its version, in its own words.
fn look(path: &Path) -> Result<String, String> {
    let said = bounded::text(Command::new(path).args(["--no-sandbox", "--version"]), ASK)
        .map_err(|trouble| format!("{}: {trouble}", path.display()))?;
    let known = ["Chromium ", "Google Chrome "].iter().any(|name| said.contains(name));
    if known { Ok(said) } else { Err(format!("{} is no Chromium: it calls itself {said:?}", path.display())) }
}

fn install(mode: Mode, log: &mut Log) -> Result<(PathBuf, String), String> {
    let apt = Apt::find()?;
    if mode == Mode::Look {
        return Err("not asked for: the tests install it when they need it".to_owned());
    }
    if let Err(why) = apt.update(log.ui()) {
        log.rejected("apt-get update", &why);
    }
    apt.install(log.ui(), None, &PACKAGES)?;
    on_path()
}

fn by_hand() -> &'static str {
    let os = OsRelease::read();
    if cfg!(target_os = "macos") {
        "brew install --cask chromium"
    } else if os.is("fedora") || os.is("rhel") {
        "dnf install chromium"
    } else if os.is("arch") {
        "pacman -S chromium"
    } else if os.is("suse") || os.is("opensuse") || os.is("alpine") {
        "install the package chromium"
    } else if os.is("ubuntu") {
        "snap install chromium"
    } else if os.is("debian") {
        "apt-get install chromium"
    } else {
        "install Chromium or Google Chrome"
    }
}
