// SPDX-License-Identifier: GPL-2.0

//! Numbers that a process shares with its children.

use crate::checked;
use std::{
    io,
    ptr,
    sync::atomic::AtomicU64, //
};

/// Makes a number, zero, for good.
pub fn number() -> io::Result<&'static AtomicU64> {
    // SAFETY: The kernel picks an address where nothing is.
    let addr = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size_of::<AtomicU64>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    checked(addr as i64)?;
    // SAFETY: The memory is aligned to a page, zero, and never unmapped.
    Ok(unsafe { &*addr.cast() })
}
