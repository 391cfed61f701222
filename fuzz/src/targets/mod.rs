//! One file a target. Each takes any bytes and panics if the reader breaks a promise of its documentation.

mod bootargs;
mod console;
mod dtb;
mod elf;
mod facts;
mod manifest;
mod tar;

use crate::mutate::Shape;

/// A fuzz target.
#[derive(Debug)]
pub struct Target {
    /// Its name: on the command line, and of its corpus folder.
    pub name: &'static str,
    /// What is checked, in a line.
    pub about: &'static str,
    /// What the mutator knows of its format.
    pub shape: Shape,
    /// Runs one input.
    pub run: fn(&[u8]),
}

/// Every target.
pub static TARGETS: [Target; 7] = [
    Target {
        name: "dtb",
        about: "device tree -> board: harts unique, memory disjoint, ranges within 64 bits, bounded texts",
        shape: Shape { grain: 4, big_endian: true, words: dtb::WORDS },
        run: dtb::run,
    },
    Target {
        name: "elf",
        about: "program -> segments: inside file and user range, W^X, no overlap, nothing lost or made up",
        shape: Shape { grain: 8, big_endian: false, words: elf::WORDS },
        run: elf::run,
    },
    Target {
        name: "tar",
        about: "archive -> files: valid unique names, content inside the archive, as the tar crate reads it",
        shape: Shape { grain: 512, big_endian: false, words: tar::WORDS },
        run: tar::run,
    },
    Target {
        name: "manifest",
        about: "manifest -> programs: bounded, names safe, reads back the same when written anew",
        shape: Shape { grain: 1, big_endian: false, words: manifest::WORDS },
        run: manifest::run,
    },
    Target {
        name: "bootargs",
        about: "boot arguments: every word accounted for, reads back the same when written anew",
        shape: Shape { grain: 1, big_endian: false, words: bootargs::WORDS },
        run: bootargs::run,
    },
    Target {
        name: "facts",
        about: "facts -> verdict: codec exact, a verdict for any bytes, green only for a whole sound trace",
        shape: Shape { grain: 40, big_endian: false, words: facts::WORDS },
        run: facts::run,
    },
    Target {
        name: "console",
        about: "console -> checklist: green only with each marker once, in order, alone on its line",
        shape: Shape { grain: 1, big_endian: false, words: console::WORDS },
        run: console::run,
    },
];

/// The target called `name`.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Errors are for people to read: never empty, and not as long as what they complain about.
fn readable(error: &impl std::fmt::Display) {
    let text = error.to_string();
    assert!(!text.trim().is_empty(), "an error without a word");
    assert!(text.len() < 16 << 10, "an error of {} bytes", text.len());
}
