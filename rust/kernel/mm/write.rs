// SPDX-License-Identifier: GPL-2.0

//! The mmap lock, held for writing.
//!
//! C header: [`include/linux/mmap_lock.h`](srctree/include/linux/mmap_lock.h)

use super::{
    virt::VmaRef,
    Mm,
    MmWithUser,
    VmaIter, //
};
use crate::{
    bindings,
    error::{
        code::*,
        Result, //
    },
};
use core::{
    marker::PhantomData,
    ops::{
        Deref,
        Range, //
    },
};

impl MmWithUser {
    /// Takes the mmap lock for writing. Sleeps; fails with [`EINTR`] if the task is killed.
    ///
    /// C function: `mmap_write_lock_killable()`.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::mm::MmWithUser;
    ///
    /// /// Returns where the first VMA starts, in bytes.
    /// fn lowest_address(mm: &MmWithUser) -> Result<Option<usize>> {
    ///     let mut guard = mm.mmap_write_lock_killable()?;
    ///     let locked = guard.locked();
    ///
    ///     Ok(locked.vmas(0..usize::MAX).next().map(|vma| vma.start()))
    /// }
    /// ```
    pub fn mmap_write_lock_killable(&self) -> Result<MmapWriteGuard<'_>> {
        // SAFETY: `self` is valid by the type invariants.
        let err = unsafe { bindings::mmap_write_lock_killable(self.as_raw()) };
        if err != 0 {
            return Err(EINTR);
        }

        // INVARIANT: The lock has just been taken.
        Ok(MmapWriteGuard {
            mm: self,
            _not_send: PhantomData,
        })
    }
}

/// The mmap lock, held for writing. Dropping it unlocks.
///
/// # Invariants
///
/// The calling task holds the mmap lock of `mm` for writing, and nothing but this unlocks it.
#[must_use = "the lock is dropped immediately if the guard is unused"]
pub struct MmapWriteGuard<'a> {
    mm: &'a MmWithUser,
    // The task that took the lock has to drop it.
    _not_send: PhantomData<*mut ()>,
}

impl MmapWriteGuard<'_> {
    /// Returns what the lock allows: the VMAs.
    #[inline]
    pub fn locked(&mut self) -> MmWriteLocked<'_> {
        // INVARIANT: The guard holds the lock and refers to an address space with users, and is
        // borrowed mutably, so that nothing unlocks and there is no second token.
        MmWriteLocked {
            mm: self.mm,
            _not_send: PhantomData,
        }
    }
}

impl Drop for MmapWriteGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: The lock is held by the type invariants, and no longer used.
        unsafe { bindings::mmap_write_unlock(self.mm.as_raw()) };
    }
}

/// An address space whose mmap lock is held for writing. Dropping it does not unlock.
///
/// # Invariants
///
/// During `'a`, `mm_users` of `mm` is not zero, and the calling task holds the mmap lock of `mm`
/// for writing and uses the VMAs through this value only.
pub struct MmWriteLocked<'a> {
    mm: &'a Mm,
    // The lock is that of the task.
    _not_send: PhantomData<*mut ()>,
}

impl<'a> MmWriteLocked<'a> {
    /// Stands for a lock that C code has taken.
    ///
    /// # Safety
    ///
    /// For all of `'a`, `mm` is valid and its `mm_users` is not zero, and the calling task holds
    /// its mmap lock for writing and uses its VMAs through the returned value only.
    #[inline]
    pub unsafe fn from_raw(mm: *mut bindings::mm_struct) -> Self {
        // INVARIANT: By the requirements of this function.
        MmWriteLocked {
            // SAFETY: `mm` is valid for `'a` by the requirements of this function.
            mm: unsafe { Mm::from_raw(mm) },
            _not_send: PhantomData,
        }
    }

    /// Returns the VMA that `addr` (bytes) lies in.
    ///
    /// C function: `vma_lookup()`.
    pub fn vma_lookup(&self, addr: usize) -> Option<&VmaRef> {
        // SAFETY: The lock is held by the type invariants, and any address may be looked up.
        let vma = unsafe { bindings::vma_lookup(self.as_raw(), addr) };

        // SAFETY: A VMA that is found under the lock is valid while the lock is held and the VMA
        // is not merged, split or freed, for which `self` would have to be borrowed mutably.
        (!vma.is_null()).then(|| unsafe { VmaRef::from_raw(vma) })
    }

    /// Iterates over the VMAs that `range` (bytes) overlaps, in address order.
    ///
    /// C functions: `vma_iter_init()`, `vma_find()`.
    #[inline]
    pub fn vmas(&self, range: Range<usize>) -> VmaIter<'_> {
        VmaIter::new(self, range)
    }
}

impl Deref for MmWriteLocked<'_> {
    type Target = Mm;

    #[inline]
    fn deref(&self) -> &Mm {
        self.mm
    }
}
