// SPDX-License-Identifier: GPL-2.0

//! Pages that were reserved, and the system calls on them.

use anyhow::{
    Context,
    Result, //
};
use move_mappings::{
    move_mappings,
    Moved,
    Options, //
};
use rustix::{
    mm::{
        madvise,
        mmap_anonymous,
        mprotect,
        munmap,
        Advice,
        MapFlags,
        MprotectFlags,
        ProtFlags, //
    },
    param::page_size, //
};
use std::{
    ffi::c_void,
    ptr::null_mut, //
};

/// The size of a page in bytes.
pub fn page() -> usize {
    page_size()
}

/// Pages of this program, at addresses that it has reserved. They stay until it ends.
pub struct Pages {
    start: *mut c_void,
    count: usize,
}

impl Pages {
    /// Reserves addresses. Nothing is there that could be accessed.
    pub fn reserve(count: usize) -> Result<Self> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: This is new memory.
        let start =
            unsafe { mmap_anonymous(null_mut(), count * page(), ProtFlags::empty(), flags) };

        Ok(Pages {
            start: start.context("mmap")?,
            count,
        })
    }

    pub fn start(&self) -> *mut c_void {
        self.start
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// The address of a page.
    pub fn at(&self, index: usize) -> *mut c_void {
        assert!(index < self.count, "there is no page {index}");
        self.start.wrapping_byte_add(index * page())
    }

    fn protect(&mut self, index: usize, flags: MprotectFlags) -> Result<()> {
        // SAFETY: It is a page of ours, and no reference to it exists.
        unsafe { mprotect(self.at(index), page(), flags) }.context("mprotect")
    }

    pub fn make_writable(&mut self, index: usize) -> Result<()> {
        self.protect(index, MprotectFlags::READ | MprotectFlags::WRITE)
    }

    pub fn make_read_only(&mut self, index: usize) -> Result<()> {
        self.protect(index, MprotectFlags::READ)
    }

    pub fn keep_from_dumps(&mut self, index: usize) -> Result<()> {
        // SAFETY: As in `protect()`.
        unsafe { madvise(self.at(index), page(), Advice::LinuxDontDump) }.context("madvise")
    }

    /// Unmaps a page. Nothing is there from then on, or what somebody else maps.
    pub fn unmap(&mut self, index: usize) -> Result<()> {
        // SAFETY: As in `protect()`. The page is not used any more.
        unsafe { munmap(self.at(index), page()) }.context("munmap")
    }

    /// Moves the pages, as they are, to the first ones of a reservation, and is that from then on.
    pub fn move_to(&mut self, to: Pages) -> Result<Moved> {
        assert!(to.count >= self.count);
        // SAFETY: No reference to a page exists, only numbers. This program has one thread, and what
        // it allocates does not fit where a page was unmapped: allocators map more than a page.
        let moved =
            unsafe { move_mappings(self.start, self.count * page(), to.start, Options::new())? };

        *self = to;
        Ok(moved)
    }
}
