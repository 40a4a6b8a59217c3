//! error: E0502
//!
//! The mappings cannot be changed while an iterator walks them.

use kernel::{mremap::Transfer, prelude::*};

/// Splits mappings under the iterator's feet.
pub fn stale(transfer: &mut Transfer<'_>) -> Result {
    for vma in transfer.mm().vmas(0..0x10000) {
        transfer.split_at(vma.start())?;
    }
    Ok(())
}
