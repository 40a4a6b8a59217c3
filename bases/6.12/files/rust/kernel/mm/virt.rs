// SPDX-License-Identifier: GPL-2.0

//! VMAs.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use crate::{
    bindings,
    types::Opaque, //
};

/// The type of [`flags`].
#[doc(inline)]
pub use bindings::vm_flags_t;

/// A VMA, to look at. Wraps `struct vm_area_struct`.
///
/// # Invariants
///
/// The VMA is valid and the mmap lock of its address space is held, for reading or writing, while
/// a reference to this lives.
#[repr(transparent)]
pub struct VmaRef {
    vma: Opaque<bindings::vm_area_struct>,
}

impl VmaRef {
    /// Makes a reference from a pointer of C.
    ///
    /// # Safety
    ///
    /// `vma` is valid, the mmap lock of its address space is held, and the VMA is not merged,
    /// split or freed, for all of `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(vma: *const bindings::vm_area_struct) -> &'a Self {
        // SAFETY: `vma` is valid for `'a` by the requirements of this function, and the type is
        // transparent over `struct vm_area_struct`.
        unsafe { &*vma.cast() }
    }

    /// Returns the `struct vm_area_struct`.
    #[inline]
    pub fn as_ptr(&self) -> *mut bindings::vm_area_struct {
        self.vma.get()
    }

    /// Returns where the VMA starts, in bytes.
    #[inline]
    pub fn start(&self) -> usize {
        // SAFETY: The VMA is valid and the lock is held by the type invariants, so that reading the
        // field is no data race.
        unsafe { (*self.as_ptr()).__bindgen_anon_1.__bindgen_anon_1.vm_start }
    }

    /// Returns where the VMA ends, in bytes: the first address after it.
    #[inline]
    pub fn end(&self) -> usize {
        // SAFETY: As in `start()`.
        unsafe { (*self.as_ptr()).__bindgen_anon_1.__bindgen_anon_1.vm_end }
    }

    /// Returns the [`flags`] of the VMA.
    #[inline]
    pub fn flags(&self) -> vm_flags_t {
        // SAFETY: As in `start()`.
        unsafe { (*self.as_ptr()).__bindgen_anon_2.vm_flags }
    }
}

/// Flags of a VMA, `VM_*` in C.
pub mod flags {
    use super::vm_flags_t;
    use crate::bindings;

    /// Its memory consists of page frames without a `struct page` that counts them.
    pub const PFNMAP: vm_flags_t = bindings::VM_PFNMAP as vm_flags_t;

    /// Its memory consists of registers of a device, or the like.
    pub const IO: vm_flags_t = bindings::VM_IO as vm_flags_t;

    /// Its pages stay in memory.
    pub const LOCKED: vm_flags_t = bindings::VM_LOCKED as vm_flags_t;

    /// Its memory is charged for as committed memory.
    pub const ACCOUNT: vm_flags_t = bindings::VM_ACCOUNT as vm_flags_t;

    /// Its memory consists of huge pages of hugetlb.
    pub const HUGETLB: vm_flags_t = bindings::VM_HUGETLB as vm_flags_t;

    /// `CONFIG_MEM_SOFT_DIRTY` tracks writes to it.
    pub const SOFTDIRTY: vm_flags_t = bindings::VM_SOFTDIRTY as vm_flags_t;

    /// Flags in which VMAs that merge may differ.
    pub const IGNORE_MERGE: vm_flags_t = SOFTDIRTY;

    /// Its memory is a mixture of page frames with and without a `struct page` that counts them.
    pub const MIXEDMAP: vm_flags_t = bindings::VM_MIXEDMAP as vm_flags_t;

    /// KSM may merge its pages with equal ones.
    pub const MERGEABLE: vm_flags_t = bindings::VM_MERGEABLE as vm_flags_t;
}
