//! A campaign: the whole corpus first, then mutants by consecutive seeds, until a count or a time is reached.

use std::fmt;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::corpus::corpus;
use crate::mutate::mutant;
use crate::targets::Target;

/// No input of at most 64 KiB takes a reader this long; one that does is reported as a hang.
const HANG: Duration = Duration::from_secs(120);

/// How long a campaign goes on after the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// This many mutants; none, and the corpus is all.
    Runs(u64),
    /// As many mutants as fit.
    Time(Duration),
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Campaign<'a> {
    /// The target.
    pub target: &'static Target,
    /// The repository, whose `fuzz/corpus` is read and in whose `target/fuzz` failures are kept.
    pub root: &'a Path,
    /// Seed of the first mutant; the others follow by one.
    pub seed: u64,
    /// How many.
    pub length: Length,
}

/// What a campaign did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Inputs of the corpus.
    pub samples: u64,
    /// Mutants.
    pub mutants: u64,
    /// Bytes of all mutants together.
    pub bytes: u64,
}

/// Why a campaign stopped short.
#[derive(Debug)]
pub enum Failure {
    /// The corpus cannot be read. The error names the path.
    Corpus(std::io::Error),
    /// The file to be run cannot be read.
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// An input made the target panic.
    Broken {
        /// The target's name.
        target: &'static str,
        /// The mutant's seed, or the name of the corpus file.
        input: String,
        /// The options of `cargo xtask fuzz TARGET` that come upon it again.
        again: String,
        /// What the panic said.
        message: String,
        /// Where the input was kept, unless that failed.
        kept: Result<PathBuf, std::io::Error>,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Corpus(error) => write!(f, "the corpus cannot be read: {error}"),
            Failure::File { path, error } => write!(f, "cannot read {}: {error}", path.display()),
            Failure::Broken { target, input, again, message, kept } => {
                writeln!(f, "target {target}, {input}: {message}")?;
                match kept {
                    Ok(path) => write!(f, "repeat with: cargo xtask fuzz {target} --file {}", path.display()),
                    Err(error) => write!(
                        f,
                        "the input could not be kept ({error}); repeat with: cargo xtask fuzz {target} {again}"
                    ),
                }
            }
        }
    }
}

impl std::error::Error for Failure {}

/// Runs a campaign. `progress` is told the tally after each mutant.
///
/// # Errors
/// The first input that breaks a promise, kept under `target/fuzz`.
///
/// # Panics
/// In a build without unwinding the first broken promise ends the process: build with the profile `tool` or `test`.
pub fn campaign(plan: &Campaign<'_>, mut progress: impl FnMut(&Tally)) -> Result<Tally, Failure> {
    let samples = corpus(plan.root, plan.target.name).map_err(Failure::Corpus)?;
    let mut tally = Tally::default();
    let watch = Watch::new(plan.target.name);
    let files = crate::corpus::folder(plan.root, plan.target.name);
    for sample in &samples {
        watch.begins(format!("--file {}", files.join(&sample.name).display()));
        broken(plan, &sample.bytes).map_or(Ok(()), |message| {
            let input = format!("corpus file {}", sample.name);
            Err(keep(plan, input, "--runs 0".to_owned(), &sample.name, &sample.bytes, message))
        })?;
        tally.samples += 1;
    }
    let begun = Instant::now();
    let goes_on = |tally: &Tally| match plan.length {
        Length::Runs(runs) => tally.mutants < runs,
        Length::Time(time) => begun.elapsed() < time,
    };
    while goes_on(&tally) {
        let seed = plan.seed.wrapping_add(tally.mutants);
        let again = format!("--seed {seed} --runs 1");
        watch.begins(again.clone());
        let bytes = mutant(&samples, plan.target.shape, seed);
        if let Some(message) = broken(plan, &bytes) {
            return Err(keep(plan, format!("seed {seed}"), again, &format!("seed-{seed}"), &bytes, message));
        }
        tally.mutants += 1;
        tally.bytes += bytes.len() as u64;
        progress(&tally);
    }
    Ok(tally)
}

/// Runs one input of a file.
///
/// # Errors
/// The promise that it breaks, or that it cannot be read. The file is not kept a second time.
pub fn replay(plan: &Campaign<'_>, file: &Path) -> Result<(), Failure> {
    let bytes = std::fs::read(file).map_err(|error| Failure::File { path: file.to_path_buf(), error })?;
    let watch = Watch::new(plan.target.name);
    watch.begins(format!("--file {}", file.display()));
    match broken(plan, &bytes) {
        None => Ok(()),
        Some(message) => Err(Failure::Broken {
            target: plan.target.name,
            input: file.display().to_string(),
            again: format!("--file {}", file.display()),
            message,
            kept: Ok(file.to_path_buf()),
        }),
    }
}

/// What the target says against its input.
fn broken(plan: &Campaign<'_>, bytes: &[u8]) -> Option<String> {
    let run = plan.target.run;
    let panic = catch_unwind(|| run(bytes)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
}

fn keep(
    plan: &Campaign<'_>,
    input: String,
    again: String,
    name: &str,
    bytes: &[u8],
    message: String,
) -> Failure {
    let folder = plan.root.join("target/fuzz");
    let path = folder.join(format!("{}-{name}", plan.target.name));
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, bytes)).map(|()| path);
    Failure::Broken { target: plan.target.name, input, again, message, kept }
}

/// Ends the process when one input goes on for [`HANG`]: nothing else can end a loop that does not end.
struct Watch(mpsc::Sender<String>);

impl Watch {
    fn new(target: &'static str) -> Watch {
        let (sender, inputs) = mpsc::channel::<String>();
        thread::spawn(move || {
            let mut current = String::new();
            loop {
                match inputs.recv_timeout(HANG) {
                    Ok(input) => current = input,
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {
                        eprintln!(
                            "target {target}: one input still runs after {} s; repeat with: cargo xtask fuzz {target} \
                             {current}",
                            HANG.as_secs()
                        );
                        std::process::exit(1);
                    }
                }
            }
        });
        Watch(sender)
    }

    /// An input begins. `again`: the options of `cargo xtask fuzz TARGET` that come upon it.
    fn begins(&self, again: String) {
        // The watcher lives as long as this end does.
        let _ = self.0.send(again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::Shape;

    static TOUCHY: Target = Target {
        name: "touchy",
        about: "",
        shape: Shape { grain: 1, big_endian: false, words: &[] },
        run: |bytes| assert!(bytes.len() < 300, "too long: {}", bytes.len()),
    };

    #[test]
    fn a_broken_promise_is_named_kept_and_repeats() {
        let root = std::env::temp_dir().join(format!("antler-fuzz-{}", std::process::id()));
        let folder = crate::corpus::folder(&root, "touchy");
        std::fs::create_dir_all(&folder).unwrap();
        let plan = Campaign { target: &TOUCHY, root: &root, seed: 5, length: Length::Runs(10_000) };
        let empty = campaign(&plan, |_| ()).unwrap_err().to_string();
        assert!(empty.contains("corpus/touchy is empty"), "an empty corpus proves nothing: {empty}");
        let gone = Campaign { root: &root.join("gone"), ..plan };
        let gone = campaign(&gone, |_| ()).unwrap_err();
        assert!(
            matches!(&gone, Failure::Corpus(_)) && gone.to_string().contains("gone/fuzz/corpus"),
            "{gone}"
        );
        std::fs::write(folder.join("a"), [1; 200]).unwrap();
        let mut told = 0;
        let failure = campaign(&plan, |tally| told = tally.mutants).unwrap_err();
        let Failure::Broken { input, message, kept, .. } = failure else { panic!("{failure}") };
        assert!(message.starts_with("too long: "));
        assert_eq!(input, format!("seed {}", 5 + told));
        let again = Campaign { seed: 5 + told, length: Length::Runs(1), ..plan };
        assert!(campaign(&again, |_| ()).is_err(), "the seed alone repeats it");
        assert!(matches!(replay(&plan, &kept.unwrap()), Err(Failure::Broken { .. })));
        let nothing = replay(&plan, &root.join("nothing")).unwrap_err();
        assert!(nothing.to_string().starts_with("cannot read "), "{nothing}");

        // Where nothing can be kept, the seed is what is left.
        std::fs::remove_dir_all(root.join("target")).unwrap();
        std::fs::write(root.join("target"), "a file").unwrap();
        let lost = campaign(&again, |_| ()).unwrap_err().to_string();
        assert!(lost.ends_with(&format!("fuzz touchy --seed {} --runs 1", 5 + told)), "{lost}");
        std::fs::remove_dir_all(root).unwrap();
    }
}
