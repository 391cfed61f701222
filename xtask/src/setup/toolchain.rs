//! A chosen compiler, and how to call its cargo for riscv64.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ctx::Ctx;

/// What is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The kernel: no floating point, so that no kernel code touches a task's FP registers.
    Kernel,
    /// User programs: with F and D.
    User,
}

impl Target {
    /// Both.
    pub const ALL: [Target; 2] = [Target::Kernel, Target::User];

    /// The name that rustc knows.
    pub const fn triple(self) -> &'static str {
        match self {
            Target::Kernel => "riscv64imac-unknown-none-elf",
            Target::User => "riscv64gc-unknown-none-elf",
        }
    }
}

/// Where libcore comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The toolchain brings it, compiled.
    Prebuilt,
    /// It is built from the distribution's own sources (`-Zbuild-std`) with this linker.
    BuildStd,
}

/// A compiler that can build for riscv64.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// Where its libcore comes from.
    pub route: Route,
    /// The folder of `cargo`, `rustc`, `rustdoc` and, if there, `cargo-clippy`.
    pub bin: PathBuf,
    /// What `rustc --version` prints.
    pub version: String,
    /// The linker, when the toolchain's own default is not there.
    pub linker: Option<PathBuf>,
    root: PathBuf,
}

impl Toolchain {
    /// A toolchain whose programs are in `bin`.
    pub fn new(ctx: &Ctx, route: Route, bin: PathBuf, version: String, linker: Option<PathBuf>) -> Toolchain {
        Toolchain { route, bin, version, linker, root: ctx.root().to_path_buf() }
    }

    /// Whether it has clippy.
    pub fn has_clippy(&self) -> bool {
        self.bin.join("cargo-clippy").is_file() && self.bin.join("clippy-driver").is_file()
    }

    /// Where cross builds keep their intermediate files: apart from the host's, so that the cargo that runs us does not
    /// hold the lock we need.
    pub fn target_dir(&self) -> PathBuf {
        let dir = std::env::var_os("CARGO_TARGET_DIR").map_or(self.root.join("target"), PathBuf::from);
        // Relative to where the user is, while cargo is called in the root.
        std::path::absolute(&dir).unwrap_or(dir).join("riscv")
    }

    /// `cargo <subcommand>` for `target`, in the repository's root, ready for more arguments. `clippy` is called
    /// directly, else cargo might find another toolchain's.
    pub fn cargo(&self, subcommand: &str, target: Target) -> Command {
        let program = if subcommand == "clippy" { "cargo-clippy" } else { "cargo" };
        let mut command = Command::new(self.bin.join(program));
        command.current_dir(&self.root).arg(subcommand);
        command.args(["--target", target.triple()]).arg("--target-dir").arg(self.target_dir());
        scrub(&mut command);
        command.env("CARGO", self.bin.join("cargo"));
        command.env("RUSTC", self.bin.join("rustc"));
        command.env("RUSTDOC", self.bin.join("rustdoc"));
        command.env("PATH", path_with(&self.bin));
        if self.route == Route::BuildStd {
            // The `-Z` option is unstable; the distribution ships compiler and library sources of the same version.
            command.env("RUSTC_BOOTSTRAP", "1");
            command.arg("-Zbuild-std=core,alloc,compiler_builtins");
            command.arg("-Zbuild-std-features=compiler-builtins-mem");
        }
        let mut flags = vec!["-Cforce-frame-pointers=yes".to_owned()];
        flags.extend(self.remapped_paths());
        if let Some(linker) = &self.linker {
            let triple = target.triple().to_uppercase().replace('-', "_");
            command.env(format!("CARGO_TARGET_{triple}_LINKER"), linker);
            flags.push("-Clinker-flavor=ld.lld".to_owned());
        }
        command.env(RUSTFLAGS, flags.join(FLAG_SEPARATOR));
        command
    }

    /// Flags that keep this machine's paths out of panic messages, so that the same tree gives the same image anywhere.
    fn remapped_paths(&self) -> Vec<String> {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let cargo = std::env::var_os("CARGO_HOME").map_or(home.join(".cargo"), PathBuf::from);
        let registries = std::fs::read_dir(cargo.join("registry/src")).into_iter().flatten().flatten();
        let mut flags = vec![format!("--remap-path-prefix={}=.", self.root.display())];
        flags.extend(registries.map(|dir| format!("--remap-path-prefix={}=crates", dir.path().display())));
        flags
    }
}

/// How cargo is given compiler flags that may contain spaces, and what separates them there.
pub const RUSTFLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";
/// See [`RUSTFLAGS`].
pub const FLAG_SEPARATOR: &str = "\x1f";

/// Removes what the cargo that started us, or a user's host settings, would push onto a cross build.
fn scrub(command: &mut Command) {
    const EXACT: &[&str] = &[
        "CARGO",
        "CARGO_BIN_NAME",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_BUILD_TARGET_DIR",
        "CARGO_CRATE_NAME",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_DIR",
        "CLIPPY_ARGS",
        "OUT_DIR",
        "RUSTC",
        "RUSTC_BOOTSTRAP",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTDOC",
        "RUSTDOCFLAGS",
        "RUSTFLAGS",
        "RUSTUP_TOOLCHAIN",
    ];
    const PREFIXES: &[&str] = &["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_UNSTABLE_"];
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if EXACT.contains(&text) || PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    // `cargo run` adds its toolchain's libraries, which another compiler must not load.
    if let Some(list) = std::env::var_os("LD_LIBRARY_PATH") {
        let kept: Vec<PathBuf> = std::env::split_paths(&list).filter(|dir| !is_cargos(dir)).collect();
        match std::env::join_paths(kept) {
            Ok(list) if !list.is_empty() => command.env("LD_LIBRARY_PATH", list),
            _ => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
}

/// Whether a library folder is one that `cargo run` adds: a profile's `deps`, or a toolchain's `rustlib/*/lib`.
fn is_cargos(dir: &Path) -> bool {
    let has = |name: &str| dir.components().any(|part| part.as_os_str() == OsStr::new(name));
    dir.as_os_str().is_empty()
        || has("rustlib")
        || has("toolchains")
        || has("target")
        || dir.ends_with("deps")
}

/// `PATH` with `bin` in front.
fn path_with(bin: &Path) -> OsString {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(bin.to_path_buf()).chain(std::env::split_paths(&old));
    // A folder name with a colon cannot be joined; such a toolchain is then found by its absolute paths alone.
    std::env::join_paths(dirs).unwrap_or(old)
}
