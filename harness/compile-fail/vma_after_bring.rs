//! error: E0502
//!
//! A mapping that was looked up before a change cannot be used after it.

use kernel::{
    mremap::{Transfer, Way},
    prelude::*,
};

/// Uses a mapping whose addresses may have changed.
pub fn stale(transfer: &mut Transfer<'_>) -> Result<usize> {
    let vma = transfer.mm().vma_at(0x1000).ok_or(EFAULT)?;

    transfer.bring_next(|_| Way::Relocate)?;
    Ok(vma.start())
}
