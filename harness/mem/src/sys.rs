// SPDX-License-Identifier: GPL-2.0

//! The system calls that change mappings. Addresses and lengths are in bytes, whole pages.

use crate::{
    checked,
    in_field, //
};
use std::{
    io,
    os::fd::{
        AsRawFd,
        BorrowedFd, //
    }, //
};

/// What is mapped.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// Anonymous memory, of this process alone.
    Anonymous,
    /// Anonymous memory that children share.
    SharedAnonymous,
    /// A file from an offset on, written to by all that map it.
    Shared(BorrowedFd<'a>, usize),
    /// A file from its start on, written to by all that map it, of which few pages are used: huge
    /// pages are not reserved for the rest.
    Sparse(BorrowedFd<'a>),
    /// A file from an offset on, copied when written to.
    Private(BorrowedFd<'a>, usize),
    /// Anonymous memory in huge pages, of this process alone.
    Huge,
}

/// Maps memory that may be read and written, where nothing is mapped yet.
pub fn map(addr: usize, len: usize, source: Source<'_>) -> io::Result<()> {
    let (flags, fd, offset) = match source {
        Source::Anonymous => (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0),
        Source::SharedAnonymous => (libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0),
        Source::Shared(fd, offset) => (libc::MAP_SHARED, fd.as_raw_fd(), offset),
        Source::Sparse(fd) => (libc::MAP_SHARED | libc::MAP_NORESERVE, fd.as_raw_fd(), 0),
        Source::Private(fd, offset) => (libc::MAP_PRIVATE, fd.as_raw_fd(), offset),
        Source::Huge => (
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_HUGETLB,
            -1,
            0,
        ),
    };
    in_field(addr, len);
    // SAFETY: The range is in the field.
    let ret = unsafe {
        libc::mmap(
            addr as *mut _,
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            flags | libc::MAP_FIXED_NOREPLACE,
            fd,
            offset as libc::off_t,
        )
    };
    checked(ret as i64).map(drop)
}

/// Unmaps a range.
pub fn unmap(addr: usize, len: usize) -> io::Result<()> {
    in_field(addr, len);
    // SAFETY: The range is in the field.
    checked(unsafe { libc::munmap(addr as *mut _, len) }).map(drop)
}

/// Allows reading, and writing as well or not.
pub fn protect(addr: usize, len: usize, writable: bool) -> io::Result<()> {
    let prot = match writable {
        true => libc::PROT_READ | libc::PROT_WRITE,
        false => libc::PROT_READ,
    };
    in_field(addr, len);
    // SAFETY: The range is in the field.
    checked(unsafe { libc::mprotect(addr as *mut _, len, prot) }).map(drop)
}

/// Gives advice, `MADV_*`.
pub fn advise(addr: usize, len: usize, advice: i32) -> io::Result<()> {
    in_field(addr, len);
    // SAFETY: The range is in the field.
    checked(unsafe { libc::madvise(addr as *mut _, len, advice) }).map(drop)
}

/// Locks memory, with flags of `mlock2()`.
pub fn lock(addr: usize, len: usize, flags: u32) -> io::Result<()> {
    in_field(addr, len);
    // SAFETY: The range is in the field.
    checked(unsafe { libc::mlock2(addr as *mut _, len, flags) }).map(drop)
}

/// Unlocks memory.
pub fn unlock(addr: usize, len: usize) -> io::Result<()> {
    in_field(addr, len);
    // SAFETY: The range is in the field.
    checked(unsafe { libc::munlock(addr as *mut _, len) }).map(drop)
}

/// Seals a range, for as long as it is mapped.
pub fn seal(addr: usize, len: usize) -> io::Result<()> {
    in_field(addr, len);
    // SAFETY: The range is in the field.
    checked(unsafe { libc::syscall(libc::SYS_mseal, addr, len, 0_usize) }).map(drop)
}

/// What becomes of the source of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It is unmapped.
    Nothing,
    /// Its mappings stay, empty: `MREMAP_DONTUNMAP`.
    Mappings,
}

/// Moves a range by one call.
pub fn move_range(old: usize, len: usize, new: usize, leave: Leave) -> io::Result<()> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    let flags = match leave {
        Leave::Nothing => flags,
        Leave::Mappings => flags | libc::MREMAP_DONTUNMAP,
    };
    in_field(old, len);
    in_field(new, len);
    // SAFETY: Both ranges are in the field.
    let ret = unsafe { libc::mremap(old as *mut _, len, len, flags, new) };
    checked(ret as i64).map(drop)
}
