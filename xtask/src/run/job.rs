//! What is to run: files, programs, arguments.

use std::path::{Path, PathBuf};

use antler_abi::{Qos, Rights};
use anyhow::Context as _;

use super::{Args, size_of};
use crate::build::Built;
use crate::exit::{Exit, Fail};
use crate::initrd::{DEMO, Initrd};

/// What runs on files when no program is named.
const ON_FILES: &str = "sha256";

/// Files, programs and arguments, checked as far as can be without a build.
#[derive(Debug)]
pub(super) struct Job {
    files: Vec<(String, PathBuf, u64)>,
    /// Programs of the user's own: name and ELF file.
    own: Vec<(String, PathBuf)>,
    own_args: Vec<String>,
    own_rights: Rights,
    /// A program that comes with Antler, with its arguments.
    builtin: Option<(String, Vec<String>)>,
}

impl Job {
    /// Reads the command line. A missing file or a bad ELF file is refused here, before anything is built.
    pub fn read(args: &Args) -> anyhow::Result<Job> {
        let mut files = Vec::new();
        for path in &args.files {
            let size = size_of("--file", path)?;
            let name = path.to_str().with_context(|| format!("--file {}: not UTF-8", path.display()));
            let name = name.map_err(|error| Fail::usage(error.to_string()))?;
            // The kernel's reader takes a leading "./" off, as tar does.
            files.push((name.trim_start_matches("./").to_owned(), path.clone(), size));
        }
        let own = args.programs.iter().map(|path| program(path)).collect::<anyhow::Result<_>>()?;
        let own_args = match &args.args {
            Some(text) => shlex::split(text)
                .ok_or_else(|| Fail::usage(format!("--args {text:?}: a quote is not closed")))?,
            None => Vec::new(),
        };
        if args.programs.is_empty() && (args.args.is_some() || !args.rights.is_empty()) {
            return Err(Fail::usage(
                "--args and --right are for --program; give a program's own after `-- NAME`",
            ));
        }
        let mut own_rights = Rights::empty();
        for name in &args.rights {
            let right = Rights::from_right_name(name);
            own_rights |= right.ok_or_else(|| {
                let known: Vec<&str> = Rights::NAMES.iter().map(|(name, _)| *name).collect();
                Fail::usage(format!("--right {name}: there are {}", known.join(", ")))
            })?;
        }
        let builtin = match args.command.split_first() {
            Some((name, rest)) => Some((name.clone(), rest.to_vec())),
            None if !files.is_empty() && args.programs.is_empty() => Some((ON_FILES.to_owned(), Vec::new())),
            None => None,
        };
        Ok(Job { files, own, own_args, own_rights, builtin })
    }

    /// Whether nothing was asked for, so that the demonstration runs.
    pub fn is_demo(&self) -> bool {
        self.files.is_empty() && self.own.is_empty() && self.builtin.is_none()
    }

    /// Bytes of the user's own files.
    pub fn file_bytes(&self) -> u64 {
        self.files.iter().map(|(.., size)| size).sum()
    }

    /// The initrd for it.
    pub fn initrd(&self, built: &Built) -> anyhow::Result<Initrd> {
        let names = || self.files.iter().map(|(name, ..)| name.clone()).collect::<Vec<String>>();
        let or_files = |args: &Vec<String>| if args.is_empty() { names() } else { args.clone() };
        let mut builder = Initrd::builder();
        if let Some((name, args)) = &self.builtin {
            let usual = DEMO.iter().find(|demo| demo.name == name);
            let (qos, rights) = usual.map_or((Qos::Normal, Rights::empty()), |demo| (demo.qos, demo.rights));
            builder = builder.program(built.program(name)?, name, qos, rights, or_files(args));
        }
        for (name, path) in &self.own {
            builder = builder.program(path, name, Qos::Normal, self.own_rights, or_files(&self.own_args));
        }
        for (name, path, _) in &self.files {
            builder = builder.file(name, path);
        }
        builder.finish()
    }
}

/// A program of the user's own: its name and file, after the check that the kernel would make.
fn program(path: &Path) -> anyhow::Result<(String, PathBuf)> {
    size_of("--program", path)?;
    let bytes = std::fs::read(path)
        .map_err(|error| Fail::usage(format!("--program {}: cannot be read: {error}", path.display())))?;
    antler_parse::elf::load(&bytes).map_err(|error| {
        Fail::new(
            Exit::BadInput,
            format!("--program {}: the kernel would refuse it: {error}", path.display()),
        )
    })?;
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let name =
        stem.ok_or_else(|| Fail::usage(format!("--program {}: its name is not UTF-8", path.display())))?;
    Ok((name.to_owned(), path.to_path_buf()))
}
