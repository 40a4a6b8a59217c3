// SPDX-License-Identifier: GPL-2.0

//! A process that is killed while it moves dies soon.

use super::{
    figure::{
        length,
        time, //
    },
    mover::{
        Mover,
        SEGMENTS, //
    }, //
};
use crate::{
    child::Child,
    say::say,
    strip::{
        Strip,
        NEW,
        OLD, //
    }, //
};
use anyhow::{
    ensure,
    Result, //
};
use std::time::Duration;

/// How many movers are killed.
const KILLS: u32 = 16;

/// What a slow machine may add.
const SLACK: Duration = Duration::from_secs(1);

/// Makes a mover, in a process of its own.
fn start(mover: Mover) -> Result<Child> {
    mover.reset();
    Child::fork(|| {
        let strip = Strip::make(OLD, SEGMENTS, 1).expect("a strip");
        mover.go(OLD, NEW, strip.len())
    })
}

/// Before each segment a move looks whether it is to end. Then it rolls back what it has moved
/// across, which takes no longer than bringing it, and the process unmaps everything, as at any
/// other end. So it is dead after a move and an ordinary death, whenever it is killed. A kill that
/// comes too late for the move is an ordinary death.
pub fn check() -> Result<()> {
    let mover = Mover::new()?;

    let child = start(mover)?;
    mover.wait_for_start();
    let (_, whole) = time(|| mover.wait_for_end());
    let ordinary = child.kill()?;
    say!(
        "a move of {SEGMENTS} mappings takes {}, the death of their process {}",
        length(whole),
        length(ordinary)
    );

    let (mut longest, mut midway) = (Duration::ZERO, 0);
    for kill in 0..KILLS {
        let child = start(mover)?;

        mover.wait_for_start();
        std::thread::sleep(whole * kill / KILLS);
        midway += u32::from(!mover.ended());
        longest = longest.max(child.kill()?);
    }
    say!(
        "{midway} of {KILLS} killed movers were on the way, the longest death took {}",
        length(longest)
    );
    ensure!(
        longest < 3 * (whole + ordinary) + SLACK,
        "a killed mover took {longest:?} to die"
    );
    // The first one may have been killed before its call.
    ensure!(midway > 1, "no mover was killed on the way");
    Ok(())
}
