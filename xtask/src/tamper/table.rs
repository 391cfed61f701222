//! The images: what is changed in each, and what must come of it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use antler_abi::MachineExit;
use antler_proof::GuestEnd;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::change::Change;
use super::image::{Code, Image};
use super::pattern::Place;
use crate::counterfactuals;

/// The table, from the root.
pub const FILE: &str = "proof/tamper.toml";

/// How many images there are at least, also when another compiler made the kernel.
pub const LEAST: usize = 22;

/// How a guest ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// As if all were well; then the judge must not believe it.
    Success,
    /// A self-test failed.
    SelftestFailed,
    /// A program failed, a self-test's program among them.
    ProgramFailed,
    /// The kernel refused to boot.
    BootRefused,
    /// The kernel panicked.
    Panic,
    /// By none of the kernel's codes.
    Other,
    /// It did not end.
    TimeOut,
}

impl From<GuestEnd> for End {
    fn from(end: GuestEnd) -> End {
        let code = |code: i32| u16::try_from(code).ok().and_then(MachineExit::from_code);
        match end {
            GuestEnd::TimedOut => End::TimeOut,
            GuestEnd::Stopped => End::Other,
            GuestEnd::Code(number) => match code(number) {
                Some(MachineExit::Success) => End::Success,
                Some(MachineExit::SelftestFailed) => End::SelftestFailed,
                Some(MachineExit::ProgramFailed) => End::ProgramFailed,
                Some(MachineExit::BootRefused) => End::BootRefused,
                Some(MachineExit::Panic) => End::Panic,
                Some(MachineExit::BadInput) | None => End::Other,
            },
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            End::Success => "success",
            End::SelftestFailed => "self-test failed",
            End::ProgramFailed => "program failed",
            End::BootRefused => "boot refused",
            End::Panic => "panic",
            End::Other => "another end",
            End::TimeOut => "time-out",
        })
    }
}

/// All images.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The rustc whose code the patterns and ends were written for, as it calls itself.
    compiler: String,
    image: Vec<Tampered>,
}

/// One change of one kind of instruction.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// Which instructions.
    #[serde(rename = "where")]
    pub place: Place,
    /// What becomes of each.
    pub change: Change,
}

/// One patched image and what is expected of it. Claims are called by their names, markers by their lines.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tampered {
    /// Its name.
    pub name: String,
    /// What is changed.
    pub what: String,
    /// What that does, in words.
    pub effect: String,
    /// Harts of the machine.
    #[serde(default = "two")]
    pub smp: u16,
    /// How the guest may end.
    pub end: BTreeSet<End>,
    /// Claims that must be red at least, and markers whose line or fact must be missing.
    #[serde(default)]
    pub red: BTreeSet<String>,
    /// Why no bound within the guest can end it; only then may it end by the run's time-out.
    #[serde(default)]
    pub unbounded: Option<String>,
    /// The changes.
    pub patch: Vec<Patch>,
}

const fn two() -> u16 {
    2
}

/// An instruction before and after.
#[derive(Clone, Debug, Serialize)]
pub struct Changed {
    address: u64,
    was: String,
    is: String,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}: {} -> {}", self.address, self.was, self.is)
    }
}

impl Tampered {
    /// The patched image's bytes, and what was changed.
    ///
    /// # Errors
    /// A pattern that does not fit the image.
    pub fn apply(&self, image: &Image<'_>) -> anyhow::Result<(Vec<u8>, Vec<Changed>)> {
        let (mut codes, mut list): (Vec<Code>, Vec<Changed>) = (Vec::new(), Vec::new());
        for patch in &self.patch {
            for old in patch.place.find(image)? {
                let new = patch.change.of(old)?;
                list.push(Changed { address: old.address, was: old.text.clone(), is: new.text.clone() });
                codes.push(new);
            }
        }
        Ok((image.with(&codes)?, list))
    }
}

impl Table {
    /// Reads and checks the table.
    ///
    /// # Errors
    /// Too few images, names given twice, claims and markers that the judge does not know, an image that may end well
    /// without anything red, a time-out without a reason.
    pub fn read(root: &Path) -> anyhow::Result<Table> {
        let text = std::fs::read_to_string(root.join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
        let table: Table = toml::from_str(&text).with_context(|| FILE.to_owned())?;
        table.check().with_context(|| FILE.to_owned())?;
        Ok(table)
    }

    /// The rustc that the table was written for.
    pub fn compiler(&self) -> &str {
        &self.compiler
    }

    /// The images, in the table's order.
    pub fn images(&self) -> &[Tampered] {
        &self.image
    }

    fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.image.len() >= LEAST, "{} images; there must be {LEAST}", self.image.len());
        let mut names = BTreeSet::new();
        for image in &self.image {
            let name = &image.name;
            anyhow::ensure!(names.insert(name), "image `{name}` is there twice");
            anyhow::ensure!(!image.patch.is_empty(), "image `{name}` changes nothing");
            anyhow::ensure!(!image.end.is_empty(), "image `{name}` may end in no way");
            anyhow::ensure!(
                !image.red.is_empty() || !image.end.contains(&End::Success),
                "image `{name}` may end well, and nothing need be red"
            );
            anyhow::ensure!(
                image.unbounded.is_some() == image.end.contains(&End::TimeOut),
                "image `{name}`: a time-out and the reason why nothing else ends it go together"
            );
            let known = counterfactuals::known(image.smp);
            if let Some(name) = image.red.iter().find(|name| !known.contains(*name)) {
                anyhow::bail!("image `{}`: the judge has no claim and no marker `{name}`", image.name);
            }
        }
        Ok(())
    }
}

impl fmt::Display for Tampered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tampered { name, what, effect, smp, .. } = self;
        let ends: Vec<String> = self.end.iter().map(End::to_string).collect();
        write!(f, "{name} ({smp} harts): {what}\n    effect: {effect}\n    ends: {}", ends.join(" or "))?;
        if let Some(why) = &self.unbounded {
            write!(f, " ({why})")?;
        }
        if !self.red.is_empty() {
            let red: Vec<&str> = self.red.iter().map(String::as_str).collect();
            write!(f, "\n    must be red: {}", red.join(", "))?;
        }
        Ok(())
    }
}
