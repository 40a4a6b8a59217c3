// SPDX-License-Identifier: GPL-2.0

//! Single calls, of the kinds that a kernel without moves of several mappings has as well.

use crate::shift::PLACES;
use anyhow::{
    ensure,
    Context,
    Result, //
};
use bench::line::Line;
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
    io,
    time::Instant, //
};

const OLD: usize = PLACES[0];
const NEW: usize = PLACES[1];

/// Wherever the kernel likes.
const ANYWHERE: usize = 0;

const FIXED: i32 = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;

/// How often a call is made before it is measured, and how often it is then.
const WARM: usize = 3;
const TIMES: usize = 41;

/// A call, in pages. What is mapped starts at [`OLD`].
struct Call {
    name: &'static str,
    /// How much is mapped.
    mapped: usize,
    /// The first page of the source.
    first: usize,
    from: usize,
    to: usize,
    flags: i32,
    /// The destination, if it is fixed.
    new: usize,
    /// Is something mapped right behind?
    blocked: bool,
}

/// A call for all of a mapping of so many pages.
const fn whole(name: &'static str, from: usize, to: usize, flags: i32, new: usize) -> Call {
    Call {
        name,
        mapped: from,
        first: 0,
        from,
        to,
        flags,
        new,
        blocked: false,
    }
}

const CALLS: [Call; 12] = [
    whole("move 1 page", 1, 1, FIXED, NEW),
    whole("move 512 pages", 512, 512, FIXED, NEW),
    whole(
        "move 1 page, DONTUNMAP",
        1,
        1,
        FIXED | libc::MREMAP_DONTUNMAP,
        NEW,
    ),
    whole(
        "move 1 page anywhere, DONTUNMAP",
        1,
        1,
        libc::MREMAP_MAYMOVE | libc::MREMAP_DONTUNMAP,
        ANYWHERE,
    ),
    whole(
        "move 512 pages anywhere, DONTUNMAP",
        512,
        512,
        libc::MREMAP_MAYMOVE | libc::MREMAP_DONTUNMAP,
        ANYWHERE,
    ),
    Call {
        mapped: 64,
        first: 24,
        ..whole("move 8 of 64 pages", 8, 8, FIXED, NEW)
    },
    whole("grow in place", 8, 16, 0, ANYWHERE),
    Call {
        blocked: true,
        ..whole("grow with a move", 8, 16, libc::MREMAP_MAYMOVE, ANYWHERE)
    },
    whole("grow with a move, FIXED", 8, 16, FIXED, NEW),
    whole("shrink", 16, 8, 0, ANYWHERE),
    whole("shrink and move", 16, 8, FIXED, NEW),
    whole("neither move nor size", 8, 8, 0, ANYWHERE),
];

fn stamp(page: usize) -> u64 {
    0x6361_6c6c_0000_0000 + page as u64
}

impl Call {
    /// Maps what the call needs, makes it, looks at what came of it and unmaps everything. Returns
    /// how many nanoseconds the call took.
    fn measure(&self) -> Result<u64> {
        sys::map(OLD, self.mapped * PAGE, Source::Anonymous).context("mmap")?;
        sys::advise(OLD, self.mapped * PAGE, libc::MADV_NOHUGEPAGE)?;
        for page in 0..self.mapped {
            let stored = poke(OLD + page * PAGE, stamp(page));
            ensure!(stored.is_ok(), "no page {page}");
        }
        let behind = OLD + self.mapped * PAGE;
        if self.blocked {
            sys::map(behind, PAGE, Source::Anonymous)?;
            sys::protect(behind, PAGE, false)?;
        }

        let start = Instant::now();
        let moved = self.make();
        let took = start.elapsed();

        let at = moved.context("mremap")?;
        let kept = self.from.min(self.to);
        if (mem::FIELD).contains(&at) {
            for page in 0..kept {
                let found = peek(at + page * PAGE);
                ensure!(
                    found == Ok(stamp(self.first + page)),
                    "page {page} has {found:x?}"
                );
            }
        }
        let most = self.mapped.max(self.to) * PAGE;
        sys::unmap(OLD, most + PAGE)?;
        // SAFETY: The memory came from the call, and nobody refers to it.
        checked(unsafe { libc::munmap(at as *mut _, self.to * PAGE) })?;
        Ok(took.as_nanos() as u64)
    }

    fn make(&self) -> io::Result<usize> {
        let old = OLD + self.first * PAGE;
        // SAFETY: What moves is in the field, as is the destination unless the kernel looks for
        // one that is free.
        let ret = unsafe {
            libc::mremap(
                old as *mut _,
                self.from * PAGE,
                self.to * PAGE,
                self.flags,
                self.new,
            )
        };
        checked(ret as i64)
    }
}

/// Measures each call many times.
pub fn run() -> Result<()> {
    for call in CALLS {
        let took = (0..WARM + TIMES)
            .map(|_| call.measure())
            .collect::<Result<Vec<u64>>>()
            .with_context(|| call.name)?;

        Line::Call {
            name: call.name.to_owned(),
            took: took[WARM..].to_vec(),
        }
        .print()?;
    }
    Ok(())
}
