// SPDX-License-Identifier: GPL-2.0

//! error: E0505
//!
//! A VMA cannot be used when the lock has been dropped.

use kernel::{
    mm::MmWithUser,
    prelude::*, //
};

/// Uses a VMA that other threads may have freed.
pub fn stale(mm: &MmWithUser) -> Result<usize> {
    let mut guard = mm.mmap_write_lock_killable()?;
    let locked = guard.locked();
    let vma = locked.vma_lookup(0x1000).ok_or(EFAULT)?;

    drop(guard);
    Ok(vma.start())
}
