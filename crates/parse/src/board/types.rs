use alloc::string::String;
use alloc::vec::Vec;

/// What the device tree says about the machine. Made by [`Board::read`](crate::board::Board::read).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// Every hart of `/cpus`, enabled or not, by ascending id; at least one is enabled, no two have the same id.
    pub harts: Vec<HartEntry>,
    /// Ticks per second of the `time` counter; never 0.
    pub timebase: u64,
    /// RAM, ascending, not empty, no two ranges overlap, none ends past 2^64 - 1.
    pub memory: Vec<Range>,
    /// What must be left alone within RAM: the memory reservation block and the enabled children of
    /// `/reserved-memory`, ascending; they may overlap each other.
    pub reserved: Vec<Range>,
    /// The console: the enabled `ns16550a` that `/chosen/stdout-path` names, else the first enabled one of the tree.
    pub uart: Option<Uart>,
    /// Registers of the device that ends the machine (`sifive,test0` or `sifive,test1`).
    pub test: Option<Range>,
    /// Registers of each enabled `virtio,mmio` slot, by ascending base.
    pub virtio: Vec<Range>,
    /// Registers by which harts interrupt each other without firmware, by kind and hart; at most one of each kind for each
    /// hart of `harts`.
    pub doorbells: Vec<Doorbell>,
    /// The initrd that `/chosen` names; `None` also when it has no bytes.
    pub initrd: Option<Range>,
    /// `/chosen/bootargs`; empty when there are none.
    pub bootargs: String,
    /// The root's `model`; empty when there is none.
    pub model: String,
}

/// One hart as `/cpus` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HartEntry {
    /// What hardware and firmware call it. Any number; ids need not be dense.
    pub id: u64,
    /// Whether its `status` is absent, `okay` or `ok`. Others must not be started.
    pub enabled: bool,
    /// `riscv,isa`, or the same put together from `riscv,isa-base` and `riscv,isa-extensions`; empty if neither is there.
    pub isa: String,
    /// Whether `mmu-type` offers Sv39 (Sv48 and Sv57 imply it).
    pub sv39: bool,
    /// Whether it has double-precision floating point (`d`, `g` or `q`).
    pub has_d: bool,
}

impl Board {
    /// Where a hart's doorbell of that kind is.
    pub fn doorbell(&self, kind: DoorbellKind, hart: u64) -> Option<u64> {
        let at = self.doorbells.binary_search_by_key(&(kind, hart), |bell| (bell.kind, bell.hart)).ok()?;
        Some(self.doorbells[at].address)
    }
}

impl HartEntry {
    /// Whether the hart lists an extension of several letters, which is given in small letters.
    pub fn has_extension(&self, name: &str) -> bool {
        self.isa.split('_').skip(1).any(|extension| extension == name)
    }
}

/// A register that interrupts one hart, in S-mode, when 1 is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doorbell {
    /// What has it.
    pub kind: DoorbellKind,
    /// The hart's id.
    pub hart: u64,
    /// Physical address of its 32 bits.
    pub address: u64,
}

/// What interrupts a hart on behalf of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DoorbellKind {
    /// `riscv,aclint-sswi`: the hart's software interrupt.
    Sswi,
    /// `riscv,imsics`: the hart's external interrupt, with identity 1.
    Imsic,
}

/// A range of physical addresses, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// First address.
    pub base: u64,
    /// Number of bytes.
    pub size: u64,
}

impl Range {
    /// First address past the range; `u64::MAX` if it would not fit.
    pub const fn end(self) -> u64 {
        self.base.saturating_add(self.size)
    }

    /// Whether `address` lies in the range.
    pub const fn contains(self, address: u64) -> bool {
        address >= self.base && address - self.base < self.size
    }

    /// Whether the two have a byte in common. An empty range overlaps nothing.
    pub const fn overlaps(self, other: Range) -> bool {
        (self.size > 0 && other.contains(self.base)) || (other.size > 0 && self.contains(other.base))
    }
}

/// A serial port compatible with `ns16550a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uart {
    /// Its registers.
    pub range: Range,
    /// Register number N lies at `base + (N << reg_shift)`; at most 8.
    pub reg_shift: u8,
    /// Width of a register access in bytes: 1, 2 or 4.
    pub io_width: u8,
}
