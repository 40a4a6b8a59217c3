// SPDX-License-Identifier: GPL-2.0

//! A strip: many mappings side by side, each page with a stamp.
//!
//! ```text
//!   [rw][r-][rw][r-][rw]...      `width` pages each
//! ```

use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::{
    peek::{
        peek,
        poke,
        Fault, //
    },
    sys::{
        self,
        Source, //
    },
    PAGE, //
};
use std::ops::Range;

/// Where strips are moved from, and to. Both have room for the longest.
pub const OLD: usize = 0x10_0000_0000;
pub const NEW: usize = 0x20_0000_0000;
/// Where other mappings are, if any are needed.
pub const OTHER: usize = 0x30_0000_0000;

/// Mappings of which no two neighbours merge.
pub struct Strip {
    pub mappings: usize,
    /// How many pages each mapping has.
    width: usize,
}

/// What a page carries.
fn stamp(page: usize) -> u64 {
    0x6d61_7000_0000_0000 | page as u64
}

impl Strip {
    /// A strip that somebody else has mapped, of mappings of one page each.
    pub fn of(mappings: usize) -> Self {
        Strip { mappings, width: 1 }
    }

    /// Maps a strip at an address, and writes to every page of it.
    pub fn make(addr: usize, mappings: usize, width: usize) -> Result<Self> {
        let strip = Strip { mappings, width };

        sys::map(addr, strip.len(), Source::Anonymous).context("mmap")?;
        for page in 0..strip.pages() {
            let stored = poke(addr + page * PAGE, stamp(page));
            ensure!(stored.is_ok(), "page {page} cannot be written to");
        }
        for mapping in (1..mappings).step_by(2) {
            let addr = addr + mapping * width * PAGE;
            sys::protect(addr, width * PAGE, false).context("mprotect")?;
        }
        Ok(strip)
    }

    pub fn pages(&self) -> usize {
        self.mappings * self.width
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.pages() * PAGE
    }

    /// Expects some of its pages to be there, if the first page of all is, or would be, at `addr`.
    pub fn check(&self, addr: usize, pages: Range<usize>) -> Result<()> {
        self.check_as(addr, pages, peek)
    }

    /// Expects that of what somebody else sees.
    pub fn check_as(
        &self,
        addr: usize,
        pages: Range<usize>,
        see: impl Fn(usize) -> Result<u64, Fault>,
    ) -> Result<()> {
        expect(addr, pages, see, |page| Ok(stamp(page)))
    }

    /// Expects nothing to be mapped where some of its pages would be.
    pub fn check_gone(&self, addr: usize, pages: Range<usize>) -> Result<()> {
        expect(addr, pages, peek, |_| Err(Fault::Unmapped))
    }

    /// Expects mappings without pages where some of its pages would be.
    pub fn check_empty(&self, addr: usize, pages: Range<usize>) -> Result<()> {
        expect(addr, pages, peek, |_| Ok(0))
    }
}

fn expect(
    addr: usize,
    pages: Range<usize>,
    see: impl Fn(usize) -> Result<u64, Fault>,
    wanted: impl Fn(usize) -> Result<u64, Fault>,
) -> Result<()> {
    for page in pages {
        let at = addr + page * PAGE;
        let (found, wanted) = (see(at), wanted(page));
        ensure!(
            found == wanted,
            "page {page} at {at:#x}: found {found:x?}, expected {wanted:x?}"
        );
    }
    Ok(())
}
