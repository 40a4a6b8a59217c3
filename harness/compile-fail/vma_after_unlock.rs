//! error: E0505
//!
//! A mapping cannot be used when the lock has been dropped.

use kernel::{mm::MmWithUser, prelude::*};

/// Uses a mapping that other threads may have freed.
pub fn stale(mm: &MmWithUser) -> Result<usize> {
    let locked = mm.mmap_write_lock_killable()?;
    let vma = locked.vma_at(0x1000).ok_or(EFAULT)?;

    drop(locked);
    Ok(vma.start())
}
