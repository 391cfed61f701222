//! The firmware of our own, and what it is told.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use antler_firmware::orders::{ADDRESS, Orders};
use anyhow::Context as _;

use super::Machine;
use crate::ctx::Ctx;

/// Where a device tree lies that QEMU is not to see: in memory, behind every kernel and before every initrd.
const TREE: u64 = 0x8200_0000;

/// Our firmware, and what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// What to do wrong.
    pub orders: Orders,
    /// The same as it was given on the command line.
    pub text: String,
    /// A device tree that is put into memory as it is and passed on to the kernel. QEMU itself uses its own.
    pub tree: Option<PathBuf>,
}

impl Own {
    /// Reads what follows the colon in `--bios antler:ORDER,ORDER,...`; nothing is said to a firmware that behaves.
    ///
    /// # Errors
    /// Why the first order that cannot be meant cannot, in words.
    pub fn from_arg(text: &str) -> Result<Own, String> {
        let mut own = Own { orders: Orders::none(), text: text.to_owned(), tree: None };
        for word in text.split(',').filter(|word| !word.is_empty()) {
            let order = word.parse().map_err(|why| format!("{word:?}: {why}"))?;
            own.orders.push(order).map_err(|_| format!("{word:?} is one order too many"))?;
        }
        Ok(own)
    }

    /// Writes the orders and returns the arguments that load firmware, orders and tree.
    pub(super) fn arguments(&self, machine: &Machine) -> anyhow::Result<Vec<OsString>> {
        let mut args = vec![OsString::from("-bios"), Ctx::new()?.firmware().into_os_string()];
        let mut orders = self.orders;
        if let Some(tree) = &self.tree {
            orders.tree = TREE;
            args.extend(load(tree, TREE));
        }
        let path = machine.dir.join("orders.bin");
        let bytes: Vec<u8> = orders.to_words().iter().flat_map(|word| word.to_le_bytes()).collect();
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        args.extend(load(&path, ADDRESS));
        Ok(args)
    }
}

/// The arguments that put a file into memory.
fn load(file: &Path, address: u64) -> [OsString; 2] {
    let file = file.to_string_lossy().replace(',', ",,");
    ["-device".into(), format!("loader,file={file},addr={address:#x},force-raw=on").into()]
}
