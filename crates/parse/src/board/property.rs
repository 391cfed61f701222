//! Properties, read strictly: a wrong length or content is an error that names node and property.

use dtoolkit::fdt::FdtNode;
use dtoolkit::{Cells, Node, Property, ToCellInt};

use super::{BoardError, Range};

/// The error for a property that is not what it should be.
pub(super) fn bad(node: &FdtNode<'_>, property: &'static str, expected: &'static str) -> BoardError {
    BoardError::BadProperty { node: node.name().into(), property, expected }
}

/// Whether a node may be used: its `status` is absent, `okay` or `ok`.
pub(super) fn enabled(node: &FdtNode<'_>) -> bool {
    node.property("status").is_none_or(|status| matches!(status.value(), b"okay\0" | b"ok\0"))
}

/// A number of one or two cells; `None` if the node has no such property.
pub(super) fn number(node: &FdtNode<'_>, name: &'static str) -> Result<Option<u64>, BoardError> {
    let Some(property) = node.property(name) else { return Ok(None) };
    let cells = property.value_as::<Cells<'_>>().ok().and_then(cells);
    cells.map(Some).ok_or_else(|| bad(node, name, "a number of one or two cells"))
}

/// The value of one or two cells; `None` for other counts.
pub(super) fn cells(cells: Cells<'_>) -> Option<u64> {
    if cells.as_ref().is_empty() { None } else { cells.to_int().ok() }
}

/// One string of at most `limit` bytes; `None` if the node has no such property, empty if it has no bytes.
pub(super) fn string<'a>(
    node: &FdtNode<'a>,
    name: &'static str,
    limit: usize,
) -> Result<Option<&'a str>, BoardError> {
    let Some(property) = node.property(name) else { return Ok(None) };
    let value = property.value();
    let text = if value.is_empty() { Ok("") } else { property.value_as::<&'a str>() };
    match text {
        Ok(text) if text.len() <= limit && !text.contains('\0') => Ok(Some(text)),
        _ => Err(bad(node, name, "one NUL-terminated UTF-8 string of at most 4096 bytes")),
    }
}

/// Hands every range of a node's `reg` to `each`, as its parent bus numbers it.
pub(super) fn ranges(
    node: &FdtNode<'_>,
    mut each: impl FnMut(Range) -> Result<(), BoardError>,
) -> Result<(), BoardError> {
    const EXPECTED: &str = "addresses and sizes of one or two cells each";
    let entries = node.reg().ok().flatten().ok_or_else(|| bad(node, "reg", EXPECTED))?;
    for entry in entries {
        let (Some(base), Some(size)) = (cells(entry.address), cells(entry.size)) else {
            return Err(bad(node, "reg", EXPECTED));
        };
        let range = Range { base, size };
        if base.checked_add(size).is_none() {
            return Err(BoardError::RangeOverflow { node: node.name().into(), range });
        }
        each(range)?;
    }
    Ok(())
}
