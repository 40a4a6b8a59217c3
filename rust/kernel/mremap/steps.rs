// SPDX-License-Identifier: GPL-2.0

//! Steps of a move that only make sense as parts of one: see [`Transfer`](super::Transfer).
//!
//! C headers: `mm/vma.h`, `mm/internal.h`

use crate::{
    bindings,
    error::{code::*, to_result, Result},
    mm::{flags, Entry, LockedMm},
    page::PAGE_SIZE,
};
use core::ops::Range;

impl LockedMm {
    /// Splits the mapping at `addr` (bytes), which lies inside of it.
    pub(super) fn split_at(&mut self, addr: usize) -> Result {
        let vma = self.vma_around(addr, PAGE_SIZE)?;
        if vma.start() == addr {
            return Err(EINVAL);
        }
        let vma = vma.as_ptr();
        let mut vmi = bindings::vma_iterator::default();

        // SAFETY: The address space is locked, the mapping has just been found in it, and the
        // iterator points into the mapping.
        to_result(unsafe {
            bindings::vma_iter_init(&mut vmi, self.as_ptr(), addr as _);
            bindings::__split_vma(&mut vmi, vma, addr as _, 1)
        })
    }

    /// Undoes [`LockedMm::split_at()`] for the same `addr` (bytes), if mappings that were one meet
    /// there still. C function: `vma_unsplit()`.
    pub(super) fn unsplit_at(&mut self, addr: usize) {
        let (Some(prev), Some(vma)) = (self.vma_at(addr.wrapping_sub(1)), self.vma_at(addr)) else {
            return;
        };
        if vma.start() != addr {
            return;
        }

        // SAFETY: The address space is locked, and both mappings have just been found in it, one
        // after the other.
        unsafe { bindings::vma_unsplit(prev.as_ptr(), vma.as_ptr()) };
    }

    /// Moves the page tables of `len` bytes back from `new` to `old`.
    ///
    /// C function: `mremap_move_tables()`.
    pub(super) fn move_page_tables_back(&mut self, new: usize, old: usize, len: usize) {
        let (Ok(copy), Ok(vma)) = (self.vma_around(new, len), self.vma_around(old, len)) else {
            return;
        };

        // SAFETY: The address space is locked, both mappings were found in it, and the ranges lie
        // in them.
        unsafe {
            bindings::mremap_move_tables(
                copy.as_ptr(),
                new as _,
                vma.as_ptr(),
                old as _,
                len as _,
                true,
            )
        };
    }

    /// Takes a run of which the memory is elsewhere out of the address space. It need not be looked
    /// at if there were no `copies`.
    pub(super) fn forget(&mut self, run: Range<usize>, copies: usize) {
        // SAFETY: The address space is locked, and a run consists of whole mappings by now.
        unsafe {
            bindings::mremap_forget(self.as_ptr(), run.start as _, run.end as _, copies != 0)
        };
    }

    /// Merges what has arrived in a range.
    pub(super) fn merge(&mut self, range: Range<usize>, with_prev: bool, with_next: bool) {
        // SAFETY: The address space is locked, and whole mappings have arrived there.
        unsafe {
            bindings::vma_merge_copies(
                self.as_ptr(),
                range.start as _,
                range.end as _,
                with_prev,
                with_next,
            )
        };
    }

    /// Gives up tracking the memory type of the mapping at `addr` (bytes), if it does that.
    /// C function: `untrack_pfn_clear()`.
    pub(super) fn untrack(&mut self, addr: usize) {
        let vma = self
            .vma_at(addr)
            .filter(|vma| vma.flags() & flags::PFNMAP != 0);

        if let Some(vma) = vma {
            // SAFETY: The address space is locked, and the mapping has just been found in it.
            unsafe { bindings::mm_untrack_pfn(vma.as_ptr()) };
        }
    }

    /// Checks the tree of mappings, in a kernel that is told to.
    pub(super) fn validate(&self) {
        // SAFETY: The address space is locked.
        unsafe { bindings::validate_mm(self.as_ptr()) };
    }
}

/// Tells the owner of a mapping that it has moved to where it is.
///
/// Fails if the owner does not agree. C function: `vm_ops->mremap()`.
///
/// # Safety
///
/// `vma` is a mapping of an address space whose mmap lock is held for writing.
pub(super) unsafe fn tell_owner(vma: *mut bindings::vm_area_struct) -> Result {
    // SAFETY: The mapping is valid, and so are its operations if it has any.
    let mremap = unsafe { (*vma).vm_ops.as_ref() }.and_then(|ops| ops.mremap);

    match mremap {
        // SAFETY: The mapping is valid, and the lock is held.
        Some(mremap) => to_result(unsafe { mremap(vma) }),
        None => Ok(()),
    }
}

impl Entry<'_> {
    /// Is the mapping at another place than where it is listed?
    #[inline]
    pub(super) fn is_elsewhere(&self) -> bool {
        self.start() != self.listed().start
    }
}
