// SPDX-License-Identifier: GPL-2.0

//! Mappings.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use crate::{bindings, types::Opaque};
use core::ptr::NonNull;

/// Flags of a mapping, `VM_*` in C.
pub mod flags {
    /// Its pages are accounted as committed memory.
    pub const ACCOUNT: usize = crate::bindings::VM_ACCOUNT as usize;
    /// Its pages are locked in memory.
    pub const LOCKED: usize = crate::bindings::VM_LOCKED as usize;
    /// It cannot grow, and cannot be left behind empty.
    pub const DONTEXPAND: usize = crate::bindings::VM_DONTEXPAND as usize;
    /// Its pages are given by frame number, and have no `struct page` that counts.
    pub const PFNMAP: usize = crate::bindings::VM_PFNMAP as usize;
    /// It consists of huge pages of hugetlb.
    pub const HUGETLB: usize = crate::bindings::VM_HUGETLB as usize;
    /// Its pages are not memory as any other: frame numbers, registers of a device, or a mixture.
    pub const RAW: usize = (crate::bindings::VM_PFNMAP
        | crate::bindings::VM_MIXEDMAP
        | crate::bindings::VM_IO) as usize;
    /// The pages in it may be merged with equal ones by KSM.
    pub const MERGEABLE: usize = crate::bindings::VM_MERGEABLE;
    /// A userfaultfd has been registered on it; any of these.
    pub const USERFAULTFD: usize = crate::bindings::VM_UFFD;
}

/// A mapping in an address space whose lock is held. Wraps `struct vm_area_struct`.
///
/// Anything that may change which mappings there are takes the address space mutably, see
/// [`LockedMm`](super::LockedMm), so a reference to this is valid as long as it can be used.
///
/// # Invariants
///
/// Values are only ever seen behind references, which borrow the locked address space that the
/// mapping is in.
#[repr(transparent)]
pub struct VmaRef(Opaque<bindings::vm_area_struct>);

impl VmaRef {
    /// Makes a reference from a pointer of C.
    ///
    /// # Safety
    ///
    /// The mapping is in an address space whose mmap lock is held for writing for all of `'a`, and
    /// it is not merged, split or freed during `'a`.
    pub(super) unsafe fn from_raw<'a>(vma: NonNull<bindings::vm_area_struct>) -> &'a VmaRef {
        // SAFETY: By the requirements of this function.
        unsafe { vma.cast().as_ref() }
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::vm_area_struct {
        self.0.get()
    }

    /// Returns where the mapping starts, in bytes.
    #[inline]
    pub fn start(&self) -> usize {
        // SAFETY: The lock is held, so nobody changes the field.
        unsafe { (*self.as_ptr()).__bindgen_anon_1.__bindgen_anon_1.vm_start }
    }

    /// Returns where the mapping ends, in bytes; the first address after it.
    #[inline]
    pub fn end(&self) -> usize {
        // SAFETY: The lock is held, so nobody changes the field.
        unsafe { (*self.as_ptr()).__bindgen_anon_1.__bindgen_anon_1.vm_end }
    }

    /// Returns the [`flags`] of the mapping.
    #[inline]
    pub fn flags(&self) -> usize {
        // SAFETY: The lock is held, so nobody changes the field.
        unsafe { (*self.as_ptr()).__bindgen_anon_2.vm_flags }
    }

    /// Is the mapping private and writable, and so limited by `RLIMIT_DATA`?
    ///
    /// C function: `is_data_mapping()`.
    #[inline]
    pub fn is_data(&self) -> bool {
        // SAFETY: An FFI call without requirements.
        unsafe { bindings::is_data_mapping(self.flags() as _) }
    }

    /// Has a userfaultfd been registered on the mapping?
    ///
    /// C function: `userfaultfd_armed()`.
    #[inline]
    pub fn has_userfaultfd(&self) -> bool {
        self.flags() & flags::USERFAULTFD != 0
    }

    /// May the mapping be changed, or is it sealed?
    ///
    /// C function: `can_modify_vma()`.
    #[inline]
    pub fn can_modify(&self) -> bool {
        // SAFETY: The mapping is valid by the type invariant.
        unsafe { bindings::can_modify_vma(self.as_ptr()) }
    }

    /// Does the mapping have an owner who counts mappings or remembers where they are?
    ///
    /// C fields: `vm_ops->open`, `vm_ops->close`, `vm_ops->mremap`.
    #[inline]
    pub fn has_owner(&self) -> bool {
        // SAFETY: The mapping is valid, and so are its operations if it has any.
        let ops = unsafe { (*self.as_ptr()).vm_ops.as_ref() };

        ops.is_some_and(|ops| ops.open.is_some() || ops.close.is_some() || ops.mremap.is_some())
    }

    /// Returns the size of the pages that the mapping is made of, in bytes: of hugetlb that of its
    /// huge pages.
    ///
    /// C function: `vma_kernel_pagesize()`.
    pub fn kernel_page_size(&self) -> usize {
        // SAFETY: The mapping is valid, and the lock is held.
        unsafe { bindings::vma_kernel_pagesize(self.as_ptr()) as usize }
    }

    /// Is a file mapped, or what is shared as one?
    #[inline]
    fn has_file(&self) -> bool {
        // SAFETY: The lock is held, so nobody changes the field.
        unsafe { !(*self.as_ptr()).vm_file.is_null() }
    }

    /// Does a file say that the memory is anonymous, and is that what orders it in the file?
    ///
    /// That is `/dev/zero`, mapped privately. C function: `vma_is_anonymous()`.
    #[inline]
    pub fn is_anonymous_file(&self) -> bool {
        // SAFETY: The lock is held, so nobody changes the field.
        self.has_file() && unsafe { (*self.as_ptr()).vm_ops.is_null() }
    }
}
