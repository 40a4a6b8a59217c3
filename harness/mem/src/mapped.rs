// SPDX-License-Identifier: GPL-2.0

//! Which addresses are mapped, all at one time.
//!
//! Since Linux 6.17 a read of `/proc/self/maps` locks one mapping at a time. `PAGEMAP_SCAN` takes the
//! mmap lock for all that it lists.

use crate::checked;
use std::{
    fs::File,
    io::{
        self,
        ErrorKind, //
    },
    ops::Range,
    os::fd::AsRawFd, //
};

/// `PAGEMAP_SCAN` of `<linux/fs.h>`.
const PAGEMAP_SCAN: libc::Ioctl = 0xc060_6610_u32 as _;

/// How many pieces the kernel lists before it drops the lock: as many as a page table has entries.
const MOST: usize = 512;

/// `struct page_region`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Piece {
    start: u64,
    end: u64,
    categories: u64,
}

/// `struct pm_scan_arg`. Without masks, each page of each mapping is listed, whether there is
/// anything in it or not.
#[repr(C)]
#[derive(Default)]
struct Request {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// Lists what is mapped.
pub struct Mapped {
    pagemap: File,
    pieces: Vec<Piece>,
}

impl Mapped {
    /// Fails if the kernel does not have `PAGEMAP_SCAN`, which is there since Linux 6.7.
    pub fn open() -> io::Result<Self> {
        let mut mapped = Mapped {
            pagemap: File::open("/proc/self/pagemap")?,
            pieces: vec![Piece::default(); MOST],
        };

        mapped.of(&(0..crate::PAGE))?;
        Ok(mapped)
    }

    /// The parts of a range that are mapped, whole pages, in ascending order. Fails if they are too
    /// many to be listed at one time.
    pub fn of(&mut self, range: &Range<usize>) -> io::Result<Vec<Range<usize>>> {
        let mut request = Request {
            size: size_of::<Request>() as u64,
            start: range.start as u64,
            end: range.end as u64,
            vec: self.pieces.as_mut_ptr() as u64,
            vec_len: self.pieces.len() as u64,
            ..Request::default()
        };
        // SAFETY: The kernel writes `vec_len` pieces at most, and into the request.
        let count =
            checked(unsafe { libc::ioctl(self.pagemap.as_raw_fd(), PAGEMAP_SCAN, &mut request) })?;

        if count == MOST {
            return Err(io::Error::new(
                ErrorKind::OutOfMemory,
                format!("{MOST} pieces or more are mapped in {range:#x?}"),
            ));
        }
        let of_piece = |piece: &Piece| piece.start as usize..piece.end as usize;
        Ok(self.pieces[..count].iter().map(of_piece).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        sys::{
            map,
            protect,
            unmap,
            Source, //
        },
        PAGE, //
    };

    #[test]
    fn mappings_are_listed_and_holes_are_not() {
        let start = 0x6_0000_0000;
        let page = |number: usize| start + number * PAGE;
        let mut mapped = Mapped::open().unwrap();

        assert_eq!(mapped.of(&(start..page(8))).unwrap(), []);
        // Two mappings beside each other, and one that begins before the range.
        map(page(1), 2 * PAGE, Source::Anonymous).unwrap();
        protect(page(1), PAGE, false).unwrap();
        map(page(6), 4 * PAGE, Source::Anonymous).unwrap();
        let all = mapped.of(&(start..page(8))).unwrap();
        assert_eq!(all, [page(1)..page(3), page(6)..page(8)]);

        unmap(start, 16 * PAGE).unwrap();
        assert_eq!(mapped.of(&(start..page(8))).unwrap(), []);
    }
}
