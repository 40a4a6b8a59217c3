// SPDX-License-Identifier: GPL-2.0

//! A region that is made of many mappings of several kinds, with holes.

use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::{
    ops::Range,
    os::fd::RawFd, //
};

/// How many units the region has. Each is a mapping, or a hole.
const UNITS: usize = 1176;

/// What a unit is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Anonymous,
    ReadOnly,
    Shared,
    File,
    Hole,
}

/// The kinds, over and over, in an order in which no two neighbours merge.
const PATTERN: [Kind; 7] = [
    Kind::Anonymous,
    Kind::ReadOnly,
    Kind::Shared,
    Kind::File,
    Kind::ReadOnly,
    Kind::Anonymous,
    Kind::Hole,
];

/// A region.
pub struct Region {
    /// How many pages come before each unit, and what it is.
    units: Vec<(usize, usize, Kind)>,
    pages: usize,
}

/// The size of a page in bytes.
pub fn page() -> usize {
    // SAFETY: A call without requirements.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// What is written to a page of the region.
fn stamp(number: usize) -> u64 {
    0x6d72_656d_6170_0000 + number as u64
}

fn map(addr: usize, len: usize, kind: Kind, fd: RawFd, offset: usize) -> Result<()> {
    let (flags, fd) = match kind {
        Kind::Shared => (libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1),
        Kind::File => (libc::MAP_PRIVATE, fd),
        _ => (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1),
    };
    // SAFETY: The range is the region's own, and nothing is replaced.
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
    ensure!(
        ret as usize == addr,
        "mmap at {addr:#x}: {}",
        std::io::Error::last_os_error()
    );
    Ok(())
}

impl Region {
    /// Maps a region at an address.
    pub fn make(start: usize) -> Result<Self> {
        let mut units = Vec::new();
        let mut pages = 0;
        for index in 0..UNITS {
            let size = 1 + index * 7 % 3;
            units.push((pages, size, PATTERN[index % PATTERN.len()]));
            pages += size;
        }
        // SAFETY: A call without requirements, and one on its result.
        let fd = unsafe {
            let fd = libc::memfd_create(c"region".as_ptr(), 0);
            ensure!(
                libc::ftruncate(fd, (pages * page()) as libc::off_t) == 0,
                "memfd: {}",
                std::io::Error::last_os_error()
            );
            fd
        };

        for (first, size, kind) in &units {
            let (addr, len) = (start + first * page(), size * page());
            if *kind == Kind::Hole {
                continue;
            }
            map(addr, len, *kind, fd, first * page()).context("making the region")?;
            for number in *first..first + size {
                // SAFETY: The page was just mapped, and may be written.
                unsafe { ((start + number * page()) as *mut u64).write(stamp(number)) };
            }
            if *kind == Kind::ReadOnly {
                // SAFETY: Nobody writes to it from here on.
                let ret = unsafe { libc::mprotect(addr as *mut _, len, libc::PROT_READ) };
                ensure!(ret == 0, "mprotect: {}", std::io::Error::last_os_error());
            }
        }
        Ok(Region { units, pages })
    }

    /// Its length in bytes, holes included.
    pub fn len(&self) -> usize {
        self.pages * page()
    }

    /// The numbers of the pages that are mapped.
    pub fn mapped(&self) -> impl Iterator<Item = usize> + '_ {
        self.units
            .iter()
            .filter(|(_, _, kind)| *kind != Kind::Hole)
            .flat_map(|(first, size, _)| *first..first + size)
    }

    /// How many pages are mapped.
    pub fn pages(&self) -> usize {
        self.mapped().count()
    }

    /// The numbers of the pages of a mapping in the middle.
    pub fn middle(&self) -> Range<usize> {
        let is_mapping = |(_, _, kind): &&(usize, usize, Kind)| *kind != Kind::Hole;
        let mut rest = self.units[UNITS / 2..].iter();
        let (first, size, _) = rest.find(is_mapping).expect("not all are holes");

        *first..first + size
    }

    /// Does a page hold what was written to it, if the region is at `start`?
    ///
    /// # Safety
    ///
    /// It is mapped there and may be read.
    pub unsafe fn carries(&self, start: usize, number: usize) -> bool {
        let page = (start + number * page()) as *const u64;
        // SAFETY: By the requirements of this function.
        unsafe { page.read_volatile() == stamp(number) }
    }

    /// How many pages do not hold what was written to them, if the region is at `start`.
    pub fn count_wrong(&self, start: usize) -> usize {
        self.mapped()
            // SAFETY: All of the region is there, and may be read.
            .filter(|number| unsafe { !self.carries(start, *number) })
            .count()
    }
}
