use alloc::string::String;
use core::fmt;

use dtoolkit::error::FdtParseError;

use super::{MAX_HARTS, MAX_TREE, Range};

/// Why a device tree was refused. Node names are given as the tree spells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoardError {
    /// Fewer bytes than the header, or than the size that the header states.
    Truncated {
        /// Bytes needed.
        need: usize,
        /// Bytes given.
        have: usize,
    },
    /// The first word is not `0xd00dfeed`; it is carried.
    BadMagic(u32),
    /// The header states a size smaller than itself or larger than [`MAX_TREE`].
    BadTotalSize(usize),
    /// The blob breaks a rule of the format.
    Malformed(FdtParseError),
    /// Nodes are nested deeper than any real board nests them.
    TooDeep,
    /// A property has a length or content that its meaning does not allow.
    BadProperty {
        /// Name of its node.
        node: String,
        /// Its own name.
        property: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// More entries of one kind, or more text, than any board has.
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// There is no `/cpus`.
    NoCpus,
    /// No hart of `/cpus` is enabled.
    NoEnabledHart,
    /// A hart has no `reg`, so no id.
    HartWithoutReg(String),
    /// Two harts have this id.
    DuplicateHart(u64),
    /// More than [`MAX_HARTS`] harts are enabled; their number is carried.
    TooManyHarts(usize),
    /// Neither `/cpus` nor an enabled hart has a `timebase-frequency` above 0.
    NoTimebase,
    /// No node describes RAM, or all of it has size 0.
    NoMemory,
    /// A range does not end within 64 bits.
    RangeOverflow {
        /// Name of its node; empty for the memory reservation block.
        node: String,
        /// The range.
        range: Range,
    },
    /// Two ranges of RAM share bytes.
    MemoryOverlap(Range, Range),
    /// `/chosen` has only one end of the initrd, or its end is before its start.
    BadInitrd {
        /// `linux,initrd-start`.
        start: Option<u64>,
        /// `linux,initrd-end`.
        end: Option<u64>,
    },
    /// A device lies behind a bus that does not map its registers for the CPU.
    Unreachable {
        /// Name of its node.
        node: String,
        /// Its registers, as the bus numbers them.
        range: Range,
    },
}

impl fmt::Display for BoardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("device tree: ")?;
        match self {
            BoardError::Truncated { need, have } => {
                write!(f, "truncated: {need} bytes needed, {have} given")
            }
            BoardError::BadMagic(magic) => {
                write!(f, "starts with {magic:#010x}, expected 0xd00dfeed; not a flattened device tree")
            }
            BoardError::BadTotalSize(size) => {
                write!(f, "header states {size} bytes; expected 40 to {MAX_TREE}")
            }
            BoardError::Malformed(error) => write!(f, "malformed: {error}"),
            BoardError::TooDeep => f.write_str("nodes nested too deep"),
            BoardError::BadProperty { node, property, expected } => {
                write!(f, "node `{}`: property `{property}` is not {expected}", root(node))
            }
            BoardError::TooMany { what, limit } => write!(f, "more than {limit} {what}"),
            BoardError::NoCpus => f.write_str("no /cpus"),
            BoardError::NoEnabledHart => f.write_str("no hart in /cpus is enabled"),
            BoardError::HartWithoutReg(node) => write!(f, "hart `/cpus/{node}` has no reg, so no id"),
            BoardError::DuplicateHart(id) => write!(f, "two harts have the id {id}"),
            BoardError::TooManyHarts(count) => {
                write!(f, "{count} harts are enabled, {MAX_HARTS} at most can run")
            }
            BoardError::NoTimebase => f.write_str("/cpus has no timebase-frequency above 0"),
            BoardError::NoMemory => {
                f.write_str("no memory: no enabled node of device_type `memory` has bytes")
            }
            BoardError::RangeOverflow { node, range } => {
                let node = if node.is_empty() { "memory reservation block" } else { node };
                write!(f, "`{node}`: {:#x} bytes from {:#x} end past 64 bits", range.size, range.base)
            }
            BoardError::MemoryOverlap(one, two) => write!(
                f,
                "memory ranges overlap: {:#x}..{:#x} and {:#x}..{:#x}",
                one.base,
                one.end(),
                two.base,
                two.end()
            ),
            BoardError::BadInitrd { start: Some(start), end: Some(end) } => {
                write!(f, "/chosen: initrd ends at {end:#x}, before its start {start:#x}")
            }
            BoardError::BadInitrd { start, .. } => {
                let (has, lacks) = if start.is_some() { ("start", "end") } else { ("end", "start") };
                write!(f, "/chosen has linux,initrd-{has} but no linux,initrd-{lacks}")
            }
            BoardError::Unreachable { node, range } => {
                write!(
                    f,
                    "`{node}`: no bus maps its registers ({:#x} bytes at {:#x})",
                    range.size, range.base
                )
            }
        }
    }
}

/// The root's name is the empty string.
fn root(name: &str) -> &str {
    if name.is_empty() { "/" } else { name }
}

impl core::error::Error for BoardError {}
