//! Makes initrds: a tar of `manifest`, the programs as `bin/NAME`, and files under their own names. The same input gives
//! the same bytes.

use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use antler_abi::{ARGS_MAX, Qos, Rights};
use antler_parse::initrd::{MAX_FILES, MAX_NAME};
use antler_parse::manifest::{HEADER, MAX_PROGRAMS};
use anyhow::Context as _;

use crate::exit::Fail;

/// One program of the demonstration.
#[derive(Debug)]
pub struct Demo {
    /// The program's name under `user/programs`.
    pub name: &'static str,
    /// Class of its first thread.
    pub qos: Qos,
    /// What it may do beyond its own affairs.
    pub rights: Rights,
    /// Its arguments.
    pub args: &'static [&'static str],
}

/// Files of the repository that the demonstration hashes.
pub const DEMO_FILES: &[&str] = &["Cargo.lock", "Cargo.toml", "LICENSE"];

/// What runs when nobody says otherwise.
pub const DEMO: &[Demo] = &[
    Demo { name: "primes", qos: Qos::Normal, rights: Rights::empty(), args: &[] },
    Demo { name: "pingpong", qos: Qos::Interactive, rights: Rights::PIN, args: &[] },
    Demo { name: "fpu", qos: Qos::Normal, rights: Rights::empty(), args: &[] },
    Demo { name: "sha256", qos: Qos::Normal, rights: Rights::empty(), args: DEMO_FILES },
];

/// Where an entry's content comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Path(PathBuf),
    Bytes(Vec<u8>),
}

/// A checked initrd, ready to be written.
#[derive(Debug)]
pub struct Initrd {
    entries: Vec<(String, Source, u64)>,
}

/// Collects what goes into an initrd; nothing is checked before [`Builder::finish`].
#[derive(Debug, Default)]
pub struct Builder {
    sections: Vec<Section>,
    programs: Vec<(String, Source)>,
    files: Vec<(String, Source)>,
}

#[derive(Debug)]
struct Section {
    name: String,
    qos: Qos,
    rights: Rights,
    args: Vec<String>,
}

impl Builder {
    /// Starts the ELF file at `path` as program `name`. The same program may be started several times.
    pub fn program<A>(mut self, path: &Path, name: &str, qos: Qos, rights: Rights, args: A) -> Builder
    where
        A: IntoIterator,
        A::Item: Into<String>,
    {
        let args = args.into_iter().map(Into::into).collect();
        self.sections.push(Section { name: name.to_owned(), qos, rights, args });
        let entry = (format!("bin/{name}"), Source::Path(path.to_path_buf()));
        if !self.programs.contains(&entry) {
            self.programs.push(entry);
        }
        self
    }

    /// Adds the file at `path`, to be found by programs as `name`. It is read when the initrd is written.
    pub fn file(mut self, name: &str, path: &Path) -> Builder {
        self.files.push((name.to_owned(), Source::Path(path.to_path_buf())));
        self
    }

    /// Checks everything that can be checked before writing: files are there, names are usable and used once, the
    /// manifest is one that the kernel takes. Errors name what is wrong and carry [`crate::exit::Exit::Usage`].
    pub fn finish(self) -> anyhow::Result<Initrd> {
        let manifest = manifest(&self.sections)?;
        let all = std::iter::once(("manifest".to_owned(), Source::Bytes(manifest.into_bytes())))
            .chain(self.programs)
            .chain(self.files);
        let mut entries: Vec<(String, Source, u64)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        for (name, source) in all {
            // The kernel's reader takes a leading "./" off every name, as tar itself does.
            let name = name.trim_start_matches("./").to_owned();
            check_name(&name)?;
            if !names.insert(name.clone()) {
                return Err(Fail::usage(format!(
                    "two files of the initrd would be called {name:?}; rename one"
                )));
            }
            let size = size(&source)?;
            entries.push((name, source, size));
        }
        if entries.len() > MAX_FILES {
            let count = entries.len();
            return Err(Fail::usage(format!(
                "{count} files are too many for an initrd; {MAX_FILES} at most"
            )));
        }
        Ok(Initrd { entries })
    }
}

impl Initrd {
    /// An empty initrd to add to.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Bytes of all contents, headers and paddings: the size of the file that [`Initrd::write`] makes.
    pub fn size(&self) -> u64 {
        let entry = |name: &str, size: u64| {
            let long = if name.len() > SHORT { 1024 } else { 0 };
            long + 512 + size.next_multiple_of(512)
        };
        self.entries.iter().map(|(name, _, size)| entry(name, *size)).sum::<u64>() + 1024
    }

    /// Writes the archive to `dest`, streaming large files. `dest` appears whole or not at all.
    pub fn write(&self, dest: &Path) -> anyhow::Result<()> {
        if let Some(folder) = dest.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        // Two commands may write the same initrd at once.
        let part = dest.with_extension(format!("part{}", std::process::id()));
        let result = self.write_to(&part).and_then(|()| {
            std::fs::rename(&part, dest).with_context(|| format!("cannot write {}", dest.display()))
        });
        if result.is_err() {
            let _ = std::fs::remove_file(&part);
        }
        result
    }

    fn write_to(&self, path: &Path) -> anyhow::Result<()> {
        let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        let mut archive = tar::Builder::new(std::io::BufWriter::new(file));
        for (name, source, size) in &self.entries {
            let failed = || format!("cannot put {name} into {}", path.display());
            match source {
                Source::Bytes(bytes) => append(&mut archive, name, bytes.len() as u64, &bytes[..]),
                Source::Path(from) => File::open(from)
                    .map_err(anyhow::Error::from)
                    .and_then(|file| append(&mut archive, name, *size, file)),
            }
            .with_context(failed)?;
        }
        let failed = || format!("cannot write {}", path.display());
        archive.into_inner().and_then(|mut writer| writer.flush()).with_context(failed)
    }
}

/// Longest name that fits into a header; longer ones get an entry of their own in front (GNU `L`).
const SHORT: usize = 100;

fn append<W: std::io::Write, R: Read>(
    archive: &mut tar::Builder<W>,
    name: &str,
    size: u64,
    content: R,
) -> anyhow::Result<()> {
    if name.len() > SHORT {
        let mut text = name.as_bytes().to_vec();
        text.push(0);
        let long = header("././@LongLink", text.len() as u64, tar::EntryType::GNULongName);
        archive.append(&long, &text[..])?;
    }
    let mut short = SHORT.min(name.len());
    while !name.is_char_boundary(short) {
        short -= 1;
    }
    // A file that changes while it is copied must not shift what follows it.
    let mut counted = Counted { inner: content.take(size), count: 0 };
    archive.append(&header(&name[..short], size, tar::EntryType::Regular), &mut counted)?;
    anyhow::ensure!(
        counted.count == size,
        "the file shrank from {size} to {} bytes meanwhile",
        counted.count
    );
    Ok(())
}

/// A header that depends on nothing but its arguments. The name is written as it is: these paths are keys, not places,
/// so an absolute one is as good as any.
fn header(name: &str, size: u64, kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header
}

struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let wrong = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_NAME {
        "is longer than 255 bytes"
    } else if name.contains(['\n', '\0']) {
        "holds a line break or a NUL"
    } else if name.ends_with('/') {
        "ends in a slash"
    } else {
        return Ok(());
    };
    Err(Fail::usage(format!("the name {name:?} cannot be used in an initrd: it {wrong}")))
}

fn size(source: &Source) -> anyhow::Result<u64> {
    let path = match source {
        Source::Bytes(bytes) => return Ok(bytes.len() as u64),
        Source::Path(path) => path,
    };
    // Opening is the only honest way to find out whether it can be read.
    let meta = File::open(path)
        .and_then(|file| file.metadata())
        .map_err(|error| Fail::usage(format!("{}: cannot be read: {error}", path.display())))?;
    if meta.is_file() {
        Ok(meta.len())
    } else {
        Err(Fail::usage(format!("{}: not a regular file", path.display())))
    }
}

fn manifest(sections: &[Section]) -> anyhow::Result<String> {
    let mut text = format!("{HEADER}\n");
    for Section { name, qos, rights, args } in sections {
        let bytes: usize = args.iter().map(|arg| arg.len() + 1).sum();
        if bytes > ARGS_MAX {
            return Err(Fail::usage(format!("{name}: arguments of {bytes} bytes; {ARGS_MAX} at most")));
        }
        if let Some(arg) = args.iter().find(|arg| arg.contains(['\n', '\0'])) {
            return Err(Fail::usage(format!("{name}: argument {arg:?} holds a line break or a NUL")));
        }
        text += &format!("program {name}\nqos {qos}\n");
        for (right, flag) in Rights::NAMES {
            if rights.contains(flag) {
                text += &format!("right {right}\n");
            }
        }
        for arg in args {
            text += &format!("arg {arg}\n");
        }
    }
    if sections.len() > MAX_PROGRAMS {
        let count = sections.len();
        return Err(Fail::usage(format!("{count} programs are too many; {MAX_PROGRAMS} at most")));
    }
    // The kernel's own reader has the last word, before a machine is booted in vain.
    antler_parse::manifest::parse(text.as_bytes()).map_err(|error| Fail::usage(error.to_string()))?;
    Ok(text)
}

#[cfg(test)]
#[path = "initrd_tests.rs"]
mod tests;
