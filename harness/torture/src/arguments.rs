// SPDX-License-Identifier: GPL-2.0

//! Arguments that several programs take.

use clap::Args;
use std::{
    path::PathBuf,
    time::{
        Duration,
        Instant, //
    }, //
};

/// Where a program makes what it needs.
#[derive(Args)]
pub struct Place {
    /// Where files are made, best on a tmpfs
    #[arg(long, global = true, default_value = "/tmp")]
    pub folder: PathBuf,
}

/// What is drawn.
#[derive(Args)]
pub struct Seed {
    /// Decides what happens, as far as the program does
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// When it is enough.
#[derive(Args)]
pub struct Until {
    /// How many
    #[arg(long)]
    pub runs: Option<u64>,
    /// For how long
    #[arg(long)]
    pub minutes: Option<u64>,
}

impl Until {
    /// When the time is over that begins now, if it ever is.
    pub fn deadline(&self) -> Deadline {
        let time = self
            .minutes
            .map(|minutes| Duration::from_secs(60 * minutes));

        Deadline(time.map(|time| Instant::now() + time))
    }
}

/// A time to stop at, or none.
pub struct Deadline(Option<Instant>);

impl Deadline {
    pub fn is_over(&self) -> bool {
        self.0.is_some_and(|end| Instant::now() > end)
    }
}
