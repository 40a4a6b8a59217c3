//! error: E0521
//!
//! Nothing of a move under way can be kept for later: mappings may be listed twice in it.

use kernel::{mm::LockedMm, prelude::*};

/// Carries the address space out of the call that ends the move.
pub fn kept(mm: &mut LockedMm) -> Result<usize> {
    let mut kept = None;

    mm.transfer(0x1000, 0x8000, 0x1000, |transfer| {
        kept = Some(transfer.mm());
        Ok(())
    })?;
    Ok(kept.ok_or(EINVAL)?.map_count())
}
