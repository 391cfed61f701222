//! What the device tree says is there. By another reader than the kernel's, so that a hart which that one overlooks is
//! missed here.

use fdt::Fdt;
use fdt::node::FdtNode;

use crate::case::Doorbells;

/// Interrupts of S-mode, as a hart's own controller numbers them (privileged spec, "Supervisor Cause Register").
const S_SOFTWARE: u32 = 1;
const S_EXTERNAL: u32 = 9;

/// Ids of the harts that a device tree enables, in its order (devicetree specification 0.4, sections 2.3.4 and 3.8.1).
///
/// # Errors
/// In words: the blob is none, or a hart has no id. A blob whose inside is broken may also panic the reader; the kernel's
/// own is sturdier, and is to have read it before.
pub fn enabled_harts(blob: &[u8]) -> Result<Vec<u64>, String> {
    let tree = Fdt::new(blob).map_err(|error| format!("the device tree is unreadable: {error}"))?;
    let cpus = tree.find_node("/cpus").ok_or("the device tree has no /cpus")?;
    let harts = cpus.children().filter(|node| is_cpu(node) && is_enabled(node));
    harts.map(|node| id(&node).ok_or_else(|| format!("/cpus/{} has no id", node.name))).collect()
}

/// The doorbells that a device tree offers and the kernel prefers: IMSICs of S-mode, else an SSWI device, else firmware's
/// (the bindings `riscv,imsics` and `riscv,aclint-sswi`).
///
/// # Errors
/// In words: the blob is none.
pub fn doorbells(blob: &[u8]) -> Result<Doorbells, String> {
    let tree = Fdt::new(blob).map_err(|error| format!("the device tree is unreadable: {error}"))?;
    let cpus = tree.find_node("/cpus").ok_or("the device tree has no /cpus")?;
    let harts = cpus.children().filter(|node| is_cpu(node) && is_enabled(node));
    let controllers: Vec<Option<&[u8]>> = harts.map(|hart| controller(&hart)).collect();
    // Every hart has one, or none is used.
    let has = |name: &str, interrupt: u32| {
        let named = |node: &FdtNode<'_, '_>| {
            node.compatible().is_some_and(|names| names.all().any(|one| one == name))
        };
        let nodes = || tree.all_nodes().filter(|node| is_enabled(node) && named(node));
        !controllers.is_empty()
            && controllers.iter().all(|controller| {
                nodes().any(|node| {
                    let pairs = node.property("interrupts-extended").map_or(&[][..], |pairs| pairs.value);
                    pairs
                        .chunks_exact(8)
                        .any(|pair| Some(&pair[..4]) == *controller && pair[4..] == interrupt.to_be_bytes())
                })
            })
    };
    Ok(match (has("riscv,imsics", S_EXTERNAL), has("riscv,aclint-sswi", S_SOFTWARE)) {
        (true, _) => Doorbells::Imsic,
        (false, true) => Doorbells::Sswi,
        (false, false) => Doorbells::Firmware,
    })
}

/// The phandle of a hart's own interrupt controller.
fn controller<'a>(hart: &FdtNode<'_, 'a>) -> Option<&'a [u8]> {
    hart.children().find_map(|node| Some(node.property("phandle")?.value))
}

fn is_cpu(node: &FdtNode<'_, '_>) -> bool {
    node.property("device_type").and_then(|kind| kind.as_str()) == Some("cpu")
}

/// No status is a good one.
fn is_enabled(node: &FdtNode<'_, '_>) -> bool {
    let status = node.property("status").map(|status| status.as_str());
    status.is_none_or(|status| matches!(status, Some("okay" | "ok")))
}

/// The id, of one or two cells.
fn id(node: &FdtNode<'_, '_>) -> Option<u64> {
    let reg = node.property("reg")?.value;
    match reg.len() {
        4 => Some(u64::from(u32::from_be_bytes(reg.try_into().ok()?))),
        8 => Some(u64::from_be_bytes(reg.try_into().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

    use super::*;

    /// A tree with a node for each: name, type, status, id.
    fn tree(nodes: &[(&str, &str, Option<&str>, &[u8])]) -> Vec<u8> {
        let property = |name: &str, value: &[u8]| DeviceTreeProperty::new(name, value).expect("a property");
        let text = |text: &str| [text.as_bytes(), &[0]].concat();
        let mut cpus = DeviceTreeNode::new("cpus").expect("a node");
        for (name, kind, status, id) in nodes {
            let mut node = DeviceTreeNode::new(*name).expect("a node");
            node.add_property(property("device_type", &text(kind)));
            node.add_property(property("reg", id));
            if let Some(status) = status {
                node.add_property(property("status", &text(status)));
            }
            cpus.add_child(node);
        }
        let mut tree = DeviceTree::new();
        tree.root.add_child(cpus);
        tree.to_dtb()
    }

    #[test]
    fn harts_that_are_enabled_are_listed_by_their_ids() {
        let blob = tree(&[
            ("cpu@0", "cpu", Some("okay"), &[0, 0, 0, 0]),
            ("cpu@2", "cpu", Some("disabled"), &[0, 0, 0, 2]),
            ("cpu@3", "cpu", Some("ok"), &[0, 0, 0, 3]),
            ("cpu@4", "cpu", None, &[0, 0, 0, 1, 0, 0, 0, 4]),
            ("l2-cache", "cache", None, &[0, 0, 0, 9]),
        ]);
        assert_eq!(enabled_harts(&blob), Ok(vec![0, 3, 1 << 32 | 4]));
    }

    #[test]
    fn doorbells_are_those_of_s_mode() {
        let parse = "../crates/parse/tests/fixtures/";
        let read = |name: &str| {
            std::fs::read(format!("{parse}{name}.dtb")).expect("a fixture of the kernel's reader")
        };
        for (name, have) in [
            ("virt-smp4", Doorbells::Firmware),
            ("virt-aclint", Doorbells::Sswi),
            ("virt-imsic", Doorbells::Imsic),
            ("virt-imsic-groups", Doorbells::Imsic),
        ] {
            assert_eq!(doorbells(&read(name)), Ok(have), "{name}");
        }
        // Harts with the controllers 7 and 8; the device names these.
        let device = |name: &str, status: &str, interrupt: u8, named: &[u8]| {
            let property =
                |name: &str, value: &[u8]| DeviceTreeProperty::new(name, value).expect("a property");
            let text = |text: &str| [text.as_bytes(), &[0]].concat();
            let mut cpus = DeviceTreeNode::new("cpus").expect("a node");
            for phandle in [7, 8] {
                let mut cpu = DeviceTreeNode::new(format!("cpu@{phandle}")).expect("a node");
                cpu.add_property(property("device_type", &text("cpu")));
                let mut controller = DeviceTreeNode::new("interrupt-controller").expect("a node");
                controller.add_property(property("phandle", &[0, 0, 0, phandle]));
                cpu.add_child(controller);
                cpus.add_child(cpu);
            }
            let mut node = DeviceTreeNode::new("device").expect("a node");
            node.add_property(property("compatible", &text(name)));
            node.add_property(property("status", &text(status)));
            let pairs: Vec<u8> = named.iter().flat_map(|&one| [0, 0, 0, one, 0, 0, 0, interrupt]).collect();
            node.add_property(property("interrupts-extended", &pairs));
            let mut tree = DeviceTree::new();
            tree.root.add_child(cpus);
            tree.root.add_child(node);
            doorbells(&tree.to_dtb())
        };
        assert_eq!(device("riscv,imsics", "okay", 9, &[8, 7]), Ok(Doorbells::Imsic));
        assert_eq!(device("riscv,imsics", "okay", 9, &[7]), Ok(Doorbells::Firmware));
        assert_eq!(device("riscv,imsics", "okay", 11, &[8, 7]), Ok(Doorbells::Firmware));
        assert_eq!(device("riscv,imsics", "disabled", 9, &[8, 7]), Ok(Doorbells::Firmware));
        assert_eq!(device("riscv,aclint-sswi", "okay", 1, &[9, 7, 8]), Ok(Doorbells::Sswi));
        assert_eq!(device("riscv,aclint-mswi", "okay", 1, &[8, 7]), Ok(Doorbells::Firmware));
    }

    #[test]
    fn what_is_no_tree_or_has_no_ids_is_refused() {
        let error = |blob: &[u8]| enabled_harts(blob).unwrap_err();
        assert!(error(b"").starts_with("the device tree is unreadable"));
        assert_eq!(error(&DeviceTree::new().to_dtb()), "the device tree has no /cpus");
        let short = tree(&[("cpu@0", "cpu", None, &[0, 0])]);
        assert_eq!(error(&short), "/cpus/cpu@0 has no id");
    }
}
