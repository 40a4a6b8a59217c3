// SPDX-License-Identifier: GPL-2.0

//! Address spaces.
//!
//! An address space that has a user is an [`MmWithUser`]. Its mappings may be looked at and changed
//! by whoever holds its mmap lock for writing, which is what a [`LockedMm`] stands for:
//!
//! - `&LockedMm` is enough to look. Every [`VmaRef`] and every [`VmaIter`] borrows it.
//! - `&mut LockedMm` is needed for whatever may merge, split or free a mapping.
//!
//! So a reference to a mapping cannot outlive a change that may have freed that mapping: the
//! compiler refuses it.
//!
//! C headers: [`include/linux/mm.h`](srctree/include/linux/mm.h),
//! [`include/linux/mmap_lock.h`](srctree/include/linux/mmap_lock.h)

use crate::{
    bindings,
    error::{code::*, Result},
    types::{ARef, AlwaysRefCounted, Opaque},
};
use core::{
    marker::PhantomData,
    ops::{Deref, DerefMut, Range},
    ptr::NonNull,
};

mod iter;
mod unmap;
mod virt;

pub use iter::{Entry, VmaIter};
pub use unmap::UnmapEvents;
pub use virt::{flags, VmaRef};

/// An address space. Wraps `struct mm_struct`.
///
/// # Invariants
///
/// Values are only ever seen behind references, and while such a reference lives the address
/// space has a user (`mm_users` is not zero).
#[repr(transparent)]
pub struct MmWithUser(Opaque<bindings::mm_struct>);

// SAFETY: `mmput()` may be called from any thread, and nothing else is bound to one.
unsafe impl Send for MmWithUser {}

// SAFETY: What can be done through a shared reference is locking, which is for any thread.
unsafe impl Sync for MmWithUser {}

// SAFETY: The methods use the count `mm_users`, which keeps the address space alive.
unsafe impl AlwaysRefCounted for MmWithUser {
    fn inc_ref(&self) {
        // SAFETY: By the type invariant the address space has a user, so another may be added.
        unsafe { bindings::mmget(self.0.get()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives up the use that it has.
        unsafe { bindings::mmput(obj.cast().as_ptr()) };
    }
}

impl MmWithUser {
    /// Makes an address space without mappings, that no task runs in.
    ///
    /// Fails with [`ENOMEM`]. C function: `mm_alloc()`.
    pub fn new() -> Result<ARef<Self>> {
        // SAFETY: An FFI call that may sleep, without other requirements.
        let mm = unsafe { bindings::mm_alloc() };
        let mm = NonNull::new(mm).ok_or(ENOMEM)?;

        // SAFETY: `mm_alloc()` returned an address space with one user, which is ours to give
        // away. `MmWithUser` is transparent over `struct mm_struct`.
        Ok(unsafe { ARef::from_raw(mm.cast()) })
    }

    /// Takes the mmap lock for writing. Sleeps; gives up with [`EINTR`] when the task is killed.
    ///
    /// C function: `mmap_write_lock_killable()`.
    ///
    /// # Examples
    ///
    /// A new address space has no mappings:
    ///
    /// ```
    /// use kernel::mm::MmWithUser;
    ///
    /// let mm = MmWithUser::new()?;
    /// let locked = mm.mmap_write_lock_killable()?;
    /// assert_eq!(locked.map_count(), 0);
    /// assert!(locked.vmas(0..usize::MAX).next().is_none());
    /// assert!(locked.vma_at(0).is_none());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn mmap_write_lock_killable(&self) -> Result<MmapWriteGuard<'_>> {
        // SAFETY: By the type invariant the address space is alive.
        let err = unsafe { bindings::mmap_write_lock_killable(self.0.get()) };
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

/// The mmap lock of an address space, held for writing. Dropping it unlocks.
///
/// # Invariants
///
/// The lock was taken for this guard.
#[must_use = "the lock unlocks immediately when the guard is unused"]
pub struct MmapWriteGuard<'a> {
    mm: &'a MmWithUser,
    _not_send: PhantomData<*mut ()>,
}

impl Deref for MmapWriteGuard<'_> {
    type Target = LockedMm;

    fn deref(&self) -> &LockedMm {
        // SAFETY: The guard holds the lock, and this is the address of the address space.
        unsafe { &*self.mm.0.get().cast::<LockedMm>() }
    }
}

impl DerefMut for MmapWriteGuard<'_> {
    fn deref_mut(&mut self) -> &mut LockedMm {
        // SAFETY: As in `deref()`. The lock is exclusive and so is the borrow of the guard, so
        // there is no other `LockedMm` for this address space.
        unsafe { &mut *self.mm.0.get().cast::<LockedMm>() }
    }
}

impl Drop for MmapWriteGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the lock is held, and for this guard.
        unsafe { bindings::mmap_write_unlock(self.mm.0.get()) };
    }
}

/// An address space whose mmap lock is held for writing.
///
/// # Invariants
///
/// Values are only ever seen behind references, at the address of a `struct mm_struct`. While one
/// lives, the calling task holds the lock, and a mutable one is the only way to the mappings.
///
/// The type has no size, as is usual for what only C knows: exchanging what two mutable references
/// refer to exchanges nothing. They carry the address of the `struct mm_struct`, and Rust claims
/// nothing of the memory there. The lock belongs to a task, so neither can go to another.
#[repr(transparent)]
pub struct LockedMm(Opaque<[u8; 0]>, PhantomData<*mut ()>);

impl LockedMm {
    /// Stands for a lock that C code has taken.
    ///
    /// # Safety
    ///
    /// `mm` is valid, and its mmap lock is held for writing by the calling task for all of `'a`.
    /// During `'a` its mappings are used through the returned reference only.
    pub unsafe fn from_raw<'a>(mm: *mut bindings::mm_struct) -> &'a mut LockedMm {
        // SAFETY: By the requirements of this function.
        unsafe { &mut *mm.cast() }
    }

    /// Returns the C address space.
    pub fn as_ptr(&self) -> *mut bindings::mm_struct {
        self.0.get().cast()
    }

    /// Is it the address space of the current task?
    #[inline]
    pub fn is_current(&self) -> bool {
        // SAFETY: The address space is valid.
        unsafe { bindings::mm_is_current(self.as_ptr()) }
    }

    /// Returns the number of mappings.
    pub fn map_count(&self) -> usize {
        // SAFETY: The lock is held, so the count does not change.
        let count = unsafe { (*self.as_ptr()).__bindgen_anon_1.map_count };
        count as usize
    }

    /// Returns the number of mappings that an address space may have.
    ///
    /// C variable: `sysctl_max_map_count`.
    pub fn max_map_count() -> usize {
        // SAFETY: A plain integer, which may change at any time; any value of it will do.
        let max = unsafe { core::ptr::addr_of!(bindings::sysctl_max_map_count).read_volatile() };
        max as usize
    }

    /// Returns where the addresses of the current task end, in bytes.
    ///
    /// C macro: `TASK_SIZE`.
    pub fn user_space_end() -> usize {
        // SAFETY: An FFI call without requirements.
        unsafe { bindings::TASK_SIZE() as usize }
    }

    /// Returns the mapping that `addr` (bytes) lies in.
    ///
    /// C function: `vma_lookup()`.
    pub fn vma_at(&self, addr: usize) -> Option<&VmaRef> {
        // SAFETY: The lock is held.
        let vma = unsafe { bindings::vma_lookup(self.as_ptr(), addr as _) };
        // SAFETY: A mapping that is found under the lock lives as long as nobody changes it, and
        // changing it takes `&mut self`.
        NonNull::new(vma)
            .map(|vma| unsafe { VmaRef::from_raw(vma) })
            // One that was relocated is still listed here for a while.
            .filter(|vma| vma.start() <= addr && addr < vma.end())
    }

    /// Iterates over the mappings that `range` (bytes) touches, in address order.
    ///
    /// C functions: `vma_iter_init()`, `vma_find()`.
    pub fn vmas(&self, range: Range<usize>) -> VmaIter<'_> {
        VmaIter::new(self, range)
    }

    /// May the address space of the current task grow by `pages`?
    ///
    /// C function: `may_expand_vm()`, which compares with `RLIMIT_AS`.
    pub fn may_expand(&self, pages: usize) -> bool {
        // SAFETY: The lock is held. Without flags the mapping is not one of data.
        unsafe { bindings::may_expand_vm(self.as_ptr(), 0, pages as _) }
    }

    /// May the private writable mappings of the current task grow by `pages`?
    ///
    /// C function: `may_expand_data_vm()`, which compares with `RLIMIT_DATA`.
    pub fn may_expand_data(&self, pages: usize) -> bool {
        // SAFETY: The lock is held.
        unsafe { bindings::may_expand_data_vm(self.as_ptr(), pages as _) }
    }
}

/// Committed memory that has been charged for, and is given back when this is dropped.
///
/// C functions: `security_vm_enough_memory_mm()`, `vm_acct_memory()`, `vm_unacct_memory()`.
#[must_use = "an unused charge is given back immediately"]
pub struct Charge {
    pages: usize,
}

impl Charge {
    /// Charges for `pages`, of which `freed` are about to be given back by something else.
    ///
    /// Fails with [`ENOMEM`] if the system does not allow the difference.
    pub fn new(mm: &LockedMm, pages: usize, freed: usize) -> Result<Self> {
        let checked = pages.saturating_sub(freed);

        if checked != 0 {
            // SAFETY: `mm` is a valid address space.
            let err = unsafe { bindings::mm_charge_checked(mm.as_ptr(), checked as _) };
            if err != 0 {
                return Err(ENOMEM);
            }
        }

        // SAFETY: An FFI call without requirements.
        unsafe { bindings::vm_acct_memory((pages - checked) as _) };
        Ok(Charge { pages })
    }

    /// Keeps the charge: it belongs to a mapping now, and is given back when that is unmapped.
    pub fn keep(mut self) {
        self.pages = 0;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        // SAFETY: As many pages were charged in `new()`.
        unsafe { bindings::vm_unacct_memory(self.pages as _) };
    }
}
