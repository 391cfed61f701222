//! Memory: where things are, page frames, the early heap, page tables, stacks, and programs' address spaces.

mod bytes;
pub(crate) mod frames;
pub(crate) mod heap;
pub(crate) mod layout;
pub(crate) mod paging;
pub(crate) mod space;
pub(crate) mod stacks;
pub(crate) mod user;
