//! The kernel's half of the address space.
//!
//! ```text
//! 0xffffffc0_0000_0000   direct map: physical address + OFFSET, up to DIRECT_MAX; the kernel image lies in it
//! 0xfffffff0_0000_0000   stacks: one STACK_SPAN for each hart, mostly unmapped
//! ```

/// What is added to a physical address.
pub(crate) const OFFSET: usize = 0xffff_ffc0_0000_0000;

/// Physical memory from here on is not used.
pub(crate) const DIRECT_MAX: u64 = 128 << 30;

/// Start of the stacks.
pub(crate) const STACKS: usize = 0xffff_fff0_0000_0000;

/// Address range that a hart's stacks have for themselves.
pub(crate) const STACK_SPAN: usize = 1 << 20;

/// Bytes of a page.
pub(crate) const PAGE: usize = antler_abi::PAGE;

/// Virtual address of a physical one.
pub(crate) const fn to_virtual(physical: u64) -> usize {
    (physical as usize).wrapping_add(OFFSET)
}

/// Physical address of something in the direct map (statics, heap and frames are; stacks are not).
pub(crate) const fn to_physical(address: usize) -> u64 {
    address.wrapping_sub(OFFSET) as u64
}

unsafe extern "C" {
    static __kernel_start: u8;
    static __rodata_start: u8;
    static __data_start: u8;
    static __kernel_end: u8;
}

/// The kernel image's parts, virtual: text, read-only data, data; each page-aligned.
pub(crate) fn image() -> [core::ops::Range<usize>; 3] {
    let [start, rodata, data, end] = [
        &raw const __kernel_start,
        &raw const __rodata_start,
        &raw const __data_start,
        &raw const __kernel_end,
    ]
    .map(|symbol| symbol as usize);
    [start..rodata, rodata..data, data..end]
}
