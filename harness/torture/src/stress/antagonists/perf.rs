// SPDX-License-Identifier: GPL-2.0

//! A perf event that reports the mappings of a thread. Its ring buffer is mapped at the end of a
//! range that moves, while the kernel writes to it.
//!
//! ```text
//!   [rw][r-]...[rw][pages of a file][header][buffer]
//! ```
//!
//! The kernel reports what is mapped or gets another protection, and where it is: a page of the
//! file has to be reported where it has moved. The buffer must not be cut, nor be left behind.

use super::Antagonist;
use crate::{
    errno,
    stress::{
        files::memfd,
        scene::Scene,
        shuttle::{
            home,
            Shuttle, //
        }, //
    }, //
};
use anyhow::{
    anyhow,
    ensure,
    Context,
    Result, //
};
use mem::{
    peek::{
        peek,
        poke, //
    },
    perf::{
        Event,
        DATA_HEAD,
        DATA_TAIL, //
    },
    sys::{
        self,
        Leave,
        Source, //
    },
    PAGE, //
};
use rand::rngs::ChaCha8Rng;
use std::{
    fs::File,
    os::{
        fd::{
            AsFd,
            OwnedFd, //
        },
        unix::fs::MetadataExt, //
    }, //
};

const MAPPINGS: usize = 20;

/// The pages of the file that move, and those of the buffer.
const FILE: usize = 2;
const BUFFER: usize = 8;

/// How far from the range other pages of the file are mapped each time, and which ones.
const SPARE: usize = 0x1000_0000;
const OFFSET: usize = 3 * PAGE;

/// Kinds of records.
const LOST: u32 = 2;
const MMAP2: u32 = 10;

/// An event that counts nothing, with the flags `mmap`, `mmap_data` and `mmap2`.
const MAPPINGS_REPORTED: Event = Event {
    config: 9,
    sample_period: 0,
    sample_type: 0,
    flags: 1 << 8 | 1 << 17 | 1 << 23,
};

/// What a record says of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Report {
    addr: usize,
    len: usize,
    offset: usize,
    inode: u64,
}

struct Perf<'a> {
    scene: &'a Scene,
    shuttle: Shuttle,
    file: File,
    /// The event of the thread that acts, when it has begun to.
    event: Option<OwnedFd>,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    MAPPINGS_REPORTED.open().context("perf_event_open")?;

    let file = memfd(c"reported", FILE + OFFSET / PAGE)?;
    let shuttle = Shuttle::make(home::PERF, MAPPINGS, FILE + 1 + BUFFER)?;
    sys::map(shuttle.tail(), FILE * PAGE, Source::Shared(file.as_fd(), 0))?;
    Ok(Box::new(Perf {
        scene,
        shuttle,
        file,
        event: None,
    }))
}

/// Reads a word of the buffer, where it has to be.
fn word(addr: usize) -> Result<u64> {
    peek(addr).map_err(|fault| anyhow!("the buffer of a perf event at {addr:#x}: {fault:?}"))
}

impl Perf<'_> {
    fn header(&self) -> usize {
        self.shuttle.tail() + FILE * PAGE
    }

    /// Makes the event, by the thread that acts, and maps its buffer.
    fn begin(&mut self) -> Result<()> {
        if self.event.is_none() {
            let event = MAPPINGS_REPORTED.open().context("perf_event_open")?;
            let len = (1 + BUFFER) * PAGE;

            sys::map(self.header(), len, Source::Shared(event.as_fd(), 0))
                .context("mmap of a perf event")?;
            self.event = Some(event);
        }
        Ok(())
    }

    /// Takes all records out of the buffer: what they report, and whether some were lost.
    fn drain(&self) -> Result<(Vec<Report>, bool)> {
        let header = self.header();
        let head = word(header + DATA_HEAD)?;
        let mut tail = word(header + DATA_TAIL)?;
        let (mut reports, mut lost) = (Vec::new(), false);

        while tail != head {
            let field =
                |index: u64| word(header + PAGE + (tail + 8 * index) as usize % (BUFFER * PAGE));
            let (first, left) = (field(0)?, head.wrapping_sub(tail));
            let size = first >> 48;

            ensure!(
                size >= 8 && size % 8 == 0 && size <= left && left <= (BUFFER * PAGE) as u64,
                "{first:#x} is no record, where {left} bytes are left"
            );
            match first as u32 {
                LOST => lost = true,
                MMAP2 => reports.push(Report {
                    addr: field(2)? as usize,
                    len: field(3)? as usize,
                    offset: field(4)? as usize,
                    inode: field(6)?,
                }),
                _ => {}
            }
            tail += size;
        }
        poke(header + DATA_TAIL, tail).map_err(|fault| anyhow!("the header: {fault:?}"))?;
        // The thread may map something for itself.
        reports.retain(|report| (home::PERF..home::IO_URING).contains(&report.addr));
        Ok((reports, lost))
    }

    /// Tries moves that would cut the buffer, or leave it behind.
    fn try_wrong(&self) -> Result<()> {
        let len = self.shuttle.len();

        for (len, leave) in [(len - PAGE, Leave::Nothing), (len, Leave::Mappings)] {
            let result = self.shuttle.try_part(len, leave);
            errno::expect(
                result,
                libc::EINVAL,
                &format!("a move ({leave:?}) of {len:#x} bytes of a perf event's range"),
            )?;
        }
        self.shuttle.check()
    }
}

impl Antagonist for Perf<'_> {
    fn act(&mut self, _: &mut ChaCha8Rng) -> Result<()> {
        self.begin()?;
        self.try_wrong()?;
        let went = self.scene.succeeded(self.shuttle.go());
        went.context("mremap() of a perf event's range")?;
        self.shuttle.check()?;

        let report = |addr, offset| Report {
            addr,
            offset,
            len: FILE * PAGE,
            inode: 0,
        };
        let (moved, spare) = (self.shuttle.tail(), self.shuttle.at() + SPARE);
        let len = FILE * PAGE;
        let source = Source::Shared(self.file.as_fd(), OFFSET);
        self.drain()?;
        for writable in [false, true] {
            sys::protect(moved, len, writable).context("mprotect")?;
        }
        sys::map(spare, len, source).context("mmap")?;
        let result = self.drain();
        sys::unmap(spare, len).context("munmap")?;

        let (reports, lost) = result?;
        let inode = self.file.metadata()?.ino();
        let wanted = [report(moved, 0), report(moved, 0), report(spare, OFFSET)]
            .map(|report| Report { inode, ..report });
        ensure!(
            lost || reports == wanted,
            "a perf event reports {reports:x?}, not {wanted:x?}"
        );
        self.scene.gains.add("perf", reports.len() as u64);
        Ok(())
    }
}
