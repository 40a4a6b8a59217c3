// SPDX-License-Identifier: GPL-2.0

//! Wrongs done on purpose, to see that they are found.

use super::region::Region;
use clap::ValueEnum;
use mem::{
    peek::poke,
    sys::{
        self,
        Leave, //
    },
    PAGE, //
};
use std::{
    io,
    ops::Range, //
};

/// What a mover does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sabotage {
    /// Changes a stamp after a move.
    Stamp,
    /// Unmaps a page after a move.
    Lose,
    /// Makes a call for each unit, which is not one step.
    Steps,
}

/// Moves a part of a region by a call for each unit.
pub fn move_in_steps(
    region: &Region,
    part: &Range<usize>,
    from: usize,
    to: usize,
    leave: Leave,
) -> io::Result<()> {
    for unit in region.shape.units_in(part) {
        let start = unit.pages.start.max(part.start);
        let len = (unit.pages.end.min(part.end) - start) * PAGE;

        sys::move_range(region.addr(from, start), len, region.addr(to, start), leave)?;
    }
    Ok(())
}

/// Spoils the page at an address.
pub fn spoil(sabotage: Sabotage, addr: usize) -> io::Result<()> {
    match sabotage {
        Sabotage::Stamp => {
            // A page that cannot be written to stays as it is, another one is spoiled later.
            let _ = poke(addr, !0);
            Ok(())
        }
        Sabotage::Lose => sys::unmap(addr, PAGE),
        Sabotage::Steps => Ok(()),
    }
}
