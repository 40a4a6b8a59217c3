// SPDX-License-Identifier: GPL-2.0

//! Moves layouts by one `mremap()` while memory runs short: every allocation of the call fails in
//! turn, alone or with all that come after it.
//!
//! A call that fails must leave everything as it was, except for what it went over. The same call
//! must then succeed, and give what a call for each segment gives. Needs a kernel with failslab and
//! fail_page_alloc, and root.

mod config;
mod inject;
mod judge;
mod run;
mod session;

use crate::{
    arguments::{
        Place,
        Seed,
        Until, //
    },
    machine, //
};
use anyhow::Result;
use clap::{
    Args,
    Subcommand, //
};
use config::Config;
use layout::{
    draw,
    shuffle,
    Features, //
};
use run::Sweep;

#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
    /// Go on until so many configurations showed a difference
    #[arg(long, global = true, default_value_t = 3)]
    failures: usize,
}

#[derive(Subcommand)]
enum Command {
    /// Sweep all configurations, then layouts that are drawn at random. The seed decides their
    /// order, and which allocations fail where there are too many to let each fail
    Run {
        #[command(flatten)]
        from: Seed,
        #[command(flatten)]
        until: Until,
        /// How many segments there are
        #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3, 5, 16, 64])]
        segments: Vec<usize>,
    },
    /// Sweep one layout
    One { layout: String },
}

/// Odd configurations, then all others in an order by the seed. Where there is no end, every other
/// one is drawn.
fn configs(
    features: &Features,
    seed: u64,
    segments: &[usize],
    endless: bool,
) -> impl Iterator<Item = Config> {
    let mut all = config::all(features, segments);
    shuffle(seed, &mut all);
    let features = *features;
    let mut all = all.into_iter();
    let mut drawn = (seed..u64::MAX).map(move |seed| Config {
        name: format!("seed {seed}"),
        layout: draw(seed, &features),
    });
    let others = (0..u64::MAX).map_while(move |number| match number % 2 {
        1 if endless => drawn.next(),
        _ => all.next().or_else(|| drawn.next().filter(|_| endless)),
    });

    config::odd().chain(others)
}

/// Returns whether nothing was found.
pub fn run(options: Options) -> Result<bool> {
    inject::set_up()?;
    let features = machine::features();
    let folder = options.place.folder;

    let totals = match options.command {
        Command::One { layout } => {
            let mut sweep = Sweep::new(folder, 0);
            sweep.sweep(&Config {
                name: "this layout".to_owned(),
                layout: layout.parse()?,
            })?;
            sweep.totals
        }
        Command::Run {
            from: Seed { seed },
            until,
            segments,
        } => {
            let mut sweep = Sweep::new(folder, seed);
            let deadline = until.deadline();
            let endless = until.minutes.is_some() && until.runs.is_none();
            let most = until.runs.map_or(usize::MAX, |runs| runs as usize);
            for config in configs(&features, seed, &segments, endless).take(most) {
                if deadline.is_over() || sweep.totals.different >= options.failures {
                    break;
                }
                sweep.sweep(&config)?;
            }
            sweep.totals
        }
    };
    println!("{totals}");
    Ok(totals.right())
}
