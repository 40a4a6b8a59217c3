//! The files that parts of a region are mapped from. Page n of the region maps page n of a file.

use crate::{kind::Kind, stamp};
use anyhow::{ensure, Context, Result};
use mem::{checked, PAGE};
use std::{
    ffi::CStr,
    fs::File,
    os::{
        fd::{AsRawFd, FromRawFd},
        unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    },
};

/// Where a tmpfs may be mounted.
const TMPFS: [&str; 2] = ["/dev/shm", "/tmp"];

/// The files of a region.
pub struct Files {
    shared: File,
    private: File,
    tmpfs: File,
    punched: File,
}

fn memfd(name: &CStr, pages: usize) -> Result<File> {
    // SAFETY: The name ends with a zero.
    let fd = checked(unsafe { libc::memfd_create(name.as_ptr(), 0) }).context("memfd_create")?;
    // SAFETY: It was just opened and is nobody else's.
    let file = unsafe { File::from_raw_fd(fd as i32) };

    file.set_len((pages * PAGE) as u64)?;
    Ok(file)
}

fn is_tmpfs(file: &File) -> bool {
    // SAFETY: All zeroes is a valid value.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: The file is open, and `found` is ours.
    let ret = unsafe { libc::fstatfs(file.as_raw_fd(), &mut found) };

    ret == 0 && found.f_type == libc::TMPFS_MAGIC
}

fn tmpfs(pages: usize) -> Result<File> {
    let open = |directory: &&str| {
        File::options()
            .read(true)
            .write(true)
            .custom_flags(libc::O_TMPFILE)
            .open(directory)
            .ok()
    };
    let file = TMPFS
        .iter()
        .filter_map(open)
        .find(is_tmpfs)
        .with_context(|| format!("no tmpfs is mounted at {}", TMPFS.join(" or ")))?;

    file.set_len((pages * PAGE) as u64)?;
    Ok(file)
}

impl Files {
    /// Makes files for a region of so many pages.
    pub fn make(pages: usize) -> Result<Self> {
        Ok(Files {
            shared: memfd(c"shared", pages)?,
            private: memfd(c"private", pages)?,
            tmpfs: tmpfs(pages)?,
            punched: memfd(c"punched", pages)?,
        })
    }

    /// The file that a kind of memory is mapped from.
    pub fn of(&self, kind: Kind) -> Option<&File> {
        match kind {
            Kind::MemfdShared => Some(&self.shared),
            Kind::MemfdPrivate => Some(&self.private),
            Kind::Tmpfs => Some(&self.tmpfs),
            Kind::Punched | Kind::PunchedPrivate => Some(&self.punched),
            _ => None,
        }
    }

    /// What `/proc/self/maps` shows of the file of a kind of memory.
    pub fn inode(&self, kind: Kind) -> Result<Option<u64>> {
        Ok(match self.of(kind) {
            Some(file) => Some(file.metadata()?.ino()),
            None => None,
        })
    }
}

/// Writes a page of a file that carries a stamp.
pub fn write_stamp(file: &File, page: usize, stamp: stamp::Stamp) -> Result<()> {
    let mut words = [0; PAGE / size_of::<u64>()];

    for word in stamp::WORDS {
        words[word] = stamp.0;
    }
    let bytes: Vec<u8> = words
        .iter()
        .flat_map(|word: &u64| word.to_ne_bytes())
        .collect();
    let written = file.write_at(&bytes, (page * PAGE) as u64)?;
    ensure!(
        written == PAGE,
        "only {written} bytes of a page were written"
    );
    Ok(())
}
