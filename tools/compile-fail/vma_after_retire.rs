//! error: E0502
//!
//! A mapping that was looked up before a change cannot be used after it.

use kernel::{mm::LockedMm, prelude::*};

/// Uses a mapping that `retire()` may have freed.
pub fn stale(mm: &mut LockedMm) -> Result<usize> {
    let vma = mm.vma_at(0x1000).ok_or(EFAULT)?;

    mm.retire(0x1000..0x2000, 0x8000)?;
    Ok(vma.start())
}
