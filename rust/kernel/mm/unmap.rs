// SPDX-License-Identifier: GPL-2.0

//! Unmapping.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use super::MmWriteLocked;
use crate::{
    bindings,
    error::{
        code::*,
        to_result,
        Result, //
    },
    page::PAGE_SIZE,
    types::Opaque,
};
use core::{
    marker::PhantomData,
    ops::Range,
    ptr::NonNull, //
};

/// The userfaultfd events of unmappings, which are sent when the mmap lock has been dropped.
///
/// # Invariants
///
/// The list head is initialised and used by nothing else during `'a`.
pub struct UnmapEvents<'a> {
    list: NonNull<bindings::list_head>,
    _list: PhantomData<&'a mut bindings::list_head>,
}

impl UnmapEvents<'_> {
    /// Stands for a list of C code.
    ///
    /// # Safety
    ///
    /// `list` is an initialised list head, which nothing else uses for all of `'a`, and which is
    /// given to `userfaultfd_unmap_complete()` afterwards.
    pub unsafe fn from_raw(list: NonNull<bindings::list_head>) -> Self {
        // INVARIANT: By the requirements of this function.
        UnmapEvents {
            list,
            _list: PhantomData,
        }
    }
}

impl MmWriteLocked<'_> {
    /// Unmaps `range` (bytes), and uncharges what was charged for it.
    ///
    /// Fails with [`EINVAL`] if this is not the address space of the current task, or if the range
    /// is empty or does not consist of whole pages below the end of user space; with [`EPERM`] if
    /// a VMA is sealed; with [`ENOMEM`]; and as `vm_ops->may_split()` does. Then nothing was
    /// unmapped. C function: `do_vmi_munmap()`.
    pub fn munmap(&mut self, range: Range<usize>, events: &mut UnmapEvents<'_>) -> Result {
        let mm = self.as_raw();
        let vmi = Opaque::<bindings::vma_iterator>::uninit();

        // `do_vmi_munmap()` would round the end up.
        //
        // SAFETY: An FFI call without requirements.
        if range.end % PAGE_SIZE != 0 || !unsafe { bindings::mm_is_current(mm) } {
            return Err(EINVAL);
        }
        // SAFETY: `mm` is valid and locked by the type invariants of `Self`, of which a mutable
        // borrow may free VMAs. The iterator is initialised before it is used. The list may be
        // added to by the type invariants of `UnmapEvents`.
        to_result(unsafe {
            bindings::vma_iter_init(vmi.get(), mm, range.start);
            bindings::do_vmi_munmap(
                vmi.get(),
                mm,
                range.start,
                range.len(),
                events.list.as_ptr(),
                false,
            )
        })
    }
}
