// SPDX-License-Identifier: GPL-2.0

//! Unmapping.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use super::LockedMm;
use crate::{
    bindings,
    error::{code::*, to_result, Result},
};
use core::{ops::Range, ptr::NonNull};

/// Where userfaultfd events of an unmapping are queued until the lock is dropped.
///
/// # Invariants
///
/// The list head is initialised, and nobody else uses it while the value lives.
pub struct UnmapEvents(NonNull<bindings::list_head>);

impl UnmapEvents {
    /// Stands for a queue of C code.
    ///
    /// # Safety
    ///
    /// `list` is an initialised list head that nobody else uses while the returned value lives,
    /// and that is given to `userfaultfd_unmap_complete()` afterwards.
    pub unsafe fn from_raw(list: NonNull<bindings::list_head>) -> Self {
        // INVARIANT: By the requirements of this function.
        UnmapEvents(list)
    }
}

impl LockedMm {
    /// Unmaps `range` (bytes), and gives back what was charged for it.
    ///
    /// Fails with [`EINVAL`] in another address space than that of the current task, with
    /// [`ENOMEM`] if memory is short, and for the reasons of `may_split()` and `mseal()`; then
    /// nothing was unmapped. C function: `do_vmi_munmap()`.
    pub fn unmap(&mut self, range: Range<usize>, events: &mut UnmapEvents) -> Result {
        let mut vmi = bindings::vma_iterator::default();

        if !self.is_current() {
            return Err(EINVAL);
        }
        // SAFETY: The address space is valid and locked, the iterator is initialised before it is
        // used, and `events` is a queue by its type invariant.
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
}
