// SPDX-License-Identifier: GPL-2.0

//! Memory management.
//!
//! An [`Mm`] is an address space, a [`VmaRef`](virt::VmaRef) one of its VMAs. Who holds the mmap
//! lock for writing has an [`MmWriteLocked`]:
//!
//! - `&MmWriteLocked` is enough to look at VMAs. Every [`VmaRef`](virt::VmaRef) and every
//!   [`VmaIter`] borrows it.
//! - `&mut MmWriteLocked` is needed for whatever may merge, split or free a VMA.
//!
//! So a reference to a VMA cannot outlive a change that may have freed it: the compiler refuses
//! that.
//!
//! C headers: [`include/linux/mm.h`](srctree/include/linux/mm.h),
//! [`include/linux/mmap_lock.h`](srctree/include/linux/mmap_lock.h)

use crate::{
    bindings,
    types::Opaque, //
};
use core::ops::Deref;

mod iter;
mod unmap;
pub mod virt;
mod write;

pub use iter::VmaIter;
pub use unmap::UnmapEvents;
pub use write::{
    MmWriteLocked,
    MmapWriteGuard, //
};

/// An address space. Wraps `struct mm_struct`.
///
/// # Invariants
///
/// The `struct mm_struct` is not freed while a reference to this lives.
#[repr(transparent)]
pub struct Mm {
    mm: Opaque<bindings::mm_struct>,
}

impl Mm {
    /// Makes a reference from a pointer of C.
    ///
    /// # Safety
    ///
    /// `ptr` points to a `struct mm_struct` that is not freed during `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *const bindings::mm_struct) -> &'a Mm {
        // SAFETY: `ptr` is valid for `'a` by the requirements of this function, and the type is
        // transparent over `struct mm_struct`.
        unsafe { &*ptr.cast() }
    }

    /// Returns the `struct mm_struct`.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::mm_struct {
        self.mm.get()
    }
}

/// An address space that has a user, so that its VMAs are not torn down. Wraps `struct mm_struct`.
///
/// # Invariants
///
/// `mm_users` is not zero while a reference to this lives.
#[repr(transparent)]
pub struct MmWithUser {
    mm: Mm,
}

impl MmWithUser {
    /// Makes a reference from a pointer of C.
    ///
    /// # Safety
    ///
    /// `ptr` points to a `struct mm_struct` of which `mm_users` is not zero during `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *const bindings::mm_struct) -> &'a MmWithUser {
        // SAFETY: `ptr` is valid for `'a` by the requirements of this function, and the type is
        // transparent over `struct mm_struct`.
        unsafe { &*ptr.cast() }
    }
}

impl Deref for MmWithUser {
    type Target = Mm;

    #[inline]
    fn deref(&self) -> &Mm {
        &self.mm
    }
}
