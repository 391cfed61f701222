//! The program reader. The oracle reads the program headers a second time, by offsets from the specification.

use antler_abi::{MAP_BASE, PAGE, USER_BASE};
use antler_parse::elf::{Image, MAX_HEADERS, MAX_MEMORY, load};

use super::readable;

pub(super) const WORDS: &[&[u8]] = &[
    b"\x7fELF\x02\x01\x01\0",
    b"\x01\0\0\0\x05\0\0\0",
    b"\x01\0\0\0\x06\0\0\0",
    b"\x01\0\0\0\x04\0\0\0",
    b"\x02\0\0\0\x06\0\0\0",
    b"\x03\0\0\0\x04\0\0\0",
    b"\0\0\x01\0\0\0\0\0",
    b"\0\x10\0\0\0\0\0\0",
    b"\0\0\0\0\x10\0\0\0",
    b"\0\0\0\x40\0\0\0\0",
];

pub(super) fn run(data: &[u8]) {
    match load(data) {
        Ok(image) => {
            holds(&image, data);
            same_as_headers(&image, data);
            needs_its_bytes(&image, data);
        }
        Err(error) => readable(&error),
    }
}

/// What `Image` and `Segment` promise.
fn holds(image: &Image<'_>, data: &[u8]) {
    let inside = data.as_ptr_range();
    let mut total = 0u64;
    for segment in &image.segments {
        let end = segment.vaddr.checked_add(segment.memsz).expect("a segment wraps around");
        assert!(segment.memsz > 0 && segment.end() == end);
        assert!(segment.vaddr >= USER_BASE as u64 && end <= MAP_BASE as u64, "outside the user range");
        assert!(segment.data.len() as u64 <= segment.memsz);
        let bytes = segment.data.as_ptr_range();
        assert!(inside.start <= bytes.start && bytes.end <= inside.end, "content from outside the file");
        assert!(!(segment.flags.w && segment.flags.x), "writable and executable");
        assert!(segment.flags.r || segment.flags.x, "neither readable nor executable");
        total = total.checked_add(segment.memsz).expect("sizes overflow");
    }
    assert!(total <= MAX_MEMORY && (1..=MAX_HEADERS).contains(&image.segments.len()));
    for pair in image.segments.windows(2) {
        let (low, high) = (&pair[0], &pair[1]);
        assert!(low.end() <= high.vaddr, "overlapping, or not ascending");
        let shared = (low.end() - 1) / PAGE as u64 == high.vaddr / PAGE as u64;
        assert!(!shared || low.flags == high.flags, "a page with two kinds of access");
    }
    let in_code = |s: &&antler_parse::elf::Segment<'_>| {
        s.flags.x && s.vaddr <= image.entry && image.entry - s.vaddr < s.memsz
    };
    assert!(image.segments.iter().any(|s| in_code(&s)), "entry outside the code");
}

fn word(data: &[u8], at: usize, width: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(&data[at..at + width]);
    u64::from_le_bytes(bytes)
}

/// The file's loadable headers: virtual address, memory size, flags, offset, file size; ascending.
fn loadable(data: &[u8]) -> Vec<[u64; 5]> {
    let (table, count) = (word(data, 32, 8) as usize, word(data, 56, 2) as usize);
    let mut headers: Vec<[u64; 5]> = (0..count)
        .map(|index| table + 56 * index)
        .filter(|&at| word(data, at, 4) == 1 && word(data, at + 40, 8) > 0)
        .map(|at| {
            [
                word(data, at + 16, 8),
                word(data, at + 40, 8),
                word(data, at + 4, 4) & 7,
                word(data, at + 8, 8),
                word(data, at + 32, 8),
            ]
        })
        .collect();
    headers.sort_unstable();
    headers
}

/// Each loadable header is one segment, and no segment comes from elsewhere.
fn same_as_headers(image: &Image<'_>, data: &[u8]) {
    let headers = loadable(data);
    assert_eq!(headers.len(), image.segments.len());
    assert_eq!(word(data, 24, 8), image.entry);
    for (header, segment) in headers.into_iter().zip(&image.segments) {
        let [vaddr, memsz, flags, offset, filesz] = header;
        let bits =
            u64::from(segment.flags.r) << 2 | u64::from(segment.flags.w) << 1 | u64::from(segment.flags.x);
        assert_eq!((vaddr, memsz, flags), (segment.vaddr, segment.memsz, bits));
        assert_eq!(segment.data, &data[offset as usize..(offset + filesz) as usize]);
    }
}

/// Bytes behind the last one needed do not matter; without that one the file is refused.
fn needs_its_bytes(image: &Image<'_>, data: &[u8]) {
    let table = word(data, 32, 8) + 56 * word(data, 56, 2);
    let content = loadable(data).into_iter().map(|[.., offset, filesz]| offset + filesz);
    let need = content.chain([table, 64]).max().unwrap_or(0) as usize;
    assert_eq!(load(&data[..need]).as_ref(), Ok(image));
    assert!(load(&data[..need - 1]).is_err(), "accepted without its last byte");
}
