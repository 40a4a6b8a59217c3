// SPDX-License-Identifier: GPL-2.0

//! The files that parts of a region are mapped from. Page n of the region maps page n of a file.

use super::{
    kind::Kind,
    shape::Shape,
    stamp, //
};
use crate::say::say;
use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::{
    checked,
    code,
    PAGE, //
};
use std::{
    ffi::CStr,
    fs::File,
    os::{
        fd::{
            AsRawFd,
            FromRawFd, //
        },
        unix::fs::{
            FileExt,
            MetadataExt,
            OpenOptionsExt, //
        }, //
    }, //
};

/// Where a tmpfs may be mounted.
const TMPFS: [&str; 2] = ["/dev/shm", "/tmp"];

/// The files of a region, and the kinds of memory that are mapped from them.
pub struct Files(Vec<(Kind, File)>);

/// The kind that stands for all that are mapped from the same file.
fn key(kind: Kind) -> Kind {
    match kind {
        Kind::PunchedPrivate => Kind::Punched,
        kind => kind,
    }
}

/// Makes a file in memory.
pub fn memfd(name: &CStr, pages: usize) -> Result<File> {
    memfd_of(name, 0, pages * PAGE)
}

/// Makes a file in memory with flags, `MFD_*`, of so many bytes.
pub fn memfd_of(name: &CStr, flags: u32, len: usize) -> Result<File> {
    // SAFETY: The name ends with a zero.
    let fd =
        checked(unsafe { libc::memfd_create(name.as_ptr(), flags) }).context("memfd_create")?;
    // SAFETY: It was just opened and is nobody else's.
    let file = unsafe { File::from_raw_fd(fd as i32) };

    file.set_len(len as u64)?;
    Ok(file)
}

/// Takes a page of so many bytes out of a file. Only words are ever read of what is mapped from it.
pub fn punch(file: &File, page: usize, size: usize) -> Result<()> {
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    let (offset, len) = ((page * size) as libc::off_t, size as libc::off_t);

    // SAFETY: No reference to memory that is mapped from a file of this program exists.
    checked(unsafe { libc::fallocate(file.as_raw_fd(), mode, offset, len) })
        .context("fallocate")?;
    Ok(())
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
    /// Makes the files that a region needs.
    pub fn make(shape: &Shape) -> Result<Self> {
        let mut files: Vec<(Kind, File)> = Vec::new();

        for unit in shape.units() {
            let key = key(unit.kind);
            if files.iter().any(|(known, _)| *known == key) {
                continue;
            }
            let file = match key {
                Kind::MemfdShared => memfd(c"shared", shape.len())?,
                Kind::MemfdPrivate => memfd(c"private", shape.len())?,
                Kind::Punched => memfd(c"punched", shape.len())?,
                Kind::Code => memfd(c"code", shape.len())?,
                Kind::Tmpfs => tmpfs(shape.len()).or_else(|reason| {
                    say!("{:16} left out: {reason:#}", "tmpfs");
                    memfd(c"instead of tmpfs", shape.len())
                })?,
                _ => continue,
            };
            files.push((key, file));
        }
        Ok(Files(files))
    }

    /// The file that a kind of memory is mapped from.
    pub fn of(&self, kind: Kind) -> Option<&File> {
        self.0
            .iter()
            .find(|(known, _)| *known == key(kind))
            .map(|(_, file)| file)
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
    write_page(file, page, stamp, 0)
}

/// Writes a page of a file that carries a stamp, and a function that returns a number.
pub fn write_function(file: &File, page: usize, stamp: stamp::Stamp, number: u16) -> Result<()> {
    let mut code = [0; size_of::<u64>()];

    for (byte, of) in code.iter_mut().zip(code::returning(number)) {
        *byte = of;
    }
    write_page(file, page, stamp, u64::from_ne_bytes(code))
}

fn write_page(file: &File, page: usize, stamp: stamp::Stamp, code: u64) -> Result<()> {
    let mut words = [0; PAGE / size_of::<u64>()];

    words[stamp::word::CODE] = code;
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
