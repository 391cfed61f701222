//! The ELF reader, on files built here byte by byte.

mod rules;

use antler_abi::{MAP_BASE, PAGE, USER_BASE};
use antler_parse::elf::{ElfError, Image, SegFlags, load};
use proptest::prelude::*;

const BASE: u64 = USER_BASE as u64;
const P: u64 = PAGE as u64;
const HEADER: usize = 64;
const PHDR: usize = 56;
const R: u32 = 4;
const W: u32 = 2;
const X: u32 = 1;
const LOAD: u32 = 1;

/// One program header and what the file holds for it.
#[derive(Clone, Debug)]
struct Part {
    kind: u32,
    flags: u32,
    vaddr: u64,
    memsz: u64,
    data: Vec<u8>,
}

fn part(flags: u32, vaddr: u64, memsz: u64, data: &[u8]) -> Part {
    Part { kind: LOAD, flags, vaddr, memsz, data: data.to_vec() }
}

fn code() -> Part {
    part(R | X, BASE, 8, b"\x13\0\0\0\x13\0\0\0")
}

fn file(entry: u64, parts: &[Part]) -> Vec<u8> {
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(16, 0);
    for half in [2u16, 243] {
        out.extend(half.to_le_bytes());
    }
    out.extend(1u32.to_le_bytes());
    for word in [entry, HEADER as u64, 0] {
        out.extend(word.to_le_bytes());
    }
    out.extend(0u32.to_le_bytes());
    for half in [HEADER as u16, PHDR as u16, parts.len() as u16, 64, 0, 0] {
        out.extend(half.to_le_bytes());
    }
    let mut offset = (HEADER + PHDR * parts.len()) as u64;
    for part in parts {
        out.extend(part.kind.to_le_bytes());
        out.extend(part.flags.to_le_bytes());
        let filesz = part.data.len() as u64;
        for word in [offset, part.vaddr, part.vaddr, filesz, part.memsz, P] {
            out.extend(word.to_le_bytes());
        }
        offset += filesz;
    }
    parts.iter().for_each(|part| out.extend(&part.data));
    out
}

fn flags(bits: u32) -> SegFlags {
    SegFlags { r: bits & R != 0, w: bits & W != 0, x: bits & X != 0 }
}

#[track_caller]
fn refused(file: &[u8], text: &str) -> ElfError {
    let error = load(file).unwrap_err();
    assert_eq!(error.to_string(), text);
    error
}

/// `code()` with bytes of the file replaced.
fn patched(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file(BASE, &[code()]);
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn a_program_is_read() {
    let parts = [
        part(R | W, BASE + 3 * P, 5000, b"data"),
        Part { kind: 0x6474_e551, ..part(R | W, 0, 0, b"") },
        part(R | X, BASE + 0x10, 8, b"\x13\0\0\0\x13\0\0\0"),
        part(R, BASE + P, 3, b"abc"),
        part(R, 0, 0, b""),
        part(R, BASE + P + 3, 2, b""),
        part(X, BASE + 2 * P, P, b"\x13"),
    ];
    let file = file(BASE + 0x14, &parts);
    let Image { entry, segments } = load(&file).unwrap();
    assert_eq!(entry, BASE + 0x14);
    let read: Vec<_> = segments.iter().map(|s| (s.vaddr, s.memsz, s.data, s.flags)).collect();
    assert_eq!(
        read,
        [
            (BASE + 0x10, 8, &b"\x13\0\0\0\x13\0\0\0"[..], flags(R | X)),
            (BASE + P, 3, &b"abc"[..], flags(R)),
            (BASE + P + 3, 2, &b""[..], flags(R)),
            (BASE + 2 * P, P, &b"\x13"[..], flags(X)),
            (BASE + 3 * P, 5000, &b"data"[..], flags(R | W)),
        ]
    );
    // At any alignment of the bytes themselves.
    let mut shifted = vec![0];
    shifted.extend(&file);
    assert_eq!(load(&shifted[1..]).unwrap().segments.len(), 5);
}

#[test]
fn other_kinds_of_file_are_refused() {
    refused(b"#!/bin/sh", "not an ELF file");
    refused(b"", "truncated: file header up to byte 64, the file has 0 bytes");
    refused(b"\x7fEL", "truncated: file header up to byte 64, the file has 3 bytes");
    refused(&patched(4, &[1])[..52], "not a 64-bit program");
    refused(&patched(5, &[2]), "built for a big-endian machine, not RISC-V");
    refused(&patched(6, &[0]), "not version 1 of the ELF format");
    refused(&patched(18, &[62, 0]), "built for machine 62 (x86-64), not RISC-V");
    refused(&patched(18, &[183, 0]), "built for machine 183 (AArch64), not RISC-V");
    refused(&patched(18, &[0xff, 0xff]), "built for machine 65535, not RISC-V");
    let pie = refused(
        &patched(16, &[3]),
        "position-independent (ET_DYN, as a PIE or static-PIE is); link it at a fixed address (no-pie)",
    );
    assert_eq!(pie, ElfError::PositionIndependent);
    refused(&patched(16, &[1]), "not an executable: ELF type 1 (an object file that was not linked)");
    refused(&patched(16, &[4]), "not an executable: ELF type 4 (a core dump)");
    refused(&patched(16, &[9]), "not an executable: ELF type 9");
    let with = |kind| file(BASE, &[code(), Part { kind, ..part(R, BASE + P, 1, b"") }]);
    refused(&with(3), "asks for an interpreter (PT_INTERP); link it statically");
    refused(&with(2), "asks for dynamic linking (PT_DYNAMIC); link it statically");
}

#[test]
fn the_hosts_own_executable_is_refused() {
    let me = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(load(&me).is_err());
}

#[test]
fn every_truncation_is_an_error() {
    let file = file(BASE, &[code(), part(R | W, BASE + P, 100, b"data")]);
    for len in 0..file.len() {
        assert!(matches!(load(&file[..len]), Err(ElfError::Truncated { .. })), "{len}");
    }
    refused(&file[..100], "truncated: program headers up to byte 176, the file has 100 bytes");
    refused(&file[..180], "truncated: segment up to byte 184, the file has 180 bytes");
    let far = patched(HEADER + 8, &u64::MAX.to_le_bytes());
    refused(&far, "truncated: segment up to byte 18446744073709551615, the file has 128 bytes");
    let far = patched(32, &u64::MAX.to_le_bytes());
    refused(&far, "truncated: program headers up to byte 18446744073709551615, the file has 128 bytes");
}

#[test]
fn headers_are_counted() {
    let empty = Part { kind: 0, ..part(0, 0, 0, b"") };
    let many = |count: usize| {
        let mut parts = vec![empty.clone(); count - 1];
        parts.push(code());
        file(BASE, &parts)
    };
    assert!(load(&many(64)).is_ok());
    refused(&many(65), "65 program headers, 64 at most are allowed");
    refused(&patched(54, &[57, 0]), "program headers of 57 bytes, expected 56");
    refused(&file(BASE, &[]), "no segment to load");
    refused(&file(BASE, &[empty]), "no segment to load");
}

#[test]
fn segments_are_checked() {
    let with = |one: Part| file(BASE, &[code(), one]);
    let end = MAP_BASE as u64;
    let top = part(R, end - 1, 1, b"");
    assert!(load(&with(top)).is_ok());
    for (vaddr, memsz) in [(BASE - 1, 1), (0, 1), (end - 1, 2), (end, 1), (u64::MAX, 2), (BASE, u64::MAX)] {
        let text = format!(
            "segment of {memsz:#x} bytes at {vaddr:#x} is not within 0x10000..0x1000000000, where programs lie"
        );
        refused(&with(part(R, vaddr, memsz, b"")), &text);
    }
    let text = "segment at 0x11000 has more bytes in the file than in memory";
    refused(&with(part(R, BASE + P, 2, b"abc")), text);
    refused(&with(part(R, BASE + P, 0, b"abc")), text);
    refused(&with(part(R | W | X, BASE + P, 1, b"")), "segment at 0x11000 is both writable and executable");
    for bits in [0, W] {
        refused(&with(part(bits, BASE + P, 1, b"")), "segment at 0x11000 is neither readable nor executable");
    }
    refused(&with(part(R, BASE + 7, 1, b"")), "segments at 0x10000 and 0x10007 overlap");
    refused(&with(part(R | X, BASE, 1, b"")), "segments at 0x10000 and 0x10000 overlap");
    let text = "segments at 0x10000 and 0x10008 have different permissions but share a page";
    refused(&with(part(R, BASE + 8, 1, b"")), text);
    assert!(load(&with(part(R | X, BASE + 8, 1, b""))).is_ok());
    assert!(load(&with(part(R | W, BASE + P, (1 << 30) - 8, b""))).is_ok());
    let big = with(part(R | W, BASE + P, (1 << 30) - 7, b""));
    refused(&big, "takes 0x40000001 bytes of memory, 0x40000000 at most are allowed");
    for entry in [0, BASE - 1, BASE + 8, BASE + P, u64::MAX] {
        let data = part(R, BASE + P, 8, b"");
        refused(&file(entry, &[code(), data]), &format!("entry {entry:#x} is in no executable segment"));
    }
}

/// What [`Image`] promises of any file it accepts.
fn holds(image: &Image<'_>) {
    assert!(image.segments.iter().any(|s| s.flags.x && s.vaddr <= image.entry && image.entry < s.end()));
    let mut total = 0u64;
    for s in &image.segments {
        assert!(s.vaddr >= BASE && s.end() <= MAP_BASE as u64 && s.memsz > 0);
        assert!(s.data.len() as u64 <= s.memsz && !(s.flags.w && s.flags.x) && (s.flags.r || s.flags.x));
        total += s.memsz;
    }
    assert!(total <= 1 << 30);
    for (index, low) in image.segments.iter().enumerate() {
        for high in &image.segments[index + 1..] {
            assert!(low.end() <= high.vaddr);
            assert!((low.end() - 1) / P < high.vaddr / P || low.flags == high.flags);
        }
    }
}

fn try_load(file: &[u8]) {
    match load(file) {
        Ok(image) => holds(&image),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn any_part() -> impl Strategy<Value = Part> {
    let near = prop_oneof![(0..20 * P).prop_map(|at| BASE + at), any::<u64>()];
    let data = proptest::collection::vec(any::<u8>(), 0..20);
    (near, 0..3 * P, data, prop_oneof![9 => Just(LOAD), 1 => 0..8u32], 0..8u32)
        .prop_map(|(vaddr, memsz, data, kind, flags)| Part { kind, flags, vaddr, memsz, data })
}

proptest! {
    #[test]
    fn random_bytes_are_survived(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..600),
        header in 0..=HEADER,
    ) {
        let good = file(BASE, &[code()]);
        let keep = header.min(bytes.len());
        bytes[..keep].copy_from_slice(&good[..keep]);
        try_load(&bytes);
    }

    #[test]
    fn random_segments_are_survived(parts in proptest::collection::vec(any_part(), 0..8), entry in 0..20 * P) {
        try_load(&file(BASE + entry, &parts));
    }

    #[test]
    fn flipped_bits_are_survived(flips in proptest::collection::vec((0..184usize, 0..8u8), 1..8)) {
        let mut file = file(BASE, &[code(), part(R | W, BASE + P, 100, b"data")]);
        for (at, bit) in flips {
            file[at] ^= 1 << bit;
        }
        try_load(&file);
    }

    #[test]
    fn programs_round_trip(
        shapes in proptest::collection::vec((0..3 * P, 1..2 * P, 0..100usize, 0..4usize), 0..20),
        rotate in 0..20usize,
    ) {
        let mut parts = vec![code()];
        let mut at = BASE + P;
        for (skip, memsz, len, kind) in shapes {
            let vaddr = at + skip;
            let data = vec![kind as u8; len.min(memsz as usize)];
            parts.push(part([R, R | W, R | X, X][kind], vaddr, memsz, &data));
            at = (vaddr + memsz).next_multiple_of(P);
        }
        let mut shuffled = parts.clone();
        shuffled.rotate_left(rotate % parts.len());
        let file = file(BASE + 4, &shuffled);
        let image = load(&file).unwrap();
        holds(&image);
        prop_assert_eq!(image.segments.len(), parts.len());
        for (read, written) in image.segments.iter().zip(&parts) {
            prop_assert_eq!((read.vaddr, read.memsz), (written.vaddr, written.memsz));
            prop_assert_eq!((read.data, read.flags), (&written.data[..], flags(written.flags)));
        }
    }
}
