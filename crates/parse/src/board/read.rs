use alloc::string::String;
use alloc::vec::Vec;

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node, Property};

use super::devices::Devices;
use super::doorbells;
use super::property::{bad, cells, enabled, number, ranges, string};
use super::{Board, BoardError, HartEntry, MAX_HARTS, Range, total_size};

/// Harts listed, enabled or not.
const MAX_LISTED: usize = 4096;
/// Bytes of all `isa` strings together; QEMU's `rv64` has 310 a hart.
const MAX_ISA_TEXT: usize = 256 << 10;
/// Bytes of `bootargs`, of `model`.
const MAX_TEXT: usize = 4096;
/// Ranges of RAM, of reserved memory.
const MAX_RANGES: usize = 1024;
const HART_REG: &str = "one id of one or two cells";

impl Board {
    /// Reads a flattened device tree. `dtb` may be longer than the tree.
    ///
    /// # Errors
    /// See [`BoardError`]. The tree is refused whole; nothing is guessed.
    pub fn read(dtb: &[u8]) -> Result<Board, BoardError> {
        let need = total_size(dtb)?;
        let blob = dtb.get(..need).ok_or(BoardError::Truncated { need, have: dtb.len() })?;
        let fdt = Fdt::new(blob).map_err(BoardError::Malformed)?;
        let root = fdt.root();
        let chosen = fdt.find_node("/chosen");
        let stdout = match chosen {
            Some(chosen) => string(&chosen, "stdout-path", MAX_TEXT)?,
            None => None,
        };
        let devices = Devices::find(fdt, stdout)?;
        let (harts, timebase, controllers) = harts(fdt)?;
        Ok(Board {
            harts,
            timebase,
            memory: memory(root)?,
            reserved: reserved(fdt)?,
            uart: devices.uart,
            test: devices.test,
            virtio: devices.virtio,
            doorbells: doorbells::of_harts(&devices.doorbells, &controllers),
            initrd: chosen.map_or(Ok(None), |chosen| initrd(&chosen))?,
            bootargs: chosen
                .map_or(Ok(None), |chosen| string(&chosen, "bootargs", MAX_TEXT))?
                .unwrap_or("")
                .into(),
            model: string(&root, "model", MAX_TEXT)?.unwrap_or("").into(),
        })
    }
}

/// Interrupt controllers by phandle, each with the id of the hart whose own it is.
type Controllers = Vec<(u32, u64)>;

/// The harts of `/cpus`, by id, the timebase frequency in Hz, and the harts' interrupt controllers.
fn harts(fdt: Fdt<'_>) -> Result<(Vec<HartEntry>, u64, Controllers), BoardError> {
    let cpus = fdt.find_node("/cpus").ok_or(BoardError::NoCpus)?;
    let mut timebase = number(&cpus, "timebase-frequency")?;
    let mut harts = Vec::new();
    let mut controllers = Vec::new();
    let mut isa_text = 0;
    for node in cpus.children() {
        if node.name_without_address() != "cpu" {
            continue;
        }
        if harts.len() == MAX_LISTED {
            return Err(BoardError::TooMany { what: "harts listed", limit: MAX_LISTED });
        }
        let hart = hart(&node)?;
        isa_text += hart.isa.len();
        if isa_text > MAX_ISA_TEXT {
            return Err(BoardError::TooMany { what: "bytes of riscv,isa in all harts", limit: MAX_ISA_TEXT });
        }
        if hart.enabled && timebase.is_none() {
            // Older trees give it for each hart.
            timebase = number(&node, "timebase-frequency")?;
        }
        controllers.extend(doorbells::controller(&node)?.map(|controller| (controller, hart.id)));
        harts.push(hart);
    }
    controllers.sort_unstable();
    harts.sort_unstable_by_key(|hart| hart.id);
    if let Some(pair) = harts.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(BoardError::DuplicateHart(pair[0].id));
    }
    match harts.iter().filter(|hart| hart.enabled).count() {
        0 => return Err(BoardError::NoEnabledHart),
        count if count > MAX_HARTS => return Err(BoardError::TooManyHarts(count)),
        _ => {}
    }
    let timebase = timebase.filter(|&hertz| hertz > 0).ok_or(BoardError::NoTimebase)?;
    Ok((harts, timebase, controllers))
}

fn hart(node: &FdtNode<'_>) -> Result<HartEntry, BoardError> {
    let mut ids = node
        .reg()
        .map_err(|_| bad(node, "reg", HART_REG))?
        .ok_or_else(|| BoardError::HartWithoutReg(node.name().into()))?;
    // One id each: the RISC-V binding has no threads that share a node.
    let (Some(id), None) = (ids.next(), ids.next()) else {
        return Err(bad(node, "reg", HART_REG));
    };
    let id = cells(id.address).ok_or_else(|| bad(node, "reg", HART_REG))?;
    let isa = match string(node, "riscv,isa", MAX_TEXT)? {
        Some(isa) => isa.into(),
        None => isa_from_list(node)?,
    };
    let mmu = string(node, "mmu-type", MAX_TEXT)?;
    Ok(HartEntry {
        id,
        enabled: enabled(node),
        sv39: matches!(mmu, Some("riscv,sv39" | "riscv,sv48" | "riscv,sv57")),
        has_d: has_d(&isa),
        isa,
    })
}

/// Puts an ISA string together from the properties that supersede `riscv,isa`: the base, then each extension, single
/// letters first as the tree lists them, the longer ones behind underscores.
fn isa_from_list(node: &FdtNode<'_>) -> Result<String, BoardError> {
    let Some(base) = string(node, "riscv,isa-base", MAX_TEXT)? else { return Ok(String::new()) };
    let list = node.property("riscv,isa-extensions");
    let list = list.as_ref().map_or(&[][..], |list| list.value());
    if list.len() > MAX_TEXT {
        return Err(bad(node, "riscv,isa-extensions", "a list of at most 4096 bytes"));
    }
    let list =
        core::str::from_utf8(list).map_err(|_| bad(node, "riscv,isa-extensions", "a list of strings"))?;
    // The base names its own letter (`rv64i`), which the list repeats.
    let mut isa = String::with_capacity(base.len() + list.len());
    isa.push_str(base);
    let extensions = || list.split('\0').filter(|extension| !extension.is_empty());
    extensions().filter(|one| one.len() == 1 && !base.ends_with(one)).for_each(|one| isa.push_str(one));
    for extension in extensions().filter(|one| one.len() > 1) {
        isa.push('_');
        isa.push_str(extension);
    }
    Ok(isa)
}

/// Whether an ISA string (`rv64imafdc_zicsr`, versions like `i2p1` allowed) has the D extension. `g` and `q` include it.
fn has_d(isa: &str) -> bool {
    let Some(letters) = isa.strip_prefix("rv64").or_else(|| isa.strip_prefix("rv32")) else { return false };
    // The single letters end at an underscore, or at the first letter of a longer name.
    letters
        .bytes()
        .take_while(|byte| !matches!(byte, b'_' | b's' | b'x' | b'z'))
        .any(|byte| matches!(byte, b'd' | b'g' | b'q'))
}

/// RAM: every enabled node that says it is memory.
fn memory(root: FdtNode<'_>) -> Result<Vec<Range>, BoardError> {
    let mut memory = Vec::new();
    for node in root.children() {
        if node.property("device_type").is_some_and(|kind| kind.value() == b"memory\0") && enabled(&node) {
            ranges(&node, |range| push(&mut memory, range, "ranges of memory"))?;
        }
    }
    memory.sort_unstable();
    if let Some(pair) = memory.windows(2).find(|pair| pair[0].overlaps(pair[1])) {
        return Err(BoardError::MemoryOverlap(pair[0], pair[1]));
    }
    if memory.is_empty() { Err(BoardError::NoMemory) } else { Ok(memory) }
}

/// The memory reservation block and the enabled children of `/reserved-memory` that have a place.
fn reserved(fdt: Fdt<'_>) -> Result<Vec<Range>, BoardError> {
    let mut reserved = Vec::new();
    for entry in fdt.memory_reservations() {
        let range = Range { base: entry.address(), size: entry.size() };
        if range.base.checked_add(range.size).is_none() {
            return Err(BoardError::RangeOverflow { node: String::new(), range });
        }
        push(&mut reserved, range, "reserved ranges")?;
    }
    if let Some(parent) = fdt.find_node("/reserved-memory") {
        for node in parent.children() {
            if enabled(&node) && node.property("reg").is_some() {
                ranges(&node, |range| push(&mut reserved, range, "reserved ranges"))?;
            }
        }
    }
    reserved.sort_unstable();
    Ok(reserved)
}

/// Keeps a range that has bytes.
fn push(list: &mut Vec<Range>, range: Range, what: &'static str) -> Result<(), BoardError> {
    if range.size > 0 {
        if list.len() == MAX_RANGES {
            return Err(BoardError::TooMany { what, limit: MAX_RANGES });
        }
        list.push(range);
    }
    Ok(())
}

fn initrd(chosen: &FdtNode<'_>) -> Result<Option<Range>, BoardError> {
    let start = number(chosen, "linux,initrd-start")?;
    let end = number(chosen, "linux,initrd-end")?;
    match (start, end) {
        (None, None) => Ok(None),
        (Some(base), Some(last)) if base <= last => {
            Ok(Some(Range { base, size: last - base }).filter(|initrd| initrd.size > 0))
        }
        _ => Err(BoardError::BadInitrd { start, end }),
    }
}
