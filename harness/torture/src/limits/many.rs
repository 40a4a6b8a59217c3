// SPDX-License-Identifier: GPL-2.0

//! A move of most of what a process may have.

use super::{
    figure::{
        length,
        time, //
    },
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
        OLD, //
    }, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use mem::{
    sys::{
        move_range,
        Leave, //
    },
    PAGE, //
};
use std::ops::Range;

/// The limit that a kernel has if nobody sets another one.
const DEFAULT: usize = 65530;

const ALL: usize = 40_000;
const MOVED: Range<usize> = 5_000..35_000;

/// Of 40,000 mappings, 30,000 move by one call: the limit judges what there is before and after,
/// not source and destination together.
pub fn check() -> Result<()> {
    let limit = snapshot::limit()?;
    ensure!(
        limit == DEFAULT,
        "vm.max_map_count is {limit}, not {DEFAULT}"
    );

    let mut maps = [Snapshot::room(), Snapshot::room()];
    let strip = Strip::make(OLD, ALL, 1)?;
    let at = |base: usize| base + MOVED.start * PAGE;

    maps[0].take()?;
    let (moved, took) = time(|| move_range(at(OLD), MOVED.len() * PAGE, at(NEW), Leave::Nothing));
    moved.context("mremap")?;
    maps[1].take()?;

    let [before, after] = maps.each_ref().map(Snapshot::count);
    ensure!(before == after, "{before} mappings, then {after}");
    strip.check(NEW, MOVED)?;
    strip.check(OLD, 0..MOVED.start)?;
    strip.check(OLD, MOVED.end..ALL)?;
    strip.check_gone(OLD, MOVED)?;
    say!(
        "{} of {before} mappings moved in {}",
        MOVED.len(),
        length(took)
    );
    Ok(())
}
