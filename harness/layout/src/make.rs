// SPDX-License-Identifier: GPL-2.0

//! Making a layout in the calling process.

use crate::{
    arena::{
        addresses,
        PAGE,
        PMD, //
    },
    child::until_asleep,
    kind::{
        Fill,
        Kind,
        Prot, //
    },
    ksm,
    late::Late,
    mark::{
        Mark,
        Twist, //
    },
    page,
    plan::{
        Layout,
        Unit,
        FILES,
        FILE_PAGES, //
    },
    sys, //
};
use anyhow::{
    Context,
    Result, //
};
use std::{
    fs::File,
    io::Read,
    ops::Range,
    os::{
        fd::{
            AsRawFd,
            OwnedFd,
            RawFd, //
        },
        unix::{
            fs::{
                FileExt,
                OpenOptionsExt, //
            },
            process::parent_id, //
        }, //
    },
    path::Path, //
};

/// A layout that was made. Its mappings stay when it is dropped; what else it has goes.
#[derive(Default)]
pub struct Made {
    /// Holds the same pages.
    other: Option<Other>,
    /// Watches last as long as these are open.
    watches: Vec<OwnedFd>,
}

/// A child that does nothing, and ends when nobody can write to a pipe any more.
///
/// That works for a process as well that has given up the right to kill it.
struct Other {
    pid: libc::pid_t,
    writer: Option<OwnedFd>,
}

impl Other {
    fn new() -> Result<Self> {
        let (reader, writer) = sys::pipe()?;
        let pid = sys::fork()?;

        if pid == 0 {
            drop(writer);
            let _ = File::from(reader).read(&mut [0]);
            sys::exit(0);
        }
        until_asleep(pid.unsigned_abs());
        Ok(Other {
            pid,
            writer: Some(writer),
        })
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.writer = None;
        let _ = sys::wait(self.pid);
    }
}

/// The files of a layout, made when they are first used.
struct Files<'a> {
    folder: &'a Path,
    memfds: [Option<File>; FILES],
    files: [Option<File>; FILES],
}

impl Files<'_> {
    fn get(&mut self, unit: &Unit) -> Result<&File> {
        let number = unit.part.file;
        let slot = if unit.kind.of_memfd() {
            &mut self.memfds[number]
        } else {
            &mut self.files[number]
        };
        if slot.is_none() {
            let file = if unit.kind.of_memfd() {
                File::from(sys::memfd(c"layout")?)
            } else {
                File::options()
                    .read(true)
                    .write(true)
                    .custom_flags(libc::O_TMPFILE)
                    .open(self.folder)
                    .with_context(|| format!("a file in {}", self.folder.display()))?
            };
            file.set_len((FILE_PAGES * PAGE) as u64)?;
            *slot = Some(file);
        }
        Ok(slot.as_ref().expect("it was just made"))
    }
}

impl Layout {
    /// Makes the layout in the calling process. Files that are not in memory are made in `folder`.
    ///
    /// With [`Twist::Inherited`] the process that returns is a child of the one that called, and
    /// the caller ends when the child does.
    pub fn make(&self, folder: &Path) -> Result<Made> {
        let mut made = Made::default();
        let mut files = Files {
            folder,
            memfds: Default::default(),
            files: Default::default(),
        };

        for (number, unit) in self.units.iter().enumerate() {
            give_birth(unit, number, &mut files).with_context(|| format!("making {unit}"))?;
        }
        for unit in self.units.iter().filter(|unit| unit.born.is_some()) {
            let [from, to] = [unit.birth(), unit.range()].map(|pages| addresses(&pages));
            sys::mremap(&from, to.start, false).with_context(|| format!("placing {unit}"))?;
        }
        for unit in &self.units {
            finish(unit, &mut made).with_context(|| format!("finishing {unit}"))?;
        }
        if self.units.iter().any(|unit| unit.has(Mark::Merged)) {
            ksm::merge().context("letting KSM merge pages")?;
        }
        self.twist(&mut made)?;
        Ok(made)
    }

    fn twist(&self, made: &mut Made) -> Result<()> {
        if self.has(Twist::Forked) {
            made.other = Some(Other::new()?);
        }
        if self.has(Twist::Inherited) {
            match sys::fork()? {
                0 => until_asleep(parent_id()),
                pid => end_as(sys::wait(pid)?),
            }
        }
        if self.has(Twist::Low) {
            // Nobody may wait for RCU, so what ended before has to be counted by now.
            Late::new(false).free_tables();
            sys::become_nobody()?;
        }
        if self.has(Twist::Clean) {
            std::fs::write("/proc/self/clear_refs", "4")?;
        }
        Ok(())
    }
}

/// Ends the process as a child of it did.
fn end_as(status: i32) -> ! {
    if libc::WIFSIGNALED(status) {
        // SAFETY: Calls without requirements.
        unsafe { libc::kill(libc::getpid(), libc::WTERMSIG(status)) };
    }
    sys::exit(libc::WEXITSTATUS(status))
}

/// Maps a unit at its birth place and touches it.
fn give_birth(unit: &Unit, number: usize, files: &mut Files) -> Result<()> {
    let range = addresses(&unit.birth());
    // Memory that was never writable may not be charged for: it is mapped as it is to be.
    let direct = unit.fill == Fill::Nothing && !unit.has(Mark::Locked);
    let prot = if direct { unit.prot } else { Prot::WRITE };

    if unit.kind.of_file() {
        let file = files.get(unit)?;
        let offset = unit.part.offset * PAGE;
        if unit.kind.private() && !direct {
            stamp_file(file, offset, number, unit.pages)?;
        }
        map(unit.kind, &range, prot, file.as_raw_fd(), offset)?;
    } else {
        map(unit.kind, &range, prot, -1, 0)?;
    }
    advise(unit, &range)?;
    touch(unit, number, &range);
    if unit.has(Mark::Split) {
        let middle = range.start + unit.pages / 2 * PAGE;
        sys::protect(&(middle..range.end), libc::PROT_NONE)?;
        sys::protect(&(middle..range.end), prot.0)?;
    }
    if prot != unit.prot {
        sys::protect(&range, unit.prot.0)?;
    }
    Ok(())
}

/// Gives the pages of a file contents that tell them apart from what is written to a copy.
fn stamp_file(file: &File, offset: usize, unit: usize, pages: usize) -> Result<()> {
    for number in 0..pages {
        let stamp = !page::stamp(unit, number);
        file.write_all_at(&stamp.to_ne_bytes(), (offset + number * PAGE) as u64)?;
    }
    Ok(())
}

fn map(
    kind: Kind,
    range: &Range<usize>,
    prot: Prot,
    fd: RawFd,
    offset: usize,
) -> std::io::Result<()> {
    let flags = match kind {
        Kind::Anon => libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        Kind::SharedAnon => libc::MAP_SHARED | libc::MAP_ANONYMOUS,
        Kind::MemfdShared | Kind::FileShared => libc::MAP_SHARED,
        Kind::MemfdPrivate | Kind::FilePrivate => libc::MAP_PRIVATE,
        Kind::HugeShared => libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_HUGETLB,
        Kind::HugePrivate => libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_HUGETLB,
        Kind::Shm => {
            sys::attach_shm(range)?;
            return sys::protect(range, prot.0);
        }
        Kind::Zero => {
            let zero = File::options().read(true).write(true).open("/dev/zero")?;
            return sys::map(range, prot.0, libc::MAP_PRIVATE, zero.as_raw_fd(), 0);
        }
    };
    sys::map(range, prot.0, flags, fd, offset)
}

/// Marks that have to be there before pages are.
fn advise(unit: &Unit, range: &Range<usize>) -> std::io::Result<()> {
    for mark in &unit.marks {
        match mark {
            Mark::Locked => sys::lock(range, false)?,
            Mark::OnFault => sys::lock(range, true)?,
            Mark::Huge => sys::advise(range, libc::MADV_HUGEPAGE)?,
            Mark::NoHuge => sys::advise(range, libc::MADV_NOHUGEPAGE)?,
            Mark::Mergeable | Mark::Merged => sys::advise(range, libc::MADV_MERGEABLE)?,
            Mark::DontFork => sys::advise(range, libc::MADV_DONTFORK)?,
            Mark::DontDump => sys::advise(range, libc::MADV_DONTDUMP)?,
            Mark::WipeOnFork => sys::advise(range, libc::MADV_WIPEONFORK)?,
            Mark::Sequential => sys::advise(range, libc::MADV_SEQUENTIAL)?,
            Mark::Named => sys::name(range, c"unit")?,
            Mark::Split | Mark::PagedOut | Mark::Watched | Mark::Sealed => {}
        }
    }
    Ok(())
}

fn touch(unit: &Unit, number: usize, range: &Range<usize>) {
    // One write touches all of a huge page.
    let step = if unit.kind.hugetlb() { PMD } else { 1 };
    let stamp = |index: usize| match unit.has(Mark::Merged) {
        true => page::TWIN,
        false => page::stamp(number, index),
    };
    for index in (0..unit.pages).step_by(step) {
        let address = range.start + index * PAGE;
        match unit.fill {
            Fill::All => page::write(address, stamp(index)),
            Fill::Some if index / step % 2 == 0 => page::write(address, stamp(index)),
            Fill::Read => {
                page::read(address);
            }
            Fill::Some | Fill::Nothing => {}
        }
    }
}

/// Marks that a unit gets where it stays.
fn finish(unit: &Unit, made: &mut Made) -> std::io::Result<()> {
    let range = addresses(&unit.range());

    if unit.has(Mark::PagedOut) {
        sys::advise(&range, libc::MADV_PAGEOUT)?;
    }
    if unit.has(Mark::Watched) {
        made.watches.push(sys::watch(&range)?);
    }
    if unit.has(Mark::Sealed) {
        sys::seal(&range)?;
    }
    Ok(())
}
