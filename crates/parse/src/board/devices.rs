//! Devices are found by what they are compatible with, wherever in the tree they are; their registers are translated
//! through the buses above them.

use alloc::vec::Vec;

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node, Property};

use super::doorbells::{self, Register};
use super::property::{bad, cells, enabled, number, ranges};
use super::{BoardError, Range, Uart};

/// Levels of nodes below the root. Real boards use about six.
const MAX_DEPTH: usize = 16;
/// Ranges of one device: a doorbell device has one for each group of harts.
const MAX_REG: usize = 512;
/// Slots of virtio-mmio; QEMU `virt` has 8.
const MAX_VIRTIO: usize = 256;

/// The devices that the kernel drives.
#[derive(Default)]
pub(super) struct Devices {
    pub(super) uart: Option<Uart>,
    pub(super) test: Option<Range>,
    pub(super) virtio: Vec<Range>,
    pub(super) doorbells: Vec<Register>,
    /// Whether `uart` is the one that `stdout-path` names.
    uart_named: bool,
}

/// The nodes between a node and the root, nearest first.
struct Bus<'p, 'a> {
    node: FdtNode<'a>,
    /// `None` for the root, whose addresses are the CPU's.
    parent: Option<&'p Bus<'p, 'a>>,
}

impl Devices {
    /// Finds them below the root. `stdout` is the value of `/chosen/stdout-path`.
    pub(super) fn find(fdt: Fdt<'_>, stdout: Option<&str>) -> Result<Devices, BoardError> {
        // What follows the colon are line settings, which are not ours to change.
        let stdout = stdout.map(|path| path.split_once(':').map_or(path, |(path, _)| path));
        let stdout = match stdout {
            Some(path) if !path.starts_with('/') => alias(fdt, path),
            path => path,
        };
        let mut devices = Devices::default();
        let bus = Bus { node: fdt.root(), parent: None };
        devices.below(&bus, stdout.map(|path| path.trim_start_matches('/')), MAX_DEPTH)?;
        devices.virtio.sort_unstable();
        Ok(devices)
    }

    /// Looks at everything below `bus`. `stdout` is what is left of that path at this level.
    fn below(&mut self, bus: &Bus<'_, '_>, stdout: Option<&str>, depth: usize) -> Result<(), BoardError> {
        for node in bus.node.children() {
            if depth == 0 {
                return Err(BoardError::TooDeep);
            }
            if !enabled(&node) {
                continue;
            }
            let stdout = stdout.and_then(|path| {
                let (first, rest) = path.split_once('/').unwrap_or((path, ""));
                (first == node.name() || first == node.name_without_address()).then_some(rest)
            });
            self.look(node, bus, stdout == Some(""))?;
            self.below(&Bus { node, parent: Some(bus) }, stdout, depth - 1)?;
        }
        Ok(())
    }

    fn look(&mut self, node: FdtNode<'_>, bus: &Bus<'_, '_>, is_stdout: bool) -> Result<(), BoardError> {
        // Looked up once for all names: walking a tree is most of what its reading costs.
        let Some(compatible) = node.property("compatible") else { return Ok(()) };
        let is = |name: &str| compatible.value().split(|&byte| byte == 0).any(|one| one == name.as_bytes());
        if is("virtio,mmio") {
            if self.virtio.len() == MAX_VIRTIO {
                return Err(BoardError::TooMany { what: "virtio,mmio slots", limit: MAX_VIRTIO });
            }
            self.virtio.push(registers(&node, bus)?);
        } else if is("ns16550a") {
            if self.uart.is_none() || (is_stdout && !self.uart_named) {
                self.uart = Some(uart(&node, bus)?);
                self.uart_named = is_stdout;
            }
        } else if self.test.is_none() && (is("sifive,test0") || is("sifive,test1")) {
            self.test = Some(registers(&node, bus)?);
        } else if let Some(kind) = doorbells::kind(is) {
            doorbells::registers(&node, kind, &all_registers(&node, bus)?, &mut self.doorbells)?;
        }
        Ok(())
    }
}

fn uart(node: &FdtNode<'_>, bus: &Bus<'_, '_>) -> Result<Uart, BoardError> {
    let reg_shift = match number(node, "reg-shift")?.unwrap_or(0) {
        shift @ 0..=8 => shift as u8,
        _ => return Err(bad(node, "reg-shift", "0 to 8")),
    };
    let io_width = match number(node, "reg-io-width")?.unwrap_or(1) {
        width @ (1 | 2 | 4) => width as u8,
        _ => return Err(bad(node, "reg-io-width", "1, 2 or 4")),
    };
    Ok(Uart { range: registers(node, bus)?, reg_shift, io_width })
}

/// The first range of a device's `reg`, as the CPU addresses it.
fn registers(node: &FdtNode<'_>, bus: &Bus<'_, '_>) -> Result<Range, BoardError> {
    let mut first = None;
    ranges(node, |range| {
        first.get_or_insert(range);
        Ok(())
    })?;
    let range = first.filter(|range| range.size > 0).ok_or_else(|| bad(node, "reg", "a range with bytes"))?;
    for_the_cpu(node, bus, range)
}

/// All ranges of a device's `reg`.
fn all_registers(node: &FdtNode<'_>, bus: &Bus<'_, '_>) -> Result<Vec<Range>, BoardError> {
    let mut all = Vec::new();
    ranges(node, |range| {
        if all.len() == MAX_REG {
            return Err(BoardError::TooMany { what: "ranges of one doorbell device", limit: MAX_REG });
        }
        all.push(for_the_cpu(node, bus, range)?);
        Ok(())
    })?;
    Ok(all)
}

/// A range, as the CPU addresses it.
fn for_the_cpu(node: &FdtNode<'_>, bus: &Bus<'_, '_>, range: Range) -> Result<Range, BoardError> {
    let mut translated = range;
    let mut bus = bus;
    while let Some(parent) = bus.parent {
        translated = through(&bus.node, translated)
            .ok_or_else(|| BoardError::Unreachable { node: node.name().into(), range })?;
        bus = parent;
    }
    Ok(translated)
}

/// A range of a bus, as the bus above numbers it; `None` if the `ranges` of the bus do not map it as one piece.
fn through(bus: &FdtNode<'_>, range: Range) -> Option<Range> {
    let mut windows = bus.ranges().ok()??.peekable();
    // A `ranges` without entries says that both number alike.
    if windows.peek().is_none() {
        return Some(range);
    }
    windows.find_map(|window| {
        let child = Range { base: cells(window.child_bus_address)?, size: cells(window.length)? };
        let offset = range.base.checked_sub(child.base)?;
        if offset > child.size || range.size > child.size - offset {
            return None;
        }
        let base = cells(window.parent_bus_address)?.checked_add(offset)?;
        base.checked_add(range.size)?;
        Some(Range { base, size: range.size })
    })
}

/// The path that an alias stands for.
fn alias<'a>(fdt: Fdt<'a>, name: &str) -> Option<&'a str> {
    let aliases = fdt.find_node("/aliases")?;
    aliases.property(name)?.value_as::<&'a str>().ok()
}
