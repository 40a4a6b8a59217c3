// SPDX-License-Identifier: GPL-2.0

//! What the kernel can, found out by trying.

use crate::seal::seal;
use rustix::{
    io::Errno,
    mm::{
        mmap_anonymous,
        mprotect,
        mremap_fixed,
        munmap,
        MapFlags,
        MprotectFlags,
        MremapFlags,
        ProtFlags, //
    },
    param::page_size, //
};
use std::{
    ffi::c_void,
    io,
    ops::Range,
    ptr::null_mut,
    sync::OnceLock, //
};

/// What the kernel does with one call for several mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It fails with `EFAULT`, and has unmapped what was at the destination: Linux before 6.17.
    OneMapping,
    /// It moves one after another, and stops where one does not move: Linux 6.17 and later. A
    /// kernel that cannot be told from one that does so counts as well.
    MayStop,
    /// It moves all of them or none.
    AllOrNothing,
}

/// Four pages: two that move, and where they go. Those in `ours` are unmapped again.
struct Pages {
    start: *mut c_void,
    ours: [Range<usize>; 2],
}

impl Pages {
    /// Maps them. The first may be written, and holds a one.
    fn map() -> Result<Self, Errno> {
        let page = page_size();
        // SAFETY: This is new memory.
        let start =
            unsafe { mmap_anonymous(null_mut(), 4 * page, ProtFlags::empty(), MapFlags::PRIVATE)? };
        let pages = Pages {
            start,
            ours: [0..2, 2..4],
        };

        // SAFETY: It is the first page of that, and nobody else's.
        unsafe {
            let prot = MprotectFlags::READ | MprotectFlags::WRITE;
            mprotect(start, page, prot)?;
            start.cast::<u8>().write_volatile(1);
        }
        Ok(pages)
    }

    /// Seals the second one, so that it does not move, and is never unmapped either. Says whether
    /// the kernel could.
    fn hold_second(&mut self) -> bool {
        let at = self.start.wrapping_byte_add(page_size());

        // SAFETY: It is one of the pages, and nobody means to change it.
        let sealed = unsafe { seal(at, page_size()) };
        if sealed {
            self.ours[0] = 0..1;
        }
        sealed
    }

    /// Tries to move the first two. Their mappings stay, so that no other thread's memory comes to
    /// lie between those that are unmapped at the end.
    fn try_move(&self) -> Result<(), Errno> {
        let len = 2 * page_size();
        let flags = MremapFlags::MAYMOVE | MremapFlags::DONTUNMAP;
        let new = self.start.wrapping_byte_add(len);

        // SAFETY: All four pages are ours.
        unsafe { mremap_fixed(self.start, len, len, flags, new) }.map(drop)
    }

    /// Whether the contents of the first one have moved away.
    fn first_is_empty(&self) -> bool {
        // SAFETY: The page stays mapped, whether it was moved from or not.
        unsafe { self.start.cast::<u8>().read_volatile() == 0 }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        for pages in self.ours.iter().filter(|pages| !pages.is_empty()) {
            let at = self.start.wrapping_byte_add(pages.start * page_size());
            // SAFETY: They are ours. If they are not unmapped, some addresses are lost.
            let _ = unsafe { munmap(at, pages.len() * page_size()) };
        }
    }
}

/// Tries two mappings, then two of which the second does not move.
fn probe() -> Result<Support, Errno> {
    let mut pages = Pages::map()?;
    if let Err(errno) = pages.try_move() {
        // A kernel that moves one mapping unmaps the destination, and then fails. What is there now
        // may be another thread's.
        pages.ours[1] = 0..0;
        return match errno {
            // The second is that of kernels that do not know the flag.
            Errno::FAULT | Errno::INVAL => Ok(Support::OneMapping),
            other => Err(other),
        };
    }

    let mut pages = Pages::map()?;
    if !pages.hold_second() {
        return Ok(Support::MayStop);
    }
    Ok(match pages.try_move() {
        Err(Errno::PERM) if !pages.first_is_empty() => Support::AllOrNothing,
        _ => Support::MayStop,
    })
}

/// What the kernel does with one call for several mappings.
///
/// The first call in a process tries it out, on eight pages of its own, with some ten system calls.
/// Where several mappings move, one page stays mapped for good, without memory: it was sealed, to
/// have a mapping that does not move. Later calls return what that gave. An error, as of `mmap()` at
/// a limit, is not kept.
pub fn support() -> io::Result<Support> {
    static SUPPORT: OnceLock<Support> = OnceLock::new();

    if let Some(support) = SUPPORT.get() {
        return Ok(*support);
    }
    let found = probe()?;
    Ok(*SUPPORT.get_or_init(|| found))
}

/// Whether one call moves several mappings, be it all or nothing or not: see [`support()`].
pub fn supports_ranges() -> io::Result<bool> {
    Ok(support()? != Support::OneMapping)
}
