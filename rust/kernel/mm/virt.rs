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
    /// Its pages are given by frame number, and have no `struct page` that counts.
    pub const PFNMAP: usize = crate::bindings::VM_PFNMAP as usize;
    /// The pages in it may be merged with equal ones by KSM.
    pub const MERGEABLE: usize = crate::bindings::VM_MERGEABLE as usize;
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

    pub(super) fn as_ptr(&self) -> *mut bindings::vm_area_struct {
        self.0.get()
    }

    /// Returns where the mapping starts, in bytes.
    pub fn start(&self) -> usize {
        // SAFETY: The lock is held, so nobody changes the field.
        let start = unsafe { (*self.as_ptr()).__bindgen_anon_1.__bindgen_anon_1.vm_start };
        start as usize
    }

    /// Returns where the mapping ends, in bytes; the first address after it.
    pub fn end(&self) -> usize {
        // SAFETY: The lock is held, so nobody changes the field.
        let end = unsafe { (*self.as_ptr()).__bindgen_anon_1.__bindgen_anon_1.vm_end };
        end as usize
    }

    /// Returns the [`flags`] of the mapping.
    pub fn flags(&self) -> usize {
        // SAFETY: The lock is held, so nobody changes the field.
        let flags = unsafe { (*self.as_ptr()).__bindgen_anon_2.vm_flags };
        flags as usize
    }

    /// Is the mapping private and writable, and so limited by `RLIMIT_DATA`?
    ///
    /// C function: `is_data_mapping()`.
    pub fn is_data(&self) -> bool {
        // SAFETY: An FFI call without requirements.
        unsafe { bindings::is_data_mapping(self.flags() as _) }
    }

    /// Has a userfaultfd been registered on the mapping?
    ///
    /// C function: `userfaultfd_armed()`.
    pub fn has_userfaultfd(&self) -> bool {
        // SAFETY: The mapping is valid by the type invariant.
        unsafe { bindings::userfaultfd_armed(self.as_ptr()) }
    }

    /// May the mapping be changed, or is it sealed?
    ///
    /// C function: `can_modify_vma()`.
    pub fn can_modify(&self) -> bool {
        // SAFETY: The mapping is valid by the type invariant.
        unsafe { bindings::can_modify_vma(self.as_ptr()) }
    }

    /// Does the file that is mapped choose the address itself?
    ///
    /// C function: `mremap_picks_address()`.
    pub fn picks_address(&self) -> bool {
        // SAFETY: The mapping is valid by the type invariant.
        unsafe { bindings::mremap_picks_address(self.as_ptr()) }
    }
}
