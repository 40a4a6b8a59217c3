//! error: E0502
//!
//! The mappings cannot be changed while an iterator walks them.

use kernel::{mm::LockedMm, prelude::*};

/// Splits mappings under the iterator's feet.
pub fn stale(mm: &mut LockedMm) -> Result {
    for vma in mm.vmas(0..0x10000) {
        mm.split_at(vma.start() + 0x1000)?;
    }
    Ok(())
}
