//! The kernel's boot arguments (`/chosen/bootargs`): words between white space.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use antler_abi::Qos;

use crate::board::MAX_HARTS;

/// The arguments that there are, as errors list them.
pub const KNOWN: &str = "selftest, stats, counters, facts=all|none, doorbells=sbi|sswi|imsic, timers=sbi|sstc, ceiling=cpuN:CLASS";

/// What the boot arguments ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootArgs {
    /// `selftest`: run the self-tests, then end the machine.
    pub selftest: bool,
    /// `stats`: print the per-hart statistics at the end.
    pub stats: bool,
    /// `counters`: let programs count instructions, and say at the end what the boot took.
    pub counters: bool,
    /// `facts=all` or `facts=none`: record facts and send them to the host. Without it, as `selftest`.
    pub facts: bool,
    /// `doorbells=sbi`, `doorbells=sswi` or `doorbells=imsic`: what interrupts a hart for another. Without it, what needs no
    /// firmware where there is any.
    pub doorbells: Option<Doorbells>,
    /// `timers=sbi` or `timers=sstc`: the timers to use. Without it, the harts' own where they have some.
    pub timers: Option<Timers>,
    /// `ceiling=cpuN:CLASS`: the highest class CPU N may take, in the order given, each CPU at most once. Whether the
    /// CPU exists is not known here.
    pub ceilings: Vec<(u16, Qos)>,
}

/// What interrupts a hart for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doorbells {
    /// Firmware.
    Sbi,
    /// The SSWI device of an ACLINT.
    Sswi,
    /// IMSICs.
    Imsic,
}

/// What sets a hart's timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timers {
    /// Firmware.
    Sbi,
    /// The hart itself.
    Sstc,
}

/// Why the boot arguments were refused. Each carries the word as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootArgError {
    /// No argument is called that, or a flag was given a value.
    Unknown(String),
    /// `facts=` with something other than `all` or `none`.
    BadFacts(String),
    /// `doorbells=` with something other than `sbi`, `sswi` or `imsic`.
    BadDoorbells(String),
    /// `timers=` with something other than `sbi` or `sstc`.
    BadTimers(String),
    /// `ceiling=` that is not `cpuN:CLASS` with N below [`MAX_HARTS`].
    BadCeiling(String),
    /// `facts=`, `doorbells=` or `timers=` twice, or `ceiling=` twice for one CPU.
    Repeated(String),
}

impl fmt::Display for BootArgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootArgError::Unknown(word) => write!(f, "unknown boot argument `{word}`; known are {KNOWN}"),
            BootArgError::BadFacts(word) => {
                write!(f, "boot argument `{word}`: expected facts=all or facts=none")
            }
            BootArgError::BadDoorbells(word) => {
                write!(f, "boot argument `{word}`: expected doorbells=sbi, doorbells=sswi or doorbells=imsic")
            }
            BootArgError::BadTimers(word) => {
                write!(f, "boot argument `{word}`: expected timers=sbi or timers=sstc")
            }
            BootArgError::BadCeiling(word) => {
                write!(
                    f,
                    "boot argument `{word}`: expected ceiling=cpuN:CLASS, N from 0 to {}, CLASS one of",
                    MAX_HARTS - 1
                )?;
                Qos::ALL.iter().try_for_each(|qos| write!(f, " {qos}"))
            }
            BootArgError::Repeated(word) => write!(f, "boot argument `{word}`: given before, give it once"),
        }
    }
}

impl core::error::Error for BootArgError {}

impl BootArgs {
    /// Reads the arguments; an empty string asks for nothing.
    ///
    /// # Errors
    /// The first word that is unknown, has a bad value, or repeats an earlier one. The flags may be repeated.
    pub fn parse(text: &str) -> Result<BootArgs, BootArgError> {
        let mut args = BootArgs::default();
        let mut facts = None;
        for word in text.split_ascii_whitespace() {
            match word.split_once('=') {
                None if word == "selftest" => args.selftest = true,
                None if word == "stats" => args.stats = true,
                None if word == "counters" => args.counters = true,
                Some(("facts", value)) => {
                    let value = match value {
                        "all" => true,
                        "none" => false,
                        _ => return Err(BootArgError::BadFacts(word.to_string())),
                    };
                    if facts.replace(value).is_some() {
                        return Err(BootArgError::Repeated(word.to_string()));
                    }
                }
                Some(("doorbells", value)) => {
                    let doorbells = match value {
                        "sbi" => Doorbells::Sbi,
                        "sswi" => Doorbells::Sswi,
                        "imsic" => Doorbells::Imsic,
                        _ => return Err(BootArgError::BadDoorbells(word.to_string())),
                    };
                    if args.doorbells.replace(doorbells).is_some() {
                        return Err(BootArgError::Repeated(word.to_string()));
                    }
                }
                Some(("timers", value)) => {
                    let timers = match value {
                        "sbi" => Timers::Sbi,
                        "sstc" => Timers::Sstc,
                        _ => return Err(BootArgError::BadTimers(word.to_string())),
                    };
                    if args.timers.replace(timers).is_some() {
                        return Err(BootArgError::Repeated(word.to_string()));
                    }
                }
                Some(("ceiling", value)) => {
                    let (cpu, qos) =
                        ceiling(value).ok_or_else(|| BootArgError::BadCeiling(word.to_string()))?;
                    if args.ceilings.iter().any(|&(other, _)| other == cpu) {
                        return Err(BootArgError::Repeated(word.to_string()));
                    }
                    args.ceilings.push((cpu, qos));
                }
                _ => return Err(BootArgError::Unknown(word.to_string())),
            }
        }
        args.facts = facts.unwrap_or(args.selftest);
        Ok(args)
    }
}

/// Reads `cpuN:CLASS`.
fn ceiling(value: &str) -> Option<(u16, Qos)> {
    let (cpu, class) = value.strip_prefix("cpu")?.split_once(':')?;
    // `parse` would take a leading `+`.
    if !cpu.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let cpu = cpu.parse::<u16>().ok().filter(|&cpu| usize::from(cpu) < MAX_HARTS)?;
    Some((cpu, Qos::from_name(class)?))
}
