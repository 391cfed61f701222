//! The archive reader. The oracle is the `tar` crate, which shares no code with it.

use std::io::Read as _;

use antler_parse::initrd::{Archive, MAX_FILES, MAX_NAME};

use super::manifest;

const BLOCK: usize = 512;

pub(super) const WORDS: &[&[u8]] = &[
    b"ustar\0",
    b"ustar  \0",
    b"././@LongLink",
    b"./",
    b"bin/",
    b"manifest",
    b"00000000001\0",
    b"L",
    b"5",
    &[0; 1024],
];

pub(super) fn run(data: &[u8]) {
    read(data);
    read(&with_checksums(data));
}

/// The same bytes with the checksum of each header made right, contents stepped over by their sizes. Mutants of headers
/// would else all end at the first check.
fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    let mut at = 0usize;
    while let Some(block) = at.checked_add(BLOCK).and_then(|end| data.get_mut(at..end)) {
        at += BLOCK;
        if block.iter().all(|&byte| byte == 0) {
            continue;
        }
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let size =
            std::str::from_utf8(&block[124..135]).ok().and_then(|size| usize::from_str_radix(size, 8).ok());
        at = at.saturating_add(size.unwrap_or(0).next_multiple_of(BLOCK));
    }
    data
}

fn read(data: &[u8]) {
    match Archive::new(data) {
        Ok(archive) => {
            holds(&archive, data);
            same_as_tar(&archive, data);
            if let Some(text) = archive.data("manifest") {
                manifest::run(text);
            }
        }
        // A name that is too long is quoted in full.
        Err(error) => assert!((1..data.len() + 256).contains(&error.to_string().len())),
    }
}

/// What `Archive` and `File` promise.
fn holds(archive: &Archive<'_>, data: &[u8]) {
    assert!(archive.len() <= MAX_FILES);
    assert_eq!(archive.iter().count(), archive.len());
    let start = data.as_ptr() as usize;
    let mut end_before = 0;
    for (index, file) in archive.iter().enumerate() {
        assert!((1..=MAX_NAME).contains(&file.name.len()), "a name of {} bytes", file.name.len());
        assert!(!file.name.starts_with("./") && !file.name.contains('\0'), "name {:?}", file.name);
        // A header lies between any two contents, and contents begin with a block.
        let at = file.data.as_ptr() as usize - start;
        assert!(at.is_multiple_of(BLOCK) && at >= end_before + BLOCK);
        end_before = at + file.data.len();
        assert!(end_before <= data.len() - 2 * BLOCK, "content in the end of the archive");
        assert_eq!(archive.find_index(file.name), Some(index), "two files of one name, or one not found");
        assert_eq!((archive.get(index), archive.find(file.name)), (Some(file), Some(file)));
        assert_eq!(archive.data(file.name), Some(file.data));
    }
    assert_eq!(archive.get(archive.len()), None);
}

/// The same files, in the same order, as the other reader finds; unless it does not know the header's dialect.
fn same_as_tar(archive: &Archive<'_>, data: &[u8]) {
    let mut other = tar::Archive::new(data);
    let mut files = archive.iter();
    for entry in other.entries().expect("a slice can be read") {
        let Ok(mut entry) = entry else { return };
        let header = entry.header();
        if header.as_ustar().is_none() && header.as_gnu().is_none() {
            return;
        }
        // A long name is a C string here, and all of its entry there.
        let path = entry.path_bytes().split(|&byte| byte == 0).next().unwrap_or_default().to_vec();
        let kind = header.entry_type().as_byte();
        if kind == b'5' && header.size().is_ok_and(|size| size > 0) {
            // No content follows by the standard; the other reader steps over some all the same.
            return;
        }
        if kind == b'5' || path.ends_with(b"/") {
            continue;
        }
        let mut content = Vec::new();
        if entry.read_to_end(&mut content).is_err() {
            return;
        }
        let file = files.next().expect("the other reader finds more files");
        let path = String::from_utf8_lossy(&path).into_owned();
        assert_eq!(parts(file.name), parts(&path));
        assert_eq!(file.data, content);
    }
    assert_eq!(files.next(), None, "the other reader finds fewer files");
}

/// A path without what means nothing: `.` and doubled slashes, which the two readers take out in different places.
fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_made_right_are_right() {
        let mut block = vec![0; 3 * BLOCK];
        block[..4].copy_from_slice(b"name");
        block[124..136].copy_from_slice(b"00000000000\0");
        assert!(Archive::new(&block).is_err());
        assert_eq!(Archive::new(&with_checksums(&block)).map(|archive| archive.len()), Ok(1));
    }
}
