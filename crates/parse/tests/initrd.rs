//! The tar reader, on archives written by the `tar` crate, by hand, and on damaged ones.

use antler_parse::initrd::{Archive, MAX_FILES, TarError};
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};

const BLOCK: usize = 512;

fn gnu(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, data) in files {
        let mut header = Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *data).unwrap();
    }
    builder.into_inner().unwrap()
}

fn ustar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, data) in files {
        let mut header = Header::new_ustar();
        header.set_size(data.len() as u64);
        header.set_path(name).unwrap();
        header.set_cksum();
        builder.append(&header, *data).unwrap();
    }
    builder.into_inner().unwrap()
}

/// An archive with one entry whose header `f` changes before its checksum is made.
fn with_header(name: &[u8], f: impl FnOnce(&mut Header), content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_size(content.len() as u64);
    f(&mut header);
    header.set_cksum();
    let mut out = header.as_bytes().to_vec();
    out.extend(content);
    out.resize(out.len().next_multiple_of(BLOCK) + 2 * BLOCK, 0);
    out
}

fn list(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let archive = Archive::new(bytes).unwrap();
    archive.iter().map(|file| (file.name.to_string(), file.data.to_vec())).collect()
}

#[track_caller]
fn refused(bytes: &[u8], text: &str) {
    assert_eq!(Archive::new(bytes).unwrap_err().to_string(), format!("tar archive: {text}"));
}

#[test]
fn files_keep_their_order_and_are_found_by_name() {
    let bytes = gnu(&[("manifest", b"m"), ("bin/b", &[7; 513]), ("bin/a", b""), ("z", &[1; 512])]);
    let archive = Archive::new(&bytes).unwrap();
    let names: Vec<&str> = archive.iter().map(|file| file.name).collect();
    assert_eq!(names, ["manifest", "bin/b", "bin/a", "z"]);
    assert_eq!((archive.len(), archive.is_empty()), (4, false));
    for (index, name) in names.into_iter().enumerate() {
        assert_eq!(archive.find_index(name), Some(index));
        assert_eq!(archive.find(name), archive.get(index));
        assert_eq!(archive.data(name), Some(archive.get(index).unwrap().data));
    }
    assert_eq!(archive.find("bin/b").unwrap().data, [7; 513]);
    for absent in ["", "bin", "bin/", "bin/c", "Z", "./z"] {
        assert_eq!((archive.find(absent), archive.data(absent)), (None, None));
    }
    assert_eq!(archive.get(4), None);
    let end = [0; 2 * BLOCK];
    assert!(Archive::new(&end).unwrap().is_empty());
}

#[test]
fn long_names_in_both_formats() {
    let long = format!("{}/{}", "d".repeat(150), "n".repeat(99));
    let longest = "x".repeat(255);
    let files = [(long.as_str(), &b"1"[..]), (longest.as_str(), b"2"), ("short", b"3")];
    assert_eq!(list(&gnu(&files)), files.map(|(name, data)| (name.to_string(), data.to_vec())));
    let exact = "y".repeat(100);
    let files = [(long.as_str(), &b"1"[..]), (exact.as_str(), b"2"), ("short", b"3")];
    assert_eq!(list(&ustar(&files)), files.map(|(name, data)| (name.to_string(), data.to_vec())));
    refused(
        &gnu(&[(&"x".repeat(256), b"")]),
        "the name of the entry at byte 1024 is not 1 to 255 bytes of UTF-8",
    );
    let full = with_header(&[b'n'; 100], |h| h.as_ustar_mut().unwrap().prefix = [b'p'; 155], b"");
    refused(&full, "the name of the entry at byte 0 is not 1 to 255 bytes of UTF-8");
}

#[test]
fn directories_are_skipped_and_a_leading_dot_goes() {
    let mut builder = Builder::new(Vec::new());
    for dir in ["./", "bin/"] {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..dir.len()].copy_from_slice(dir.as_bytes());
        header.set_entry_type(EntryType::Directory);
        header.set_size(0);
        header.set_cksum();
        builder.append(&header, &b""[..]).unwrap();
    }
    let mut bytes = builder.into_inner().unwrap();
    bytes.truncate(2 * BLOCK);
    bytes.extend(with_header(b"old/", |header| header.as_mut_bytes()[156] = 0, b""));
    bytes.truncate(3 * BLOCK);
    bytes.extend(with_header(b"./bin/a", |_| {}, b"A"));
    assert_eq!(list(&bytes), [("bin/a".to_string(), b"A".to_vec())]);
    let prefix = with_header(b"a", |h| h.as_ustar_mut().unwrap().prefix[..5].copy_from_slice(b"./bin"), b"A");
    assert_eq!(list(&prefix), [("bin/a".to_string(), b"A".to_vec())]);
    // What an old directory brings along is stepped over, and not taken for the next header.
    let old = with_header(b"old/", |_| {}, &with_header(b"smuggled", |_| {}, b"x")[..2 * BLOCK]);
    assert_eq!(list(&old), []);
    // A file that is to lie in one piece is a file otherwise, and so a directory by its name as well.
    let contiguous = with_header(b"old/", |header| header.as_mut_bytes()[156] = b'7', b"x");
    assert_eq!(list(&contiguous), []);
    let dots = with_header(b"././a", |_| {}, b"A");
    assert_eq!(list(&dots), [("a".to_string(), b"A".to_vec())]);
    refused(
        &with_header(b"././", |_| {}, b"A")[..],
        "the name of the entry at byte 0 is not 1 to 255 bytes of UTF-8",
    );
    let dot = with_header(b"a", |h| h.as_ustar_mut().unwrap().prefix[0] = b'.', b"A");
    assert_eq!(list(&dot), [("a".to_string(), b"A".to_vec())]);
}

#[test]
fn what_is_no_file_is_refused_by_name() {
    for (kind, what) in [
        (b'1', "a hard link"),
        (b'2', "a symbolic link"),
        (b'K', "a symbolic link"),
        (b'3', "a device or pipe"),
        (b'6', "a device or pipe"),
        (b'x', "a pax header; make the archive with --format=gnu or --format=ustar"),
        (b'g', "a pax header; make the archive with --format=gnu or --format=ustar"),
        (b'S', "a sparse file; make the archive without --sparse"),
        (b'?', "of an unknown kind"),
    ] {
        let bytes = with_header(b"odd", |header| header.as_mut_bytes()[156] = kind, b"");
        refused(&bytes, &format!("`odd` is neither file nor directory, but {what}"));
    }
    for kind in [b'0', b'7', 0] {
        let bytes = with_header(b"plain", |header| header.as_mut_bytes()[156] = kind, b"x");
        assert_eq!(list(&bytes).len(), 1);
    }
}

#[test]
fn headers_are_checked() {
    let mut bytes = gnu(&[("a", b"1"), ("b", b"2")]);
    bytes[2 * BLOCK + 3] ^= 1;
    refused(&bytes, "the checksum of the header at byte 1024, after `a`, is wrong");
    refused(&[b'x'; 3 * BLOCK], "the first header's checksum is wrong; damaged, or not a tar archive");
    for size in [
        &b"00000000008\0"[..],
        b"\0\0\0\0\0\0\0\0\0\0\0\0",
        b"0000 000001\0",
        b"\x80\0\0\0\0\0\0\0\0\0\0\x01",
    ] {
        let bytes = with_header(b"a", |header| header.as_mut_bytes()[124..136].copy_from_slice(size), b"");
        refused(&bytes, "the size of `a` is not an octal number");
    }
    let spaced = with_header(b"a", |h| h.as_mut_bytes()[124..136].copy_from_slice(b"          1 "), b"x");
    assert_eq!(list(&spaced), [("a".to_string(), b"x".to_vec())]);
    let nameless = "the name of the entry at byte 0 is not 1 to 255 bytes of UTF-8";
    refused(&with_header(b"", |_| {}, b""), nameless);
    refused(&with_header(b"\xff", |_| {}, b""), nameless);
    refused(&gnu(&[("a", b""), ("b", b""), ("a", b"")]), "two files are called `a`");
}

#[test]
fn truncation_names_the_entry() {
    let bytes = gnu(&[("first", &[1; 600]), ("second", &[2; 100])]);
    let end = bytes.len();
    for len in 0..end {
        let error = Archive::new(&bytes[..len]).unwrap_err();
        let expected = match len / BLOCK {
            0 => TarError::MissingEnd { after: "".into() },
            1..3 => TarError::Truncated { name: "first".into() },
            3 => TarError::MissingEnd { after: "first".into() },
            4 => TarError::Truncated { name: "second".into() },
            _ => TarError::MissingEnd { after: "second".into() },
        };
        assert_eq!(error, expected, "{len}");
    }
    refused(&bytes[..BLOCK], "ends within `first`");
    refused(&[], "truncated: neither an entry nor the two zero blocks of an end");
    refused(&bytes[..end - 1], "truncated: no two zero blocks mark its end, the last entry is `second`");
    let huge = with_header(b"huge", |h| h.as_mut_bytes()[124..136].copy_from_slice(b"777777777777"), b"");
    refused(&huge, "ends within `huge`");
    let name = "x".repeat(120);
    let mut named = gnu(&[(&name, b"")]);
    refused(&named[..BLOCK], "ends within `././@LongLink`");
    named.drain(2 * BLOCK..3 * BLOCK);
    refused(&named, &format!("ends within `{name}`"));
    // What follows the end does not matter, as tar fills up its last record.
    let mut padded = bytes;
    padded.extend([0xff; 700]);
    assert_eq!(list(&padded).len(), 2);
}

#[test]
fn a_large_file_is_borrowed_not_copied() {
    let data = vec![0x5a; 256 << 20];
    let bytes = gnu(&[("large", &data), ("after", b"x")]);
    let archive = Archive::new(&bytes).unwrap();
    assert_eq!(archive.find("large").unwrap().data.as_ptr(), bytes[BLOCK..].as_ptr());
    assert_eq!(archive.find("large").unwrap().data.len(), data.len());
    assert_eq!(archive.find("after").unwrap().data, b"x");
}

#[test]
fn the_number_of_files_is_bounded() {
    let names: Vec<String> = (0..=MAX_FILES).map(|index| index.to_string()).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert_eq!(list(&gnu(&files[..MAX_FILES])).len(), MAX_FILES);
    refused(&gnu(&files), "more than 4096 files");
}

proptest! {
    #[test]
    fn archives_round_trip(
        files in proptest::collection::btree_map(
            "[a-z0-9]{1,30}(/[a-z0-9][a-z0-9._-]{0,59}){0,3}",
            proptest::collection::vec(any::<u8>(), 0..1500),
            0..8,
        ),
        posix: bool,
    ) {
        let listed: Vec<(&str, &[u8])> = files.iter().rev().map(|(name, data)| (name.as_str(), &data[..])).collect();
        let bytes = if posix { ustar(&listed) } else { gnu(&listed) };
        let expected: Vec<_> = listed.iter().map(|(name, data)| (name.to_string(), data.to_vec())).collect();
        prop_assert_eq!(list(&bytes), expected);
        let archive = Archive::new(&bytes).unwrap();
        for (name, data) in &listed {
            prop_assert_eq!(archive.find(name).unwrap().data, *data);
        }
    }

    #[test]
    fn random_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let _ = Archive::new(&bytes);
    }

    #[test]
    fn damaged_headers_are_survived(
        changes in proptest::collection::vec((0..BLOCK, any::<u8>()), 1..8),
        entry in 0..3usize,
        cut in 0..8 * BLOCK,
    ) {
        let name = "n".repeat(120);
        let mut bytes = gnu(&[(&name, b"content"), ("b", &[1; 700])]);
        // Headers of the long name, of the file that has it, and of the other; checksums made right again.
        let at = [0, 2, 4][entry] * BLOCK;
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(&bytes[at..at + BLOCK]);
        for (offset, value) in changes {
            header.as_mut_bytes()[offset] = value;
        }
        header.set_cksum();
        bytes[at..at + BLOCK].copy_from_slice(header.as_bytes());
        let _ = Archive::new(&bytes);
        bytes.truncate(bytes.len() - cut.min(bytes.len()));
        let _ = Archive::new(&bytes);
    }
}
