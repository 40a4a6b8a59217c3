// SPDX-License-Identifier: GPL-2.0

//! Transfers by an io_uring whose own memory and registered buffers move.
//!
//! ```text
//!   [rw][r-][rw]...[rw][memory of the io_uring]
//! ```
//!
//! The kernel has pinned these pages. A registered buffer goes by the address that it had when it
//! was registered, but what is transferred is in the page, wherever that has moved.

use super::Antagonist;
use crate::stress::{
    files::memfd,
    ring::{
        self,
        Operation,
        Ring,
        Transfer, //
    },
    scene::Scene,
    shuttle::{
        home,
        Shuttle, //
    },
    stamp::word, //
};
use anyhow::{
    anyhow,
    ensure,
    Context,
    Result, //
};
use mem::{
    peek::{
        self,
        peek,
        poke, //
    },
    sys::{
        self,
        Leave,
        Source, //
    },
    PAGE, //
};
use rand::{
    rngs::ChaCha8Rng,
    RngExt, //
};
use std::{
    fs::File,
    os::unix::fs::FileExt, //
};

const MAPPINGS: usize = 32;

/// How much a transfer is of, and what it returns.
const WORD: i32 = size_of::<u64>() as i32;

struct Uring<'a> {
    scene: &'a Scene,
    /// Closed before its memory is unmapped.
    ring: Ring,
    shuttle: Shuttle,
    /// Where the buffers were when they were registered.
    registered: usize,
    file: File,
}

pub fn make(scene: &Scene) -> Result<Box<dyn Antagonist + '_>> {
    let file = memfd(c"transfers", MAPPINGS)?;
    let shuttle = Shuttle::make(home::IO_URING, MAPPINGS, ring::PAGES)?;

    // Two mappings.
    sys::map(shuttle.tail(), PAGE, Source::Anonymous)?;
    sys::map(shuttle.tail() + PAGE, PAGE, Source::SharedAnonymous)?;
    let ring = Ring::make(shuttle.tail()).context("no io_uring of memory that is ours")?;
    let buffers = (0..MAPPINGS).step_by(2).map(|page| {
        let addr = shuttle.at() + page * PAGE;
        addr..addr + PAGE
    });
    ring.register(buffers).context("registering buffers")?;
    Ok(Box::new(Uring {
        scene,
        ring,
        registered: shuttle.at(),
        shuttle,
        file,
    }))
}

impl Uring<'_> {
    /// Makes a transfer, while the memory moves.
    fn make(&mut self, operation: Operation, page: usize, rng: &mut ChaCha8Rng) -> Result<()> {
        let leave = [Leave::Nothing, Leave::Mappings][rng.random_range(0..2)];
        let transfer = Transfer {
            operation,
            apart: rng.random(),
            file: &self.file,
            offset: page * PAGE,
            addr: place(self.registered, page),
            buffer: page / 2,
        };

        self.ring.submit(self.shuttle.tail(), transfer)?;
        let went = self.scene.succeeded(self.shuttle.go_leaving(leave));
        let result = self.ring.wait(self.shuttle.tail())?;

        went.context("mremap() of an io_uring's memory")?;
        ensure!(
            result == WORD,
            "{operation:?} of an io_uring gives {result}"
        );
        self.scene.gains.add("io_uring", 1);
        Ok(())
    }

    /// Reads to an address, without a buffer.
    fn read(&self, page: usize, addr: usize, wanted: i32) -> Result<()> {
        let transfer = Transfer {
            operation: Operation::Read,
            apart: false,
            file: &self.file,
            offset: page * PAGE,
            addr,
            buffer: 0,
        };

        self.ring.submit(self.shuttle.tail(), transfer)?;
        let result = self.ring.wait(self.shuttle.tail())?;
        ensure!(
            result == wanted,
            "a read by an io_uring to {addr:#x} gives {result}, not {wanted}"
        );
        Ok(())
    }
}

/// Where the word of a page is that is transferred, if the memory is at an address.
fn place(at: usize, page: usize) -> usize {
    peek::word(at + page * PAGE, word::STORE)
}

impl Antagonist for Uring<'_> {
    fn act(&mut self, rng: &mut ChaCha8Rng) -> Result<()> {
        let page = rng.random_range(0..MAPPINGS / 2) * 2;
        let [out, back]: [u64; 2] = rng.random();
        let offset = (page * PAGE) as u64;

        poke(place(self.shuttle.at(), page), out).map_err(|fault| anyhow!("a store: {fault:?}"))?;
        self.make(Operation::WriteFixed, page, rng)?;
        let mut bytes = [0; size_of::<u64>()];
        self.file.read_exact_at(&mut bytes, offset)?;
        let found = u64::from_ne_bytes(bytes);
        ensure!(
            found == out,
            "page {page} of a registered buffer: {found:#x} was written to the file, not {out:#x}"
        );

        self.file.write_all_at(&back.to_ne_bytes(), offset)?;
        self.make(Operation::ReadFixed, page, rng)?;
        let found = peek(place(self.shuttle.at(), page));
        ensure!(
            found == Ok(back),
            "page {page} of a registered buffer, read from the file: {found:x?}, not {back:#x}"
        );

        // Without a buffer it is the address that counts.
        self.read(page, place(self.shuttle.at(), page), WORD)?;
        self.read(page, place(self.shuttle.away(), page), -libc::EFAULT)?;
        self.shuttle.check()
    }
}
