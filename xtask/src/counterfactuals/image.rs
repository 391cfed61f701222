//! The shipped kernel has none of the hooks: looked for in its bytes and symbols, with the kernel that has them to show
//! that the search finds them.

use std::path::Path;

use anyhow::Context as _;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

use super::table::Table;

/// Modules whose code only a kernel with faults has, as they stand in mangled names.
const MODULES: [&str; 2] = ["13antler_kernel6faults", "14antler_nucleus5fault"];

/// How the boot argument begins.
const ARGUMENT: &str = "fault=";

/// Checks both.
///
/// # Errors
/// A trace of a hook in the shipped kernel, or none in the other.
pub fn check(shipped: &Path, faulty: &Path, table: &Table) -> anyhow::Result<()> {
    let traces = traces(shipped, table)?;
    anyhow::ensure!(
        traces.is_empty(),
        "the shipped kernel has traces of faults: {}",
        traces.iter().take(8).cloned().collect::<Vec<_>>().join(", ")
    );
    let traces = self::traces(faulty, table)?;
    let missing: Vec<&str> = MODULES
        .into_iter()
        .chain([ARGUMENT])
        .chain(table.faults().iter().map(|fault| fault.name.as_str()))
        .filter(|wanted| !traces.iter().any(|trace| trace.contains(wanted)))
        .collect();
    anyhow::ensure!(
        missing.is_empty(),
        "the kernel with faults shows no trace of {}: the search that clears the shipped one sees nothing",
        missing.join(", ")
    );
    Ok(())
}

/// Names of functions and texts that belong to faults.
fn traces(path: &Path, table: &Table) -> anyhow::Result<Vec<String>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = object::File::parse(&*bytes).with_context(|| format!("{} is no ELF file", path.display()))?;
    let mut found: Vec<String> = file
        .symbols()
        .filter_map(|symbol| symbol.name().ok())
        .filter(|name| MODULES.iter().any(|module| name.contains(module)))
        .map(str::to_owned)
        .collect();
    // What is loaded; debug information names source files, and those are there either way.
    let loaded = [".text", ".rodata", ".data"];
    for section in file.sections().filter(|section| section.name().is_ok_and(|name| loaded.contains(&name))) {
        let data = section.data().context("a section of the kernel cannot be read")?;
        let names = table.faults().iter().map(|fault| fault.name.as_str()).chain([ARGUMENT]);
        found.extend(
            names
                .filter(|name| data.windows(name.len()).any(|window| window == name.as_bytes()))
                .map(str::to_owned),
        );
    }
    Ok(found)
}
