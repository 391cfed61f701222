//! The kernel's image as a list of instructions, each with the function that holds it and the source lines that it was
//! compiled from, the lines of inlined functions and of their callers included.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use addr2line::gimli::{self, EndianSlice, LittleEndian};
use anyhow::Context as _;
use disc_v::Decoder;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

/// The section that holds all code.
const CODE: &str = ".text";

/// What the image's code is made of. The kernel itself has no floating point; what saves that of tasks has.
const DECODER: Decoder = Decoder::RV64GC;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Where it runs.
    pub address: u64,
    /// Its encoding: 2 or 4 bytes, little-endian.
    pub bytes: Vec<u8>,
    /// As `objdump` writes it: `ld sp,24(tp)`.
    pub text: String,
}

impl Code {
    /// Reads the instruction at the front of `bytes`.
    pub fn read(address: u64, bytes: &[u8]) -> Option<Code> {
        let read = DECODER.decode_bytes(address, bytes)?;
        let bytes = bytes.get(..read.length())?.to_vec();
        // Jumps and calls carry their target's name in brackets where there is one; we give the decoder none.
        Some(Code { address, bytes, text: read.to_string() })
    }
}

/// A line of the source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Line {
    /// From the root.
    file: PathBuf,
    /// Counted from 1.
    number: usize,
}

/// An image and what is known about its code.
pub struct Image<'a> {
    root: &'a Path,
    bytes: &'a [u8],
    /// Where the code lies in the file.
    offset: usize,
    /// The code's first address.
    base: u64,
    code: Vec<Code>,
    /// First address, end and name of each function.
    symbols: Vec<(u64, u64, String)>,
    lines: addr2line::Context<Slice<'a>>,
    sources: RefCell<HashMap<PathBuf, Vec<String>>>,
    compiler: Option<String>,
}

impl<'a> Image<'a> {
    /// Reads an image that was built from the sources under `root`.
    ///
    /// # Errors
    /// It is no ELF file, has no code, or does not say where its code comes from.
    pub fn read(root: &'a Path, bytes: &'a [u8]) -> anyhow::Result<Image<'a>> {
        let file = object::File::parse(bytes).context("not an ELF file")?;
        let section = file.section_by_name(CODE).with_context(|| format!("no section {CODE}"))?;
        let (offset, _) = section.file_range().with_context(|| format!("{CODE} is not in the file"))?;
        let text = section.data().with_context(|| format!("{CODE} cannot be read"))?;
        let base = section.address();
        let (mut code, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let address = base + at as u64;
            let read = Code::read(address, &text[at..])
                .with_context(|| format!("no instruction at {address:#x}"))?;
            at += read.bytes.len();
            code.push(read);
        }
        let functions =
            file.symbols().filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.size() > 0);
        let mut symbols = Vec::new();
        for symbol in functions {
            let name = symbol.name().context("a symbol's name cannot be read")?;
            let name = format!("{:#}", rustc_demangle::demangle(name));
            symbols.push((symbol.address(), symbol.address() + symbol.size(), name));
        }
        let load = |id: gimli::SectionId| -> Result<Slice<'a>, gimli::Error> {
            let data = file.section_by_name(id.name()).and_then(|section| section.data().ok());
            Ok(EndianSlice::new(data.unwrap_or_default(), LittleEndian))
        };
        let dwarf = gimli::Dwarf::load(load).context("no debug information")?;
        let compiler = compiler(&dwarf).context("debug information cannot be read")?;
        let lines = addr2line::Context::from_dwarf(dwarf).context("debug information cannot be read")?;
        let offset = usize::try_from(offset).context("the file is too large")?;
        Ok(Image { root, bytes, offset, base, code, symbols, lines, sources: RefCell::default(), compiler })
    }

    /// All instructions, by address.
    pub fn code(&self) -> &[Code] {
        &self.code
    }

    /// The rustc that compiled it, if it says so.
    pub fn compiler(&self) -> Option<&str> {
        self.compiler.as_deref()
    }

    /// The file's bytes with some instructions replaced, each by one of its length.
    pub fn with(&self, changed: &[Code]) -> anyhow::Result<Vec<u8>> {
        let mut bytes = self.bytes.to_vec();
        for code in changed {
            let from = self.offset + usize::try_from(code.address - self.base).context("out of the code")?;
            let place = bytes.get_mut(from..from + code.bytes.len()).context("out of the file")?;
            place.copy_from_slice(&code.bytes);
        }
        Ok(bytes)
    }

    /// Names of the functions whose code is at `address`. Several functions may share theirs.
    pub fn functions(&self, address: u64) -> impl Iterator<Item = &str> {
        let holds = move |(from, end, _): &&(u64, u64, String)| (*from..*end).contains(&address);
        self.symbols.iter().filter(holds).map(|(_, _, name)| name.as_str())
    }

    /// Source lines that the instruction at `address` comes from, as `FILE: TEXT`: innermost first, then the call of the
    /// function that it was inlined from, and so on. Only lines of this tree.
    pub fn sources(&self, address: u64) -> anyhow::Result<Vec<String>> {
        let mut found = Vec::new();
        let mut frames = self.lines.find_frames(address).skip_all_loads()?;
        while let Some(frame) = frames.next()? {
            let Some(place) = frame.location else { continue };
            let (Some(file), Some(number)) = (place.file, place.line) else { continue };
            let file = Path::new(file);
            let file = file.strip_prefix(self.root).unwrap_or(file);
            let file: PathBuf =
                file.components().filter(|part| *part != std::path::Component::CurDir).collect();
            if file.is_relative() && number > 0 {
                let line = Line { file, number: number as usize };
                let text = self.text(&line);
                found.extend(text.map(|text| format!("{}: {text}", line.file.display())));
            }
        }
        Ok(found)
    }

    fn text(&self, line: &Line) -> Option<String> {
        let mut sources = self.sources.borrow_mut();
        let lines = sources.entry(line.file.clone()).or_insert_with(|| {
            let text = std::fs::read_to_string(self.root.join(&line.file)).unwrap_or_default();
            text.lines().map(|line| line.trim().to_owned()).collect()
        });
        lines.get(line.number - 1).cloned()
    }
}

/// The first rustc that a unit names as its producer (`DW_AT_producer`, DWARF 5 section 3.1.1).
fn compiler(dwarf: &gimli::Dwarf<Slice<'_>>) -> Result<Option<String>, gimli::Error> {
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        let unit = dwarf.unit(header)?;
        let mut entries = unit.entries();
        let Some(root) = entries.next_dfs()? else { continue };
        let Some(value) = root.attr_value(gimli::DW_AT_producer) else { continue };
        let text = dwarf.attr_string(&unit, value)?;
        if let Some(version) = version(&text.to_string_lossy()) {
            return Ok(Some(version.to_owned()));
        }
    }
    Ok(None)
}

/// What follows `rustc version` in `clang LLVM (rustc version 1.96.0 (ac68faa20 2026-05-25))`. A distribution's build of the
/// same release says so there, and has another LLVM.
pub(super) fn version(producer: &str) -> Option<&str> {
    let (_, behind) = producer.split_once("(rustc version ")?;
    behind.strip_suffix(')')
}
