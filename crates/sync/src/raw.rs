//! The one cell under [`crate::Lock`] and [`crate::PerHart`]. Loom's own notices when two accesses are not ordered by
//! what the code did in between; the plain one is nothing but the compiler's.

#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell;

/// A value that more than one hart can reach; who may, is for its user to see to.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        UnsafeCell(core::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(crate) fn with<R>(&self, body: impl FnOnce(*const T) -> R) -> R {
        body(self.0.get())
    }

    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, body: impl FnOnce(*mut T) -> R) -> R {
        body(self.0.get())
    }
}
