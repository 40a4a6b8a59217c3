// SPDX-License-Identifier: GPL-2.0

//! `mseal()`, which `rustix` does not have.

use std::ffi::c_void;

/// Seals mapped pages for good: they can no longer be moved, unmapped or protected otherwise. Says
/// whether the kernel could. Linux before 6.10 cannot, nor can one for 32 bits.
///
/// # Safety
///
/// `at` and `len` are in bytes and whole pages, and nobody means to change what is mapped there.
pub unsafe fn seal(at: *mut c_void, len: usize) -> bool {
    /// The number on all architectures, which `libc` does not know everywhere.
    const SYS_MSEAL: libc::c_long = 462;

    // SAFETY: By the requirements of this function.
    unsafe { libc::syscall(SYS_MSEAL, at, len, 0_usize) == 0 }
}
