//! Archives of arbitrary entries, written here header by header: read exactly if every entry keeps the rules, which are
//! written down here a second time.

use antler_parse::initrd::{Archive, TarError};
use proptest::prelude::*;

const BLOCK: usize = 512;

#[derive(Clone, Debug)]
struct Entry {
    prefix: String,
    name: String,
    kind: u8,
    content: Vec<u8>,
    posix: bool,
    checksum_off: u32,
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let name = prop_oneof![
        10 => "[a-c]{1,2}(/[a-c]{1,2}){0,2}",
        2 => "\\./[a-c]{1,3}",
        1 => "(\\./){2,3}[a-c]?",
        1 => "[a-c]/",
        1 => "",
        1 => "[a-z]{95,100}",
        1 => "ä[a-b]",
    ];
    let prefix = prop_oneof![6 => "", 2 => "[a-b]{1,2}", 1 => "\\.", 1 => "\\./[a-b]", 1 => "[a-z]{150,155}"];
    let kind = prop_oneof![
        12 => Just(b'0'),
        2 => Just(0),
        1 => Just(b'7'),
        2 => Just(b'5'),
        1 => proptest::sample::select(&b"12346xgSK?"[..]),
    ];
    let content = proptest::collection::vec(any::<u8>(), 0..1100);
    let off = prop_oneof![15 => Just(0u32), 1 => 1..100u32];
    (prefix, name, kind, content, any::<bool>(), off).prop_map(
        |(prefix, name, kind, content, posix, checksum_off)| {
            // A directory has no content, unless it is one of the old kind.
            let content = if kind == b'5' { Vec::new() } else { content };
            Entry { prefix, name, kind, content, posix, checksum_off }
        },
    )
}

fn header(entry: &Entry) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
    block[124..135].copy_from_slice(format!("{:011o}", entry.content.len()).as_bytes());
    block[156] = entry.kind;
    block[257..265].copy_from_slice(if entry.posix { b"ustar\x0000" } else { b"ustar  \0" });
    block[345..345 + entry.prefix.len()].copy_from_slice(entry.prefix.as_bytes());
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum::<u32>() + entry.checksum_off;
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn write(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        out.extend(header(entry));
        out.extend(&entry.content);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

/// The name by which the file is to be found.
fn path(entry: &Entry) -> String {
    let plain = |text: &str| text.trim_start_matches("./").to_owned();
    let (prefix, name) = (plain(&entry.prefix), plain(&entry.name));
    match prefix.as_str() {
        _ if !entry.posix => name,
        "" | "." => name,
        prefix => format!("{prefix}/{name}"),
    }
}

/// The files, or how many entries are read before the one that is refused.
fn expected(entries: &[Entry]) -> Result<Vec<(String, Vec<u8>)>, usize> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let path = path(entry);
        if entry.checksum_off != 0 {
            return Err(at);
        }
        if entry.kind == b'5' || (matches!(entry.kind, b'0' | 0 | b'7') && path.ends_with('/')) {
            continue;
        }
        if path.is_empty() || path.len() > 255 || !matches!(entry.kind, b'0' | 0 | b'7') {
            return Err(at);
        }
        files.push((path, entry.content.clone()));
    }
    let mut names: Vec<&String> = files.iter().map(|file| &file.0).collect();
    names.sort_unstable();
    // Found when all are read.
    if names.windows(2).any(|pair| pair[0] == pair[1]) { Err(entries.len()) } else { Ok(files) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_archive_is_read_exactly_if_its_entries_keep_the_rules(
        entries in proptest::collection::vec(any_entry(), 0..6),
    ) {
        let bytes = write(&entries);
        match (Archive::new(&bytes), expected(&entries)) {
            (Ok(archive), Ok(files)) => {
                let read: Vec<(String, Vec<u8>)> =
                    archive.iter().map(|file| (file.name.to_owned(), file.data.to_vec())).collect();
                prop_assert_eq!(&read, &files);
                for (at, (name, data)) in files.iter().enumerate() {
                    prop_assert_eq!(archive.find_index(name), Some(at));
                    prop_assert_eq!(archive.data(name), Some(&data[..]));
                }
            }
            (Err(error), Err(at)) => {
                // The first entry that is wrong is the one that is named.
                let offset: usize = entries[..at]
                    .iter()
                    .map(|entry| BLOCK + entry.content.len().next_multiple_of(BLOCK))
                    .sum();
                match error {
                    TarError::BadChecksum { offset: named, .. } | TarError::BadName { offset: named } => {
                        prop_assert_eq!(named, offset)
                    }
                    TarError::NotAFile { name, kind } => {
                        prop_assert_eq!((name, kind), (path(&entries[at]), entries[at].kind))
                    }
                    TarError::DuplicateName(_) => prop_assert_eq!(at, entries.len()),
                    other => prop_assert!(false, "{}", other),
                }
            }
            (read, expected) => prop_assert!(false, "{:?}, expected {:?}", read.map(|a| a.len()), expected),
        }
    }

    /// Cut anywhere before its end, an archive is refused.
    #[test]
    fn no_part_of_an_archive_is_an_archive(
        entries in proptest::collection::vec(any_entry(), 1..4),
        cut in any::<proptest::sample::Index>(),
    ) {
        let bytes = write(&entries);
        prop_assert!(Archive::new(&bytes[..cut.index(bytes.len())]).is_err());
    }
}
