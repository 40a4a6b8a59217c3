// SPDX-License-Identifier: GPL-2.0

//! Iteration over mappings.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use super::{LockedMm, VmaRef};
use crate::{bindings, types::Opaque};
use core::{
    marker::PhantomData,
    ops::{Deref, Range},
    ptr::NonNull,
};

/// A mapping, and where the address space lists it.
///
/// These are the addresses that the mapping covers, but for one that has been relocated: until the
/// move is over it is listed at both places, and is at one of them.
pub struct Entry<'a> {
    vma: &'a VmaRef,
    listed: Range<usize>,
}

impl Entry<'_> {
    /// Returns where the mapping is listed, in bytes.
    #[inline]
    pub fn listed(&self) -> Range<usize> {
        self.listed.clone()
    }
}

impl Deref for Entry<'_> {
    type Target = VmaRef;

    #[inline]
    fn deref(&self) -> &VmaRef {
        self.vma
    }
}

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

    /// What the iterator stands on, having just found `vma` there.
    #[inline]
    fn entry(&self, vma: *mut bindings::vm_area_struct) -> Option<Entry<'a>> {
        let vma = NonNull::new(vma)?;
        // SAFETY: The iterator is initialised by the type invariant, and only read here.
        let mas = unsafe { &(*self.vmi.get()).mas };
        let listed = mas.index..mas.last + 1;

        Some(Entry {
            // SAFETY: The mapping was found under the lock, and cannot change during `'a`.
            vma: unsafe { VmaRef::from_raw(vma) },
            listed,
        })
    }
}

impl<'a> Iterator for VmaIter<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        // There is no last address below this.
        if self.end == 0 {
            return None;
        }
        // SAFETY: By the type invariant.
        let vma = unsafe { bindings::vma_find(self.vmi.get(), self.end as _) };

        self.entry(vma)
    }
}
