// SPDX-License-Identifier: GPL-2.0

//! Layouts: many mappings side by side, alternately writable and read-only.

use anyhow::{
    ensure,
    Context,
    Result, //
};
use bench::case::{
    Case,
    Kind, //
};
use mem::{
    checked,
    peek::{
        peek,
        poke, //
    },
    sys::{
        self,
        Source, //
    },
    PAGE, //
};
use std::{
    fs::File,
    io::{
        Seek,
        SeekFrom, //
    },
    os::fd::AsFd,
    ptr::null_mut, //
};

/// How many small pages a huge one, or a table of page table entries, spans.
const PMD: usize = 512;

/// Every so many pages of a sparse layout were written to.
const SPARSE: usize = 64;

/// A file that lies in memory and leaves to the kernel where it is mapped, as those of a disk. The
/// files of a ramfs do not.
const FILE: &str = "/dev/ram0";

/// A layout. Where it is at the moment is up to those who move it.
pub struct Layout {
    case: Case,
    /// How many bytes a segment has.
    pub segment: usize,
    /// How far the pages are apart that were written to.
    step: usize,
    /// What is mapped, if it is a file.
    file: Option<File>,
}

/// What a page carries.
fn stamp(number: usize) -> u64 {
    0x6d72_656d_6170_0000 + number as u64
}

impl Layout {
    fn new(case: Case) -> Self {
        let page = match case.kind {
            Kind::Hugetlb => PMD * PAGE,
            _ => PAGE,
        };
        Layout {
            case,
            segment: case.pages * page,
            step: match case.kind {
                Kind::Sparse => SPARSE * PAGE,
                _ => page,
            },
            file: None,
        }
    }

    /// Maps a layout at an address and writes to its pages.
    pub fn make(case: Case, at: usize) -> Result<Self> {
        let mut layout = Layout::new(case);
        let (len, segment) = (layout.len(), layout.segment);

        match case.kind {
            Kind::Anon | Kind::Apart | Kind::Unfaulted | Kind::Sparse => {
                sys::map(at, len, Source::Anonymous).context("mmap")?;
                sys::advise(at, len, libc::MADV_NOHUGEPAGE).context("madvise")?;
            }
            Kind::Shmem => sys::map(at, len, Source::SharedAnonymous).context("mmap")?,
            Kind::File => {
                let file = layout.file.insert(file(len)?);
                sys::map(at, len, Source::Shared(file.as_fd(), 0)).context("mmap of a file")?;
            }
            Kind::Sysv => attach(at, len).context("shmat")?,
            Kind::Hugetlb => {
                reserve(len / (PMD * PAGE))?;
                sys::map(at, len, Source::Huge).context("mmap of huge pages")?;
            }
        }
        let every_other = || (segment..len).step_by(2 * segment);
        if case.kind == Kind::Apart {
            for offset in every_other() {
                sys::advise(at + offset, segment, libc::MADV_DONTDUMP).context("madvise")?;
            }
        }
        for offset in layout.written() {
            let stored = poke(at + offset, stamp(offset));
            ensure!(stored.is_ok(), "{case}: no page at {offset:#x}");
        }
        if let Some(file) = &layout.file {
            // So that no thread of the kernel has something to write meanwhile.
            file.sync_all().context("fsync")?;
        }
        for offset in every_other() {
            sys::protect(at + offset, segment, false).context("mprotect")?;
        }
        Ok(layout)
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.case.segments * self.segment
    }

    /// Where the pages are that were written to, from the start on.
    fn written(&self) -> impl Iterator<Item = usize> {
        let len = match self.case.kind {
            Kind::Unfaulted => 0,
            _ => self.len(),
        };
        (0..len).step_by(self.step)
    }

    /// Expects every page to carry what was written to it, if the layout is at `at`.
    pub fn check(&self, at: usize) -> Result<()> {
        for offset in self.written() {
            let found = peek(at + offset);
            ensure!(
                found == Ok(stamp(offset)),
                "{}: the page at {offset:#x} has {found:x?} after a move",
                self.case
            );
        }
        Ok(())
    }

    /// Unmaps it where it is.
    pub fn remove(self, at: usize) -> Result<()> {
        sys::unmap(at, self.len()).context("munmap")
    }
}

/// The file behind [`Kind::File`], which is long enough.
fn file(len: usize) -> Result<File> {
    let mut file = File::options()
        .read(true)
        .write(true)
        .open(FILE)
        .with_context(|| format!("cannot open {FILE}"))?;
    let has = file.seek(SeekFrom::End(0))?;

    ensure!(
        has >= len as u64,
        "{FILE} has {has} bytes, not {len}: the kernel's parameter ramdisk_size makes it larger"
    );
    Ok(file)
}

/// Attaches new System V shared memory, which goes when it is detached.
fn attach(at: usize, len: usize) -> std::io::Result<()> {
    assert!(mem::FIELD.contains(&at) && mem::FIELD.contains(&(at + len)));
    // SAFETY: The memory is attached in the field, where nothing is replaced.
    unsafe {
        let id = checked(libc::shmget(libc::IPC_PRIVATE, len, 0o600))? as i32;
        let attached = checked(libc::shmat(id, at as *const _, 0) as i64);
        checked(libc::shmctl(id, libc::IPC_RMID, null_mut()))?;
        attached.map(drop)
    }
}

/// Sets so many huge pages aside.
fn reserve(pages: usize) -> Result<()> {
    let file = "/proc/sys/vm/nr_hugepages";

    std::fs::write(file, pages.to_string())?;
    let got: usize = std::fs::read_to_string(file)?.trim().parse()?;
    ensure!(got >= pages, "there are {got} huge pages, not {pages}");
    Ok(())
}
