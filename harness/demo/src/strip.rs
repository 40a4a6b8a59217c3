// SPDX-License-Identifier: GPL-2.0

//! Draws a range of addresses on a few lines of a terminal.

use crate::region;
use anyhow::Result;
use procfs::process::{
    MMPermissions,
    MMapPath,
    MemoryMap,
    Process, //
};
use std::ops::Range;

/// How wide a line is, and how many there are at most.
const COLUMNS: usize = 72;
const ROWS: usize = 6;

/// The mappings that a range touches, in address order.
pub fn mappings(range: Range<usize>) -> Result<Vec<MemoryMap>> {
    let touches = |map: &MemoryMap| {
        (map.address.0 as usize) < range.end && range.start < map.address.1 as usize
    };

    Ok(Process::myself()?
        .maps()?
        .into_iter()
        .filter(touches)
        .collect())
}

/// The letter for a mapping.
fn letter(map: &MemoryMap) -> char {
    let writable = map.perms.contains(MMPermissions::WRITE);

    match (&map.pathname, map.perms.contains(MMPermissions::SHARED)) {
        (_, true) => 's',
        (MMapPath::Path(_), false) => 'f',
        (_, false) if writable => 'a',
        _ => 'r',
    }
}

/// Draws a range: a letter for what most of each equal part of it is.
pub fn draw(range: Range<usize>) -> Result<()> {
    let maps = mappings(range.clone())?;
    let step = range
        .len()
        .div_ceil(COLUMNS * ROWS)
        .next_multiple_of(region::page());
    let cell = |start: usize| {
        let size = |map: &&MemoryMap| {
            (map.address.1 as usize)
                .min(start + step)
                .saturating_sub((map.address.0 as usize).max(start))
        };
        let hole = step - maps.iter().map(|map| size(&map)).sum::<usize>();

        maps.iter()
            .max_by_key(size)
            .filter(|map| size(map) >= hole)
            .map_or('.', letter)
    };
    let cells: Vec<char> = range.clone().step_by(step).map(cell).collect();

    for (row, line) in cells.chunks(COLUMNS).enumerate() {
        let addr = range.start + row * COLUMNS * step;
        println!("|   {addr:#011x} {}", line.iter().collect::<String>());
    }
    println!(
        "|   {} bytes each: a anonymous, r read-only, s shared, f file, . hole",
        step
    );
    Ok(())
}
