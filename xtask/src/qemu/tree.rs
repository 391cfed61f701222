//! Device trees: QEMU's own, edited where a run asks for harts that are not all there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use antler_parse::board::Board;
use anyhow::Context as _;
use dtoolkit::fdt::Fdt;
use dtoolkit::model::{DeviceTree, DeviceTreeProperty};

use super::{Machine, command};
use crate::exit::Fail;
use crate::setup::run_bounded;

/// QEMU writes its tree in a moment; a busy host may need a while.
const DUMP: Duration = Duration::from_secs(60);

/// The device tree to pass to QEMU, if it is not to use its own.
pub(super) fn prepare(machine: &Machine) -> anyhow::Result<Option<PathBuf>> {
    if let Some(path) = &machine.dtb {
        if !machine.disabled.is_empty() {
            return Err(Fail::usage(
                "--disable-hart edits QEMU's own device tree; it does not go with --dtb",
            ));
        }
        anyhow::ensure!(path.is_file(), Fail::usage(format!("--dtb {}: no such file", path.display())));
        return Ok(Some(path.clone()));
    }
    if machine.disabled.is_empty() {
        return Ok(None);
    }
    let path = machine.dir.join("machine.dtb");
    let own = dump(machine)?;
    let edited = disable(&own, &machine.disabled)?;
    std::fs::write(&path, edited).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Some(path))
}

/// The tree that QEMU would give this machine, with boot arguments and initrd. The machine's folder is created.
///
/// # Errors
/// QEMU cannot be asked, or what it writes is no device tree.
pub fn own_tree(machine: &Machine) -> anyhow::Result<Vec<u8>> {
    std::fs::create_dir_all(&machine.dir)
        .with_context(|| format!("cannot create {}", machine.dir.display()))?;
    dump(machine)
}

fn dump(machine: &Machine) -> anyhow::Result<Vec<u8>> {
    let path = machine.dir.join("qemu.dtb");
    let mut args = command::base(machine);
    // QEMU puts what several `-M` say together.
    args.extend(["-M".into(), format!("dumpdtb={}", path.to_string_lossy().replace(',', ",,")).into()]);
    let mut qemu = Command::new(&machine.qemu.binary);
    qemu.args(args).args(&machine.extra);
    run_bounded(&mut qemu, DUMP)
        .and_then(|output| output.success())
        .map_err(|trouble| anyhow::anyhow!("QEMU cannot write its device tree: {trouble}"))?;
    let mut blob = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    // Some versions write more or less of the slack at the end than the header says.
    let size = antler_parse::board::total_size(&blob);
    blob.resize(size.map_err(|error| anyhow::anyhow!("QEMU's device tree is unreadable: {error}"))?, 0);
    Ok(blob)
}

/// The same tree with `status = "disabled"` for those harts. A node is not deleted: firmware numbers harts by them.
fn disable(blob: &[u8], harts: &[u16]) -> anyhow::Result<Vec<u8>> {
    let tree =
        Fdt::new(blob).map_err(|error| anyhow::anyhow!("QEMU's device tree is unreadable: {error}"))?;
    let mut tree = DeviceTree::from_fdt(&tree);
    for hart in harts {
        let node = tree.find_node_mut(&format!("/cpus/cpu@{hart:x}"));
        let node = node.with_context(|| format!("the device tree has no hart {hart} to disable"))?;
        let status = DeviceTreeProperty::new("status", "disabled").context("no property name")?;
        node.remove_property("status");
        node.add_property(status);
    }
    Ok(tree.to_dtb())
}

/// The ids of the harts that a device tree enables.
pub fn enabled_harts(dtb: &Path) -> anyhow::Result<Vec<u64>> {
    let blob = std::fs::read(dtb)
        .map_err(|error| Fail::usage(format!("--dtb {}: cannot be read: {error}", dtb.display())))?;
    harts_of(&blob).map_err(|error| Fail::usage(format!("--dtb {}: {error}", dtb.display())))
}

/// The same, of a tree in memory: as the judge reads it, once the kernel's own reader has found the blob whole.
pub fn harts_of(blob: &[u8]) -> Result<Vec<u64>, String> {
    Board::read(blob).map_err(|error| error.to_string())?;
    antler_proof::enabled_harts(blob)
}

/// The device tree of the machine to be booted, for the judge: the one that QEMU is given, or its own. Left in the machine's
/// folder as `board.dtb`.
pub fn board(machine: &Machine) -> anyhow::Result<Vec<u8>> {
    let blob = match prepare(machine)? {
        Some(path) => std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?,
        None => own_tree(machine)?,
    };
    let path = machine.dir.join("board.dtb");
    std::fs::write(&path, &blob).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(blob)
}

#[cfg(test)]
mod tests {
    use dtoolkit::Node as _;
    use dtoolkit::Property as _;
    use dtoolkit::model::DeviceTreeNode;

    use super::*;

    fn tree(harts: u16) -> Vec<u8> {
        let mut cpus = DeviceTreeNode::new("cpus").expect("a node");
        for hart in 0..harts {
            let mut cpu = DeviceTreeNode::new(format!("cpu@{hart:x}")).expect("a node");
            cpu.add_property(DeviceTreeProperty::new("status", "okay").expect("a property"));
            cpus.add_child(cpu);
        }
        let mut tree = DeviceTree::new();
        tree.root.add_child(cpus);
        tree.to_dtb()
    }

    #[test]
    fn only_the_named_harts_are_disabled() {
        let edited = disable(&tree(12), &[3, 11]).expect("both are there");
        let edited = Fdt::new(&edited).expect("a tree");
        for hart in 0..12 {
            let node = edited.find_node(&format!("/cpus/cpu@{hart:x}")).expect("still there");
            let status = node.property("status").expect("a status");
            let expected = if [3, 11].contains(&hart) { "disabled" } else { "okay" };
            assert_eq!(status.value(), format!("{expected}\0").as_bytes(), "hart {hart}");
        }
        assert!(disable(&tree(2), &[2]).is_err());
    }
}
