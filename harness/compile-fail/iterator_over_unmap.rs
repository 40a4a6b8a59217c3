// SPDX-License-Identifier: GPL-2.0

//! error: E0502
//!
//! VMAs cannot be unmapped while an iterator walks them.

use core::ops::Range;
use kernel::{
    mm::{
        MmWriteLocked,
        UnmapEvents, //
    },
    prelude::*,
};

/// Unmaps each VMA that the iterator stands on.
pub fn stale(
    mm: &mut MmWriteLocked<'_>,
    range: Range<usize>,
    events: &mut UnmapEvents<'_>,
) -> Result {
    for vma in mm.vmas(range) {
        mm.munmap(vma.start()..vma.end(), events)?;
    }
    Ok(())
}
