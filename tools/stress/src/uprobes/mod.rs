//! Uprobes in what moves: one that is enabled has to be hit wherever its mapping is, and one that is
//! disabled has to leave no breakpoint behind.
//!
//! The kernel first finds out where the file is mapped, then takes the mmap lock of each process and
//! changes what is mapped there. A mapping may move between. A process moves a strip of mappings, of
//! which the last one has the probe, while the probe is enabled or disabled. It does so by one call
//! and by a call for each mapping.

mod mover;

use crate::{
    hang,
    probe::Probe,
    workers::{random, Verdict, Watchdog, Worker},
};
use anyhow::{bail, ensure, Context, Result};
use mover::{Mover, State, Way};
use std::{
    fs::File,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

/// How often the one who tries is looked at.
const TICK: Duration = Duration::from_millis(50);

/// What is done to a probe while its mapping moves.
#[derive(Clone, Copy)]
enum Change {
    Disable,
    Enable,
}

/// What is tried, in this order.
const CELLS: [(Change, Way); 4] = [
    (Change::Disable, Way::OneCall),
    (Change::Disable, Way::ByMapping),
    (Change::Enable, Way::OneCall),
    (Change::Enable, Way::ByMapping),
];

/// How many tries there were, and how many went wrong.
#[derive(Clone, Copy, Default)]
struct Count {
    tries: u32,
    wrong: u32,
}

/// What it takes to try.
struct Trial {
    file: File,
    probe: Probe,
    mover: Option<Mover>,
}

impl Trial {
    fn make() -> Result<Self> {
        let file = mover::file()?;

        mover::share()?;
        Ok(Trial {
            probe: Probe::make(&file, 0)?,
            file,
            mover: None,
        })
    }

    /// Tries once, by a new mover if the last one died. Returns whether it went well, or nothing if
    /// the mover did not move meanwhile.
    fn once(&mut self, change: Change, way: Way) -> Result<Option<bool>> {
        let mut mover = match self.mover.take() {
            Some(mover) => mover,
            None => Mover::start(way, &self.file)?,
        };
        let (well, moved) = match change {
            Change::Disable => self.disable(&mut mover)?,
            Change::Enable => self.enable(&mut mover)?,
        };

        if well {
            mover.rest()?;
            self.mover = Some(mover);
        }
        self.probe.disable().context("disabling it at rest")?;
        Ok(moved.then_some(well))
    }

    /// Enables the probe while the mover rests, and disables it while it moves. Returns whether the
    /// mover has survived that, and whether it moved.
    fn disable(&self, mover: &mut Mover) -> Result<(bool, bool)> {
        let before = self.probe.hits()?;

        self.probe.enable().context("enabling it at rest")?;
        mover.go();
        ensure!(
            mover.call()? == State::Moving && self.probe.hits()? > before,
            "a probe that was enabled when its mapping did not move is not hit"
        );
        let (result, moved) = mover.moved_during(|| self.probe.disable());
        result.context("disabling it during a move")?;
        Ok((mover.call()? == State::Moving, moved))
    }

    /// Enables the probe while the mover moves. Returns whether it is hit, and whether the mover
    /// moved.
    fn enable(&self, mover: &mut Mover) -> Result<(bool, bool)> {
        let before = self.probe.hits()?;

        mover.go();
        ensure!(
            mover.call()? == State::Moving && self.probe.hits()? == before,
            "a probe is hit that was never enabled"
        );
        let (result, moved) = mover.moved_during(|| self.probe.enable());
        result.context("enabling it during a move")?;
        ensure!(
            mover.call()? == State::Moving,
            "a mover died of a breakpoint that was put there"
        );
        Ok((self.probe.hits()? > before, moved))
    }
}

/// Tries some changes for a while each.
struct Table {
    length: Duration,
    tries: u32,
    counts: [Count; CELLS.len()],
}

impl Table {
    /// Tries until there were enough tries, or the time for a cell is over.
    fn fill(&mut self, act: impl Fn()) -> Result<()> {
        let mut trial = Trial::make()?;

        for ((change, way), count) in CELLS.into_iter().zip(&mut self.counts) {
            let start = Instant::now();

            trial.mover = None;
            while count.tries < self.tries && start.elapsed() < self.length {
                if let Some(well) = trial.once(change, way)? {
                    count.tries += 1;
                    count.wrong += u32::from(!well);
                }
                act();
            }
        }
        Ok(())
    }
}
