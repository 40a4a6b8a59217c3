// SPDX-License-Identifier: GPL-2.0

//! A move that leaves its source mapped needs as many mappings again.

use super::{
    refused,
    snapshot::Snapshot, //
};
use crate::strip::{
    Strip,
    NEW,
    OLD, //
};
use anyhow::{
    Context,
    Result, //
};
use mem::{
    sys::{
        self,
        move_range,
        Leave, //
    },
    PAGE, //
};

const ALL: usize = 40_000;
const MOVED: usize = 30_000;
/// Mappings at the destination.
const THERE: usize = 10;

/// 40,000 mappings and 30,000 more are too many. The call is refused before it unmaps what is at
/// the destination. With 10,000 fewer it works.
pub fn check() -> Result<()> {
    let maps = [Snapshot::room(), Snapshot::room()];
    let strip = Strip::make(OLD, ALL, 1)?;
    let there = Strip::make(NEW, THERE, 1)?;
    let call = || move_range(OLD, MOVED * PAGE, NEW, Leave::Mappings);

    refused::expect(call, maps)?;
    strip.check(OLD, 0..ALL)?;
    there.check(NEW, 0..THERE)?;

    sys::unmap(OLD + MOVED * PAGE, (ALL - MOVED) * PAGE).context("munmap")?;
    call().context("again, with room")?;
    strip.check(NEW, 0..MOVED)?;
    strip.check_empty(OLD, 0..MOVED)
}
