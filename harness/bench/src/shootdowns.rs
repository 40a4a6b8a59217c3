// SPDX-License-Identifier: GPL-2.0

//! How often a move interrupts another CPU that runs the same process, to have its TLB flushed.

use crate::{
    interrupts::shootdowns,
    neighbour::{
        stay_on,
        Neighbour, //
    },
    shift::Shift, //
};
use anyhow::{
    Context,
    Result, //
};
use bench::{
    case::{
        Case,
        Way, //
    },
    line::Line, //
};
use std::cell::Cell;

/// The CPU that moves, and the one that is interrupted.
const MOVER: usize = 0;
const OTHER: usize = 1;

/// How many moves are counted, to and fro.
const MOVES: usize = 6;

/// Counts the shootdowns of a move.
fn count(shift: &mut Shift, way: Way, neighbour: &Neighbour) -> Result<u64> {
    let (before, after) = (Cell::new(0), Cell::new(0));
    let look = |at: &Cell<u64>| -> Result<()> {
        at.set(shootdowns(OTHER)?);
        Ok(())
    };

    shift.time_between(
        way,
        || neighbour.wait().and_then(|()| look(&before)),
        || look(&after),
    )?;
    Ok(after.get() - before.get())
}

/// Counts those of a case, both ways.
fn measure(case: Case, neighbour: &Neighbour) -> Result<Line> {
    let mut shift = Shift::new(case)?;
    let mut counts = |way| -> Result<Option<Vec<u64>>> {
        // The first moves make page tables, and are not counted.
        if !shift.possible(way)? {
            return Ok(None);
        }
        shift.time(way)?;
        (0..MOVES)
            .map(|_| count(&mut shift, way, neighbour))
            .collect::<Result<_>>()
            .map(Some)
    };
    let (by_loop, by_one) = (counts(Way::Loop)?, counts(Way::One)?);

    shift.remove()?;
    Ok(Line::Shootdowns {
        case,
        by_loop: by_loop.context("a kernel that moves no single mapping")?,
        by_one,
    })
}

/// Counts those of cases, with a thread that is busy on the other CPU all the time.
pub fn run(cases: Vec<Case>) -> Result<()> {
    stay_on(MOVER)?;
    let neighbour = Neighbour::on(OTHER)?;

    cases
        .into_iter()
        .try_for_each(|case| measure(case, &neighbour)?.print())
}
