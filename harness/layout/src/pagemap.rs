// SPDX-License-Identifier: GPL-2.0

//! Bits of a word of `/proc/self/pagemap`.

pub const PRESENT: u64 = 1 << 63;
pub const SWAPPED: u64 = 1 << 62;
pub const OF_FILE: u64 = 1 << 61;
pub const WRITE_PROTECTED: u64 = 1 << 57;
pub const EXCLUSIVE: u64 = 1 << 56;
pub const SOFT_DIRTY: u64 = 1 << 55;

/// The page frame or the place in swap.
pub const FRAME: u64 = SOFT_DIRTY - 1;

/// Is there a page, in memory or in swap?
pub fn present_or_swapped(pagemap: u64) -> bool {
    pagemap & (PRESENT | SWAPPED) != 0
}
