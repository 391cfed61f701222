//! Files of the initrd: read-only, found by name.

use antler_abi::Error;

use crate::sys;

/// One file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    index: usize,
    size: u64,
}

impl File {
    /// The file called `name`. Errors: `NoFile`.
    pub fn find(name: &str) -> Result<File, Error> {
        File::by_index(sys::file_find(name.as_bytes())?)
    }

    /// File number `index`, counted from 0 without gaps. Errors: `NoFile` past the last one.
    pub fn by_index(index: usize) -> Result<File, Error> {
        Ok(File { index, size: sys::file_info(index, &mut [])? })
    }

    /// Its number.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its name, cut to what fits `buffer`.
    pub fn name<'a>(&self, buffer: &'a mut [u8]) -> Result<&'a [u8], Error> {
        sys::file_info(self.index, buffer)?;
        let end = buffer.iter().position(|&byte| byte == 0).unwrap_or(buffer.len());
        Ok(&buffer[..end])
    }

    /// Reads at byte `offset` as much as fits `buffer`, at most 64 KiB: bytes read, 0 at the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        sys::file_read(self.index, offset, buffer)
    }
}
