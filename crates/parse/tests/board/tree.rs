//! Writes device trees for tests, well-formed or not; shares nothing with the reader.

/// A flattened device tree in the making. Nodes are written in order; every `begin` needs its `end`.
#[derive(Default)]
pub struct Tree {
    reservations: Vec<(u64, u64)>,
    structure: Vec<u8>,
    strings: Vec<u8>,
}

impl Tree {
    pub fn reserve(mut self, base: u64, size: u64) -> Tree {
        self.reservations.push((base, size));
        self
    }

    pub fn begin(mut self, name: &str) -> Tree {
        self.word(1);
        self.structure.extend(name.as_bytes());
        self.structure.push(0);
        self.pad();
        self
    }

    pub fn end(mut self) -> Tree {
        self.word(2);
        self
    }

    pub fn nop(mut self) -> Tree {
        self.word(4);
        self
    }

    pub fn bytes(mut self, name: &str, value: &[u8]) -> Tree {
        let name_offset = self.strings.len() as u32;
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
        self.word(3);
        self.word(value.len() as u32);
        self.word(name_offset);
        self.structure.extend(value);
        self.pad();
        self
    }

    pub fn text(self, name: &str, value: &str) -> Tree {
        self.bytes(name, format!("{value}\0").as_bytes())
    }

    pub fn cells(self, name: &str, cells: &[u32]) -> Tree {
        let bytes: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        self.bytes(name, &bytes)
    }

    /// Applies `f`, so that loops and choices fit into a chain.
    pub fn with(self, f: impl FnOnce(Tree) -> Tree) -> Tree {
        f(self)
    }

    pub fn build(mut self) -> Vec<u8> {
        self.word(9);
        self.reservations.push((0, 0));
        let map = 40;
        let structure = map + 16 * self.reservations.len();
        let strings = structure + self.structure.len();
        let total = strings + self.strings.len();
        let mut out = Vec::new();
        let header = [
            0xd00d_feed,
            total,
            structure,
            strings,
            map,
            17,
            16,
            0,
            self.strings.len(),
            self.structure.len(),
        ];
        out.extend(header.iter().flat_map(|&word| (word as u32).to_be_bytes()));
        for (base, size) in self.reservations {
            out.extend(base.to_be_bytes());
            out.extend(size.to_be_bytes());
        }
        out.extend(self.structure);
        out.extend(self.strings);
        out
    }

    fn word(&mut self, word: u32) {
        self.structure.extend(word.to_be_bytes());
    }

    fn pad(&mut self) {
        while !self.structure.len().is_multiple_of(4) {
            self.structure.push(0);
        }
    }
}

/// A node of `/cpus`.
pub fn hart(tree: Tree, id: u32) -> Tree {
    tree.begin(&format!("cpu@{id:x}"))
        .text("device_type", "cpu")
        .cells("reg", &[id])
        .text("riscv,isa", "rv64imafdc")
        .text("mmu-type", "riscv,sv39")
        .end()
}

/// A whole small machine. `cpus` and `root` add to the nodes of these names.
pub fn machine(cpus: impl FnOnce(Tree) -> Tree, root: impl FnOnce(Tree) -> Tree) -> Tree {
    Tree::default()
        .begin("")
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[2])
        .begin("cpus")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[0])
        .cells("timebase-frequency", &[10_000_000])
        .with(cpus)
        .end()
        .with(root)
        .end()
}

/// RAM of `size` bytes at `base`.
pub fn memory(tree: Tree, base: u64, size: u64) -> Tree {
    let cells = [(base >> 32) as u32, base as u32, (size >> 32) as u32, size as u32];
    tree.begin(&format!("memory@{base:x}")).text("device_type", "memory").cells("reg", &cells).end()
}

/// [`machine`] with one hart and some RAM.
pub fn plain(root: impl FnOnce(Tree) -> Tree) -> Vec<u8> {
    machine(|t| hart(t, 0), |t| root(memory(t, 0x8000_0000, 0x800_0000))).build()
}
