//! Moves layouts by one `mremap()` while memory runs short: every allocation of the call fails in
//! turn, alone or with all that come after it.
//!
//! A call that fails must leave everything as it was, but for what it went over. The same call
//! must then succeed, and give what a call for each segment gives. Needs a kernel with failslab and
//! fail_page_alloc, and root.

mod config;
mod inject;
mod judge;
mod session;
mod sweep;

use anyhow::Result;
use clap::{Parser, Subcommand};
use config::Config;
use layout::{draw, shuffle, Features};
use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};
use sweep::Sweep;

#[derive(Parser)]
#[command(about = "Moves layouts by one mremap() while allocations fail")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Where files are made, best on a tmpfs
    #[arg(long, global = true, default_value = "/tmp")]
    folder: PathBuf,
    /// Go on until so many configurations showed a difference
    #[arg(long, global = true, default_value_t = 3)]
    failures: usize,
}

#[derive(Subcommand)]
enum Command {
    /// Sweep all configurations, then layouts that are drawn at random
    Run {
        /// The order of the configurations, what is drawn, and which allocations fail where there
        /// are too many to let each fail
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many
        #[arg(long)]
        runs: Option<usize>,
        /// For how long
        #[arg(long)]
        minutes: Option<u64>,
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

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    inject::set_up()?;
    let features = Features::probe();
    let missing = features.missing();
    if !missing.is_empty() {
        println!("not on this system, so left out: {}", missing.join(", "));
    }

    let seed = match cli.command {
        Command::Run { seed, .. } => seed,
        Command::One { .. } => 0,
    };
    let mut sweep = Sweep::new(cli.folder, seed);

    match cli.command {
        Command::One { layout } => sweep.sweep(&Config {
            name: "this layout".to_owned(),
            layout: layout.parse()?,
        })?,
        Command::Run {
            seed,
            runs,
            minutes,
            segments,
        } => {
            let limit = minutes.map(|minutes| Duration::from_secs(60 * minutes));
            let start = Instant::now();
            let endless = limit.is_some() && runs.is_none();
            let configs = configs(&features, seed, &segments, endless);
            for config in configs.take(runs.unwrap_or(usize::MAX)) {
                let late = limit.is_some_and(|limit| start.elapsed() > limit);
                if late || sweep.totals.different >= cli.failures {
                    break;
                }
                sweep.sweep(&config)?;
            }
        }
    }

    let totals = sweep.totals;
    println!(
        "{} configurations ({} left out), {} allocations failed, {} calls failed, {} differences",
        totals.configs, totals.left_out, totals.faults, totals.failed, totals.differences
    );
    Ok(if totals.differences == 0 && totals.configs > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
