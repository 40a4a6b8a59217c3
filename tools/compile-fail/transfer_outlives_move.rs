//! error: E0521
//!
//! A move under way cannot be kept for later: it would be left half-way.

use kernel::{mm::LockedMm, prelude::*};

/// Carries the move out of the call that ends it.
pub fn kept(mm: &mut LockedMm) -> Result {
    let mut kept = None;

    mm.transfer(0x1000, 0x8000, 0x1000, |transfer| {
        kept = Some(transfer);
        Ok(())
    })?;
    kept.ok_or(EINVAL)?.split_at(0x1000)
}
