//! What is to run: files, programs, arguments.

use std::path::{Path, PathBuf};

use antler_abi::{Qos, Rights};
use antler_parse::manifest::HEADER;
use anyhow::Context as _;

use super::{Args, size_of};
use crate::build::Built;
use crate::exit::{Exit, Fail};
use crate::initrd::{DEMO, Initrd};

/// What runs on files when no program is named.
const ON_FILES: &str = "sha256";

/// A program of the user's own.
#[derive(Debug)]
struct Own {
    name: String,
    elf: PathBuf,
    args: Vec<String>,
}

/// Files, programs and arguments, checked as far as can be without a build.
#[derive(Debug)]
pub(super) struct Job {
    files: Vec<(String, PathBuf, u64)>,
    own: Vec<Own>,
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
        let mut own: Vec<Own> =
            args.programs.iter().map(|path| program(path)).collect::<anyhow::Result<_>>()?;
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
        for one in &mut own {
            one.args.clone_from(&own_args);
        }
        let builtin = match args.command.split_first() {
            // `-- NAME ARG...` means the user's own program where it has that name.
            Some((name, rest)) if own.iter().any(|one| one.name == *name) => {
                if args.args.is_some() && !rest.is_empty() {
                    return Err(Fail::usage(format!(
                        "{name}: arguments both by --args and after `--`; give one"
                    )));
                }
                for one in own.iter_mut().filter(|one| one.name == *name && !rest.is_empty()) {
                    one.args = rest.to_vec();
                }
                None
            }
            Some((name, rest)) => Some((name.clone(), rest.to_vec())),
            None if !files.is_empty() && args.programs.is_empty() => Some((ON_FILES.to_owned(), Vec::new())),
            None => None,
        };
        let job = Job { files, own, own_rights, builtin };
        job.check_names()?;
        Ok(job)
    }

    /// Whether nothing was asked for, so that the demonstration runs.
    pub fn is_demo(&self) -> bool {
        self.files.is_empty() && self.own.is_empty() && self.builtin.is_none()
    }

    /// Refuses files whose names the initrd needs for itself.
    fn check_names(&self) -> anyhow::Result<()> {
        let programs = self.own.iter().map(|one| &one.name).chain(self.builtin.iter().map(|(name, _)| name));
        let taken: Vec<String> =
            programs.map(|name| format!("bin/{name}")).chain(["manifest".to_owned()]).collect();
        match self.files.iter().find(|(name, ..)| taken.contains(name)) {
            Some((name, path, _)) => Err(Fail::usage(format!(
                "--file {}: the initrd has a {name} of its own; give this file by another path, such as its absolute one",
                path.display()
            ))),
            None => Ok(()),
        }
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
        for Own { name, elf, args } in &self.own {
            builder = builder.program(elf, name, Qos::Normal, self.own_rights, or_files(args));
        }
        for (name, path, _) in &self.files {
            builder = builder.file(name, path);
        }
        builder.finish()
    }
}

/// A program of the user's own, without arguments yet, after the checks that the kernel would make.
fn program(path: &Path) -> anyhow::Result<Own> {
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
    let manifest = format!("{HEADER}\nprogram {name}\nqos normal\n");
    antler_parse::manifest::parse(manifest.as_bytes())
        .map_err(|error| Fail::usage(format!("--program {}: rename the file: {error}", path.display())))?;
    Ok(Own { name: name.to_owned(), elf: path.to_path_buf(), args: Vec::new() })
}
