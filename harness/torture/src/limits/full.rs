// SPDX-License-Identifier: GPL-2.0

//! A move that would need more mappings than a process may have.

use super::{
    refused,
    snapshot::{
        self,
        Snapshot, //
    }, //
};
use crate::{
    say::say,
    strip::{
        Strip,
        NEW,
        OLD,
        OTHER, //
    }, //
};
use anyhow::{
    bail,
    Context,
    Result, //
};
use mem::{
    sys::{
        self,
        move_range,
        Leave,
        Source, //
    },
    PAGE, //
};

const MAPPINGS: usize = 1_000;
const WIDTH: usize = 2;

/// Splits other memory until no mapping can be had. Returns how long that memory is.
fn fill() -> Result<usize> {
    let len = snapshot::limit()? * PAGE;

    sys::map(OTHER, len, Source::Anonymous).context("mmap")?;
    for addr in (OTHER..OTHER + len).step_by(2 * PAGE) {
        match sys::protect(addr, PAGE, false) {
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => return Ok(len),
            result => result.context("mprotect")?,
        }
    }
    bail!("mappings can be had without end");
}

/// The source cuts a mapping at either end.
///
/// ```text
///   [rwrw][r-r-]...[rwrw][r-r-]
///      |<-    source     ->|
/// ```
pub fn check() -> Result<()> {
    let maps = [Snapshot::room(), Snapshot::room()];
    let strip = Strip::make(OLD, MAPPINGS, WIDTH)?;
    let part = 1..strip.pages() - 1;
    let at = |base: usize| base + part.start * PAGE;
    let call = || move_range(at(OLD), part.len() * PAGE, at(NEW), Leave::Nothing);

    let filler = fill()?;
    let maps = refused::expect(call, maps)?;
    strip.check(OLD, 0..strip.pages())?;
    say!(
        "refused with {} mappings of {}",
        maps.count(),
        snapshot::limit()?
    );

    sys::unmap(OTHER, filler).context("munmap")?;
    call().context("again, with room")?;
    strip.check(NEW, part.clone())?;
    strip.check(OLD, 0..part.start)?;
    strip.check(OLD, part.end..strip.pages())?;
    strip.check_gone(OLD, part)
}
