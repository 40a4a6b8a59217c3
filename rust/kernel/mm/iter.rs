// SPDX-License-Identifier: GPL-2.0

//! Iteration over mappings.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use super::{LockedMm, VmaRef};
use crate::{bindings, types::Opaque};
use core::{marker::PhantomData, ops::Range, ptr::NonNull};

/// Iterates over the mappings in a range, in address order. Wraps `struct vma_iterator`.
///
/// It borrows the locked address space, so that no mapping comes or goes while it lives: its
/// position in the maple tree stays true.
///
/// # Invariants
///
/// `vmi` is an initialised iterator over an address space whose mmap lock is held for all of `'a`.
pub struct VmaIter<'a> {
    vmi: Opaque<bindings::vma_iterator>,
    end: usize,
    _mm: PhantomData<&'a LockedMm>,
}

impl<'a> VmaIter<'a> {
    pub(super) fn new(mm: &'a LockedMm, range: Range<usize>) -> Self {
        let vmi = Opaque::uninit();

        // SAFETY: `mm` is valid, and `vmi` is memory for an iterator, which holds no reference to
        // its own address and may be moved afterwards.
        unsafe { bindings::vma_iter_init(vmi.get(), mm.as_ptr(), range.start as _) };

        // INVARIANT: It has just been initialised, and `mm` is borrowed for `'a`.
        VmaIter {
            vmi,
            end: range.end,
            _mm: PhantomData,
        }
    }

    /// Returns the last mapping that starts below the start of the range.
    pub(super) fn before(self) -> Option<&'a VmaRef> {
        // SAFETY: By the type invariant.
        let vma = unsafe { bindings::vma_prev(self.vmi.get()) };

        // SAFETY: The mapping was found under the lock, and cannot change during `'a`.
        NonNull::new(vma).map(|vma| unsafe { VmaRef::from_raw(vma) })
    }
}

impl<'a> Iterator for VmaIter<'a> {
    type Item = &'a VmaRef;

    fn next(&mut self) -> Option<&'a VmaRef> {
        // SAFETY: By the type invariant.
        let vma = unsafe { bindings::vma_find(self.vmi.get(), self.end as _) };

        // SAFETY: The mapping was found under the lock, and cannot change during `'a`.
        NonNull::new(vma).map(|vma| unsafe { VmaRef::from_raw(vma) })
    }
}
