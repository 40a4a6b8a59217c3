// SPDX-License-Identifier: GPL-2.0

//! What may be moved and how, and what is done before.
//!
//! C headers: `mm/mremap.h`, `mm/internal.h`

use crate::{
    bindings,
    error::{code::*, to_result, Result},
    mm::{flags, LockedMm, VmaRef},
    page::PAGE_SIZE,
};
use core::ops::Range;

/// Do `len` bytes at `addr` consist of whole pages, at least one, without wrapping?
pub(super) fn whole_pages(addr: usize, len: usize) -> bool {
    (addr | len) & (PAGE_SIZE - 1) == 0 && len != 0 && addr.checked_add(len).is_some()
}

impl LockedMm {
    /// The mapping that all of `len` bytes at `addr` lie in. Fails with [`EFAULT`] if there is
    /// none, and with [`EINVAL`] if these are not whole pages.
    pub(super) fn vma_around(&self, addr: usize, len: usize) -> Result<&VmaRef> {
        if !whole_pages(addr, len) {
            return Err(EINVAL);
        }
        self.vma_at(addr)
            .filter(|vma| len <= vma.end() - addr)
            .ok_or(EFAULT)
    }

    /// Asks whether the part of `vma` at `addr` (all in bytes) may move to `new`.
    ///
    /// `keep_source`: an empty mapping is to stay. Fails with [`EPERM`], [`EINVAL`] or, if the file
    /// that is mapped would be elsewhere, [`EFAULT`]. C function: `mremap_check_move()`.
    pub fn check_move(
        &self,
        vma: &VmaRef,
        addr: usize,
        len: usize,
        new: usize,
        keep_source: bool,
    ) -> Result {
        let mremap_flags = if keep_source {
            bindings::MREMAP_DONTUNMAP
        } else {
            0
        };

        // SAFETY: The mapping is valid, and the lock is held.
        to_result(unsafe {
            bindings::mremap_check_move(
                vma.as_ptr(),
                addr as _,
                len as _,
                new as _,
                mremap_flags as _,
            )
        })
    }

    /// Gives every page in `range` (bytes) of one mapping that KSM shares a copy of its own.
    ///
    /// Sleeps. Fails with [`EINVAL`] if these are not whole pages, with [`EFAULT`] if the range is
    /// not in one mapping, with [`ENOMEM`], or with [`ERESTARTSYS`] when a signal comes; pages that
    /// were copied by then stay so, which nobody but KSM sees. C function: `ksm_madvise()`.
    pub fn unmerge_ksm(&self, range: Range<usize>) -> Result {
        let vma = self.vma_around(range.start, range.len())?;

        // SAFETY: The mapping is valid, the range lies in it, and the lock is held.
        to_result(unsafe {
            bindings::mm_ksm_unmerge(vma.as_ptr(), range.start as _, range.end as _)
        })
    }
}

impl VmaRef {
    /// Asks whether the mapping may be cut at `addr` (bytes), which lies inside of it.
    ///
    /// C function: `vm_ops->may_split()`.
    pub fn check_split(&self, addr: usize) -> Result {
        // SAFETY: The mapping is valid, and so are its operations if it has any.
        let may_split = unsafe { (*self.as_ptr()).vm_ops.as_ref() }.and_then(|ops| ops.may_split);

        match may_split {
            // SAFETY: The mapping is valid, and the lock is held.
            Some(may_split) => to_result(unsafe { may_split(self.as_ptr(), addr as _) }),
            None => Ok(()),
        }
    }

    /// Can the mapping go elsewhere as it is, and does not have to be copied?
    #[inline]
    pub fn can_relocate(&self) -> bool {
        self.flags() & (flags::HUGETLB | flags::RAW) == 0
            && !self.has_owner()
            && !self.is_anonymous_file()
            && !self.has_userfaultfd()
    }
}

/// Do page tables move as a whole here, where all that they map moves by a multiple of that?
///
/// C function: `mremap_moves_tables()`.
pub fn moves_tables() -> bool {
    // SAFETY: An FFI call without requirements.
    unsafe { bindings::mremap_moves_tables() }
}
