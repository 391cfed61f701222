//! The initrd: a tar archive of regular files.
//!
//! Our own reader, since `tar-no-std` refuses what GNU tar writes for names above 100 bytes, hands out names by value
//! only, and does not name the entry that is broken or cut off. Read are the `ustar` and GNU formats: names in one
//! field, with the `ustar` prefix, or in an entry of their own (GNU `L`). Directories are skipped; what is neither file
//! nor directory is refused by name, as are `pax` headers, which would override what follows them.

mod error;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

pub use error::TarError;

/// Bytes of one block, the unit of the format.
const BLOCK: usize = 512;
/// Fields of a header.
const NAME: Range<usize> = 0..100;
const SIZE: Range<usize> = 124..136;
const CHECKSUM: Range<usize> = 148..156;
const KIND: usize = 156;
const MAGIC: Range<usize> = 257..263;
const PREFIX: Range<usize> = 345..500;

/// Longest name of a file, in bytes.
pub const MAX_NAME: usize = 255;

/// Files that an archive may hold.
pub const MAX_FILES: usize = 4096;

/// A regular file of the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// Its path, without a leading `./`; 1 to [`MAX_NAME`] bytes.
    pub name: &'a str,
    /// Its content.
    pub data: &'a [u8],
}

/// An archive that was checked whole. Content is borrowed; names, too, unless their two parts had to be joined.
#[derive(Clone, Debug)]
pub struct Archive<'a> {
    /// In the order of the archive.
    files: Vec<Entry<'a>>,
    /// Indices of `files` by name.
    by_name: Vec<u16>,
}

impl<'a> Archive<'a> {
    /// Checks every header of an archive and finds its files.
    ///
    /// # Errors
    /// See [`TarError`]. What follows the two zero blocks of the end is not looked at.
    pub fn new(bytes: &'a [u8]) -> Result<Archive<'a>, TarError> {
        let mut reader = Reader { bytes, offset: 0, last: Cow::Borrowed("") };
        let mut files: Vec<Entry<'a>> = Vec::new();
        while let Some(file) = reader.file()? {
            if files.len() == MAX_FILES {
                return Err(TarError::TooManyFiles);
            }
            files.push(file);
        }
        let mut by_name: Vec<u16> = (0..files.len() as u16).collect();
        by_name.sort_unstable_by_key(|&index| &files[usize::from(index)].0);
        for pair in by_name.windows(2) {
            let name = &files[usize::from(pair[0])].0;
            if *name == files[usize::from(pair[1])].0 {
                return Err(TarError::DuplicateName(name.clone().into_owned()));
            }
        }
        Ok(Archive { files, by_name })
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are no files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file at `index`, in the order of the archive.
    pub fn get(&self, index: usize) -> Option<File<'_>> {
        self.files.get(index).map(|(name, data)| File { name, data })
    }

    /// Every file, in the order of the archive.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = File<'_>> {
        self.files.iter().map(|(name, data)| File { name, data })
    }

    /// Index of the file called exactly `name`.
    pub fn find_index(&self, name: &str) -> Option<usize> {
        let place =
            self.by_name.binary_search_by(|&index| (*self.files[usize::from(index)].0).cmp(name)).ok()?;
        Some(usize::from(self.by_name[place]))
    }

    /// The file called exactly `name`.
    pub fn find(&self, name: &str) -> Option<File<'_>> {
        self.get(self.find_index(name)?)
    }

    /// Content of the file called exactly `name`, for as long as the archive's bytes live.
    pub fn data(&self, name: &str) -> Option<&'a [u8]> {
        Some(self.files[self.find_index(name)?].1)
    }
}

/// Name and content.
type Entry<'a> = (Cow<'a, str>, &'a [u8]);

/// Walks the entries of an archive.
struct Reader<'a> {
    bytes: &'a [u8],
    /// Where the next block is.
    offset: usize,
    /// Name of the last entry, for errors; empty before the first.
    last: Cow<'a, str>,
}

impl<'a> Reader<'a> {
    /// The next regular file; `None` at the end of the archive.
    fn file(&mut self) -> Result<Option<Entry<'a>>, TarError> {
        let mut long_name = None;
        while let Some(header) = self.header()? {
            let kind = header[KIND];
            if kind == b'L' {
                self.last = Cow::Borrowed("././@LongLink");
                let content = self.content(header)?;
                long_name = Some(text(content).ok_or(TarError::BadName { offset: self.offset })?);
                continue;
            }
            self.last = match long_name.take() {
                Some(name) => Cow::Borrowed(name),
                None => name(header).ok_or(TarError::BadName { offset: self.offset - BLOCK })?,
            };
            // The size of a directory is a hint; nothing of it is in the archive.
            if kind == b'5' {
                continue;
            }
            // A directory from before these had a kind of their own. To the format it is a file, so its size counts.
            if matches!(kind, b'0' | 0 | b'7') && self.last.ends_with('/') {
                self.content(header)?;
                continue;
            }
            if self.last.is_empty() || self.last.len() > MAX_NAME {
                return Err(TarError::BadName { offset: self.offset - BLOCK });
            }
            if !matches!(kind, b'0' | 0 | b'7') {
                return Err(TarError::NotAFile { name: self.last.clone().into_owned(), kind });
            }
            let content = self.content(header)?;
            return Ok(Some((self.last.clone(), content)));
        }
        match long_name {
            Some(name) => Err(TarError::Truncated { name: name.into() }),
            None => Ok(None),
        }
    }

    /// The next header, its checksum checked; `None` at the two zero blocks of the end.
    fn header(&mut self) -> Result<Option<&'a [u8; BLOCK]>, TarError> {
        let missing_end = || TarError::MissingEnd { after: self.last.clone().into_owned() };
        let block = self.block().ok_or_else(missing_end)?;
        if block.iter().all(|&byte| byte == 0) {
            self.offset += BLOCK;
            let second = self.block().ok_or_else(missing_end)?;
            return if second.iter().all(|&byte| byte == 0) { Ok(None) } else { Err(missing_end()) };
        }
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        // The field itself counts as spaces.
        let field: u64 = block[CHECKSUM].iter().map(|&byte| u64::from(byte)).sum();
        if octal(&block[CHECKSUM]) != Some(sum - field + 8 * u64::from(b' ')) {
            return Err(TarError::BadChecksum { offset: self.offset, after: self.last.clone().into_owned() });
        }
        self.offset += BLOCK;
        Ok(Some(block))
    }

    /// The block at `offset`, if it is there whole.
    fn block(&self) -> Option<&'a [u8; BLOCK]> {
        self.bytes.get(self.offset..)?.first_chunk()
    }

    /// The content behind `header`, which is the entry called `last`.
    fn content(&mut self, header: &[u8; BLOCK]) -> Result<&'a [u8], TarError> {
        let size = octal(&header[SIZE]).and_then(|size| usize::try_from(size).ok());
        let size = size.ok_or_else(|| TarError::BadSize { name: self.last.clone().into_owned() })?;
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        // The padding to a whole block must be there, too: the end comes after it.
        match size.checked_next_multiple_of(BLOCK) {
            Some(padded) if padded <= rest.len() => {
                self.offset += padded;
                Ok(&rest[..size])
            }
            _ => Err(TarError::Truncated { name: self.last.clone().into_owned() }),
        }
    }
}

/// The name that a header holds, without a leading `./`; `None` if it is not UTF-8.
fn name(header: &[u8; BLOCK]) -> Option<Cow<'_, str>> {
    let name = text(&header[NAME])?;
    // GNU tar (whose magic ends in spaces) keeps other things where the prefix is.
    let prefix = if header[MAGIC] == *b"ustar\0" { text(&header[PREFIX])? } else { "" };
    Some(match prefix {
        "" | "." => Cow::Borrowed(name),
        _ => {
            let mut joined = String::with_capacity(prefix.len() + 1 + name.len());
            joined.push_str(prefix);
            joined.push('/');
            joined.push_str(name);
            Cow::Owned(joined)
        }
    })
}

/// The text of a field up to its first NUL, without leading `./`; `None` if it is not UTF-8.
fn text(field: &[u8]) -> Option<&str> {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    let text = core::str::from_utf8(&field[..end]).ok()?;
    Some(text.trim_start_matches("./"))
}

/// A number in octal digits between optional spaces, up to a NUL; `None` if there is none or it does not fit.
fn octal(field: &[u8]) -> Option<u64> {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    let digits = field[..end].trim_ascii();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &digit| match digit {
        b'0'..=b'7' => number.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}
