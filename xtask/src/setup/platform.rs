//! What kind of machine this is.

use std::path::{Path, PathBuf};

/// `/etc/os-release`: the lines `KEY=value`, unquoted on asking.
pub struct OsRelease(String);

impl OsRelease {
    /// This machine's; empty when there is none.
    pub fn read() -> OsRelease {
        OsRelease(std::fs::read_to_string("/etc/os-release").unwrap_or_default())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name == key).then(|| value.trim_matches(['"', '\'']))
        })
    }

    /// Whether it is, or derives from, a distribution with this id.
    pub fn is(&self, id: &str) -> bool {
        let like = self.get("ID_LIKE").unwrap_or_default();
        self.get("ID") == Some(id) || like.split_whitespace().any(|other| other == id)
    }
}

/// The first file of this name on `PATH`. A name with a slash is looked at as it is.
pub fn on_path(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// What to type to get QEMU and OpenSBI where we do not install by ourselves.
pub fn qemu_by_hand() -> &'static str {
    let os = OsRelease::read();
    if cfg!(target_os = "macos") {
        "brew install qemu"
    } else if os.is("fedora") || os.is("rhel") {
        "dnf install qemu-system-riscv-core opensbi (the firmware may be part of qemu-common)"
    } else if os.is("arch") {
        "pacman -S qemu-system-riscv qemu-system-riscv-firmware"
    } else if os.is("suse") || os.is("opensuse") {
        "zypper install qemu-extra opensbi"
    } else if os.is("alpine") {
        "apk add qemu-system-riscv64 opensbi"
    } else if os.is("debian") || os.is("ubuntu") {
        "apt-get install qemu-system-riscv opensbi (qemu-system-misc on older releases)"
    } else if Path::new("/nix").is_dir() {
        "nix-shell -p qemu"
    } else {
        "install QEMU 7.2 or newer with qemu-system-riscv64 and the OpenSBI firmware it comes with"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_read_by_key_and_family() {
        let os = OsRelease("ID=ubuntu\nID_LIKE=\"debian\"\nVERSION_CODENAME=noble\n".to_owned());
        assert_eq!(os.get("VERSION_CODENAME"), Some("noble"));
        assert!(os.is("debian") && os.is("ubuntu") && !os.is("fedora"));
        assert_eq!(os.get("NOTHING"), None);
    }
}
