// SPDX-License-Identifier: GPL-2.0

//! The addresses that layouts use. Layouts count in pages from the start of the arena.

use std::ops::Range;

/// The size of a page in bytes.
pub const PAGE: usize = 4096;

/// How many pages one table of page table entries maps, and one huge page has.
pub const PMD: usize = 512;

/// Where the arena is: far from where programs, stacks and `mmap()` go.
const BASE: usize = 0x10_0000_0000;

/// How many pages it has.
pub const PAGES: usize = 0x4_0000;

/// The address of a page.
pub fn address(page: usize) -> usize {
    BASE + page * PAGE
}

/// The addresses of a range of pages.
pub fn addresses(pages: &Range<usize>) -> Range<usize> {
    address(pages.start)..address(pages.end)
}

/// The page at an address, if it is one of the arena.
pub fn page(address: usize) -> Option<usize> {
    let page = address.checked_sub(BASE)? / PAGE;
    (page <= PAGES).then_some(page)
}

/// How far behind the first page of its table of page table entries a page is.
pub fn in_table(page: usize) -> usize {
    page % PMD
}

/// Do two ranges have something in common?
pub fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Writes a range of pages as layouts have it.
pub fn show(range: &Range<usize>) -> String {
    format!("{}+{}", range.start, range.len())
}
