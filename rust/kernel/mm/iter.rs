// SPDX-License-Identifier: GPL-2.0

//! Iteration over VMAs.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use super::{
    virt::VmaRef,
    MmWriteLocked, //
};
use crate::{
    bindings,
    types::Opaque, //
};
use core::{
    marker::PhantomData,
    ops::Range, //
};

/// Iterates over the VMAs that a range overlaps, in address order. Wraps `struct vma_iterator`.
///
/// It borrows the locked address space, so that no VMA comes or goes while it lives, and its
/// position in the maple tree stays valid.
///
/// # Invariants
///
/// `vmi` is an initialised iterator over an address space whose mmap lock is held for writing, and
/// which is borrowed, for all of `'a`.
pub struct VmaIter<'a> {
    vmi: Opaque<bindings::vma_iterator>,
    end: usize,
    _mm: PhantomData<&'a MmWriteLocked<'a>>,
}

impl<'a> VmaIter<'a> {
    pub(super) fn new(mm: &'a MmWriteLocked<'_>, range: Range<usize>) -> Self {
        let vmi = Opaque::uninit();

        // SAFETY: `mm` is valid by its type invariants, and `vmi` is memory for an iterator, which
        // does not refer to its own address and so may be moved afterwards.
        unsafe { bindings::vma_iter_init(vmi.get(), mm.as_raw(), range.start) };

        // INVARIANT: It has just been initialised, and `mm`, which is locked by its type
        // invariants, is borrowed for `'a`.
        VmaIter {
            vmi,
            end: range.end,
            _mm: PhantomData,
        }
    }

    /// Returns the addresses (bytes) at which the maple tree has the VMA that `next()` returned
    /// last. Means nothing if it returned none.
    ///
    /// C functions: `vma_iter_addr()`, `vma_iter_end()`.
    #[inline]
    pub fn linked_at(&self) -> Range<usize> {
        // SAFETY: The iterator is initialised by the type invariants.
        let mas = unsafe { &(*self.vmi.get()).mas };

        mas.index..mas.last.wrapping_add(1)
    }
}

impl<'a> Iterator for VmaIter<'a> {
    type Item = &'a VmaRef;

    #[inline]
    fn next(&mut self) -> Option<&'a VmaRef> {
        // `vma_find()` looks up to the address before the end.
        if self.end == 0 {
            return None;
        }
        // SAFETY: The iterator is initialised, and the lock is held, by the type invariants.
        let vma = unsafe { bindings::vma_find(self.vmi.get(), self.end) };

        // SAFETY: A VMA that is found under the lock is valid while the lock is held and the VMA
        // is not merged, split or freed, for which the address space would have to be borrowed
        // mutably.
        (!vma.is_null()).then(|| unsafe { VmaRef::from_raw(vma) })
    }
}
