// SPDX-License-Identifier: GPL-2.0

//! error: E0502
//!
//! A VMA that was looked up before a move cannot be used after it.

use crate::{
    plan::Request,
    range_move::{
        RangeMove,
        Tally, //
    },
};
use kernel::{
    mm::MmWriteLocked,
    prelude::*, //
};

/// Uses a VMA that the move may have split, merged or freed.
pub fn stale(mm: &mut MmWriteLocked<'_>, request: Request, tally: &mut Tally) -> Result<usize> {
    let vma = mm.vma_lookup(request.source().start).ok_or(EFAULT)?;

    RangeMove::new(mm, request, None, tally)?.move_vmas()?;
    Ok(vma.start())
}
