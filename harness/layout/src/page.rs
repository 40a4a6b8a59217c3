// SPDX-License-Identifier: GPL-2.0

//! What is in pages.

/// What is written to a page of a unit. No two pages of a layout have the same.
pub fn stamp(unit: usize, page: usize) -> u64 {
    0xabcd_0000_0000_0000 + ((unit as u64) << 32) + page as u64 + 1
}

/// What is written to each page of a unit that KSM is to merge.
pub const TWIN: u64 = 0xabcd_ffff_ffff_ffff;

/// Writes to the start of a page of the arena, which may be written.
pub fn write(address: usize, value: u64) {
    // SAFETY: The page is mapped, and no Rust object lies there.
    unsafe { (address as *mut u64).write_volatile(value) }
}

/// Reads from the start of a page of the arena, which may be read.
pub fn read(address: usize) -> u64 {
    // SAFETY: As above.
    unsafe { (address as *const u64).read_volatile() }
}
