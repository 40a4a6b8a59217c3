// SPDX-License-Identifier: GPL-2.0

//! The steps that a move of mappings is made of.
//!
//! All of them name memory by address. A step may merge, split or free mappings, so it takes the
//! locked address space mutably, and no [`VmaRef`] lives across it.
//!
//! C headers: `mm/mremap.h`, `mm/vma.h`, `mm/internal.h`

use super::{LockedMm, VmaRef};
use crate::{
    bindings,
    error::{code::*, to_result, Error, Result},
    page::PAGE_SIZE,
};
use core::{ops::Range, ptr::NonNull};

/// Where userfaultfd events of an unmapping are queued until the lock is dropped.
pub struct UnmapEvents(NonNull<bindings::list_head>);

impl UnmapEvents {
    /// Stands for a queue of C code.
    ///
    /// # Safety
    ///
    /// `list` is an initialised list head that nobody else uses while the returned value lives,
    /// and that is given to `userfaultfd_unmap_complete()` afterwards.
    pub unsafe fn from_raw(list: NonNull<bindings::list_head>) -> Self {
        UnmapEvents(list)
    }
}

/// Do `len` bytes at `addr` consist of whole pages, at least one, without wrapping?
fn whole_pages(addr: usize, len: usize) -> bool {
    (addr | len) & (PAGE_SIZE - 1) == 0 && len != 0 && addr.checked_add(len).is_some()
}

/// The errno in an address that a C function returned, if it is one.
fn to_address(ret: crate::ffi::c_ulong) -> Result<usize> {
    let ret = ret as usize;

    if ret > usize::MAX - bindings::MAX_ERRNO as usize {
        return Err(Error::from_errno(ret as isize as i32));
    }
    Ok(ret)
}

impl LockedMm {
    /// The mapping that all of `len` bytes at `addr` lie in. Fails with [`EFAULT`] if there is
    /// none, and with [`EINVAL`] if these are not whole pages.
    fn vma_around(&self, addr: usize, len: usize) -> Result<&VmaRef> {
        if !whole_pages(addr, len) {
            return Err(EINVAL);
        }
        self.vma_at(addr)
            .filter(|vma| len <= vma.end() - addr)
            .ok_or(EFAULT)
    }

    /// Asks where the kernel would put the part of `vma` at `addr` (all in bytes) if it were to
    /// move to `new`: there, or elsewhere if what is mapped chooses its address.
    ///
    /// `mremap_flags` are `MREMAP_*`. Fails with [`EPERM`] or [`EINVAL`], see the C function
    /// `mremap_check_move()`.
    pub fn check_move(
        &self,
        vma: &VmaRef,
        addr: usize,
        len: usize,
        new: usize,
        mremap_flags: usize,
    ) -> Result<usize> {
        // SAFETY: The mapping is valid, and the lock is held.
        to_address(unsafe {
            bindings::mremap_check_move(
                vma.as_ptr(),
                addr as _,
                len as _,
                new as _,
                mremap_flags as _,
            )
        })
    }

    /// Asks whether `vma` may be cut at `addr` (bytes), which lies inside of it.
    ///
    /// C function: `vm_ops->may_split()`.
    pub fn check_split(&self, vma: &VmaRef, addr: usize) -> Result {
        // SAFETY: The mapping is valid, and so are its operations if it has any.
        let may_split = unsafe { (*vma.as_ptr()).vm_ops.as_ref() }.and_then(|ops| ops.may_split);

        match may_split {
            // SAFETY: The mapping is valid, and the lock is held.
            Some(may_split) => to_result(unsafe { may_split(vma.as_ptr(), addr as _) }),
            None => Ok(()),
        }
    }

    /// Gives every page in `range` (bytes) of one mapping that KSM shares a copy of its own.
    ///
    /// Sleeps. Fails with [`EFAULT`] if the range is not in one mapping, with [`ENOMEM`], or with
    /// [`EINTR`] when the task is killed; pages that were copied by then stay so, which nobody but
    /// KSM sees. C function: `ksm_madvise()`.
    pub fn unmerge_ksm(&self, range: Range<usize>) -> Result {
        let vma = self.vma_around(range.start, range.len())?;

        // SAFETY: The mapping is valid, the range lies in it, and the lock is held.
        to_result(unsafe {
            bindings::mm_ksm_unmerge(vma.as_ptr(), range.start as _, range.end as _)
        })
    }

    /// Unmaps `range` (bytes), and gives back what was charged for it.
    ///
    /// Fails with [`EINVAL`] in another address space than that of the current task, with
    /// [`ENOMEM`] if memory is short, and for the reasons of `may_split()` and `mseal()`; then
    /// nothing was unmapped. C function: `do_vmi_munmap()`.
    pub fn unmap(&mut self, range: Range<usize>, events: &mut UnmapEvents) -> Result {
        let mut vmi = bindings::vma_iterator::default();

        // SAFETY: The address space is valid.
        if !unsafe { bindings::mm_is_current(self.as_ptr()) } {
            return Err(EINVAL);
        }
        // SAFETY: The address space is valid and locked, the iterator is initialised before it is
        // used, and `events` is a queue by its own invariant.
        to_result(unsafe {
            bindings::vma_iter_init(&mut vmi, self.as_ptr(), range.start as _);
            bindings::do_vmi_munmap(
                &mut vmi,
                self.as_ptr(),
                range.start as _,
                range.len() as _,
                events.0.as_ptr(),
                false,
            )
        })
    }

    /// Splits the mapping at `addr` (bytes), which lies inside of it.
    ///
    /// Fails with [`EINVAL`] if it does not, with [`ENOMEM`], and for the reasons of
    /// `may_split()`. Does not ask whether there may be one more mapping.
    /// C function: `__split_vma()`.
    pub fn split_at(&mut self, addr: usize) -> Result {
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
    /// there still.
    ///
    /// Does not fail. C function: `vma_unsplit()`.
    pub fn unsplit_at(&mut self, addr: usize) {
        let Some(below) = addr.checked_sub(1) else {
            return;
        };
        let (Some(prev), Some(vma)) = (self.vma_at(below), self.vma_at(addr)) else {
            return;
        };
        if vma.start() != addr {
            return;
        }

        // SAFETY: The address space is locked, and both mappings have just been found in it, one
        // after the other.
        unsafe { bindings::vma_unsplit(prev.as_ptr(), vma.as_ptr()) };
    }

    /// Makes a mapping of `len` bytes at `new`, where nothing is mapped, that is like the part at
    /// `old` of the mapping there. It has no pages, is not charged for, and has not merged with
    /// anything, see [`LockedMm::merge_copy()`].
    ///
    /// The source is locked against faults. Fails with [`ENOMEM`], also if something is mapped at
    /// `new`, and as [`LockedMm::unmerge_ksm()`] for ranges that are wrong.
    /// C function: `copy_vma_apart()`.
    pub fn copy(&mut self, old: usize, len: usize, new: usize) -> Result {
        let vma = self.vma_around(old, len)?.as_ptr();
        if !whole_pages(new, len) {
            return Err(EINVAL);
        }

        // SAFETY: The address space is locked, and the mapping has just been found in it.
        let copy = unsafe {
            bindings::vma_start_write(vma);
            bindings::copy_vma_apart(vma, old as _, len as _, new as _)
        };
        if copy.is_null() {
            return Err(ENOMEM);
        }
        Ok(())
    }

    /// Merges the copy of which `range` (bytes) is all with what is around it, as if it arrived
    /// now: with what is before and with what follows it, if it may.
    ///
    /// Where memory is short it stays as it is. C function: `mremap_merge_copy()`.
    pub fn merge_copy(&mut self, range: Range<usize>, with_prev: bool, with_next: bool) {
        // SAFETY: The address space is locked.
        unsafe {
            bindings::mremap_merge_copy(
                self.as_ptr(),
                range.start as _,
                range.end as _,
                with_prev,
                with_next,
            )
        };
    }

    /// Moves the page tables of `len` bytes at `old` to `new`, a copy that has not merged. Both lie
    /// in one mapping each, and do not overlap.
    ///
    /// Returns how many bytes were moved, which is less than `len` if a page table could not be
    /// allocated. Takes the locks of page tables, and those of the reverse mapping where whole
    /// tables move; sleeps. C function: `mremap_move_tables()`.
    pub fn move_page_tables(&mut self, old: usize, new: usize, len: usize) -> usize {
        self.move_tables(old, new, len, false)
    }

    /// Moves the page tables of `len` bytes back from `new` to `old`.
    ///
    /// Allocates nothing where the old tables are still there. Takes the locks of the reverse
    /// mapping and of page tables; sleeps. C function: `mremap_move_tables()`.
    pub fn move_page_tables_back(&mut self, old: usize, new: usize, len: usize) -> usize {
        self.move_tables(new, old, len, true)
    }

    fn move_tables(&mut self, from: usize, to: usize, len: usize, back: bool) -> usize {
        let (Ok(vma), Ok(new_vma)) = (self.vma_around(from, len), self.vma_around(to, len)) else {
            return 0;
        };
        if from.abs_diff(to) < len {
            return 0;
        }

        // SAFETY: The address space is locked, both mappings were found in it, and the ranges lie
        // in them.
        let moved = unsafe {
            bindings::mremap_move_tables(
                vma.as_ptr(),
                from as _,
                new_vma.as_ptr(),
                to as _,
                len as _,
                back,
            )
        };
        moved as usize
    }

    /// Tells the owner of the mapping at `addr` (bytes) that it has moved there.
    ///
    /// Fails if the owner does not agree. C function: `vm_ops->mremap()`.
    pub fn tell_owner(&mut self, addr: usize) -> Result {
        let vma = self.vma_at(addr).ok_or(EFAULT)?.as_ptr();
        // SAFETY: The mapping is valid, and so are its operations if it has any.
        let mremap = unsafe { (*vma).vm_ops.as_ref() }.and_then(|ops| ops.mremap);

        match mremap {
            // SAFETY: The mapping is valid, and the lock is held.
            Some(mremap) => to_result(unsafe { mremap(vma) }),
            None => Ok(()),
        }
    }

    /// Unmaps `range` (bytes), whose pages and charges have gone to copies at `new`, and merges
    /// these with what is around them.
    ///
    /// Fails with [`ENOMEM`]; then it is all mapped still. C function: `mremap_retire()`.
    pub fn retire(&mut self, range: Range<usize>, new: usize) -> Result {
        if !whole_pages(range.start, range.len()) || !whole_pages(new, range.len()) {
            return Err(EINVAL);
        }
        // SAFETY: The address space is locked.
        to_result(unsafe {
            bindings::mremap_retire(self.as_ptr(), range.start as _, range.end as _, new as _)
        })
    }

    /// Unmaps `range` (bytes), copies whose pages have gone back to the mappings that still have
    /// the charges for them.
    ///
    /// Does nothing unless the range starts and ends where a mapping does. Does not fail.
    /// C function: `mremap_discard()`.
    pub fn discard(&mut self, range: Range<usize>) {
        let starts = self
            .vma_at(range.start)
            .is_some_and(|vma| vma.start() == range.start);
        let ends = self
            .last_vma_below(range.end)
            .is_some_and(|vma| vma.end() == range.end);

        if starts && ends {
            // SAFETY: The address space is locked, and whole mappings are unmapped.
            unsafe { bindings::mremap_discard(self.as_ptr(), range.start as _, range.end as _) };
        }
    }

    /// Finishes `range` (bytes) of one mapping, whose pages have gone to a mapping elsewhere, as
    /// one that stays mapped: it counts again, and is unlocked.
    ///
    /// Committed memory is charged for by the caller. C functions: `mremap_leave_empty()`,
    /// `vm_stat_account()`.
    pub fn leave_empty(&mut self, range: Range<usize>) {
        let Some(vma) = self.vma_at(range.start) else {
            return;
        };

        self.count_again(vma, &range);
        // SAFETY: The address space is locked. The mapping was found in it, and is locked too.
        unsafe {
            bindings::vma_start_write(vma.as_ptr());
            bindings::mremap_leave_empty(vma.as_ptr(), range.start as _, range.len() as _);
        }
    }

    /// Adds a part of a mapping to the size of the address space.
    fn count_again(&self, vma: &VmaRef, part: &Range<usize>) {
        let pages = part.len() >> bindings::PAGE_SHIFT;

        // SAFETY: The address space is locked.
        unsafe { bindings::vm_stat_account(self.as_ptr(), vma.flags() as _, pages as _) };
    }
}
