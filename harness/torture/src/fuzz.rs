// SPDX-License-Identifier: GPL-2.0

//! Moves random layouts of mappings by one `mremap()` and by one for each segment, each in a
//! process of its own, and compares what comes of it.
//!
//! A move that the rules refuse is compared with what was there before it.

mod leaks;
mod run;
mod self_test;
mod stats;
mod trial;
mod view;

use crate::{
    arguments::{
        Place,
        Seed,
        Until, //
    },
    machine, //
};
use anyhow::{
    Context,
    Result, //
};
use clap::{
    Args,
    Subcommand, //
};
use layout::{
    draw,
    Depth,
    Features,
    Layout, //
};
use run::Runner;
use std::path::{
    Path,
    PathBuf, //
};
use trial::{
    Lab,
    Way, //
};

#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
    /// Others use this machine: do not compare what it counts as a whole
    #[arg(long, global = true)]
    busy: bool,
    /// Look also which pages can be reclaimed, which with several CPUs is not always the same
    #[arg(long, global = true)]
    reclaim: bool,
    /// Go on until so many layouts failed
    #[arg(long, global = true, default_value_t = 10)]
    failures: usize,
}

#[derive(Subcommand)]
enum Command {
    /// Try layouts that are drawn at random, each from the next seed
    Run {
        #[command(flatten)]
        from: Seed,
        #[command(flatten)]
        until: Until,
    },
    /// Try the layouts of a file, one on a line; # starts a comment
    Replay {
        file: PathBuf,
        /// Goes on without those that the kernel lacks something for
        #[arg(long)]
        partial: bool,
    },
    /// Try one layout
    One { layout: String },
    /// Move layouts by a call for each segment, and print a number for what comes of each: the same
    /// on kernels that do the same
    Digest {
        #[command(flatten)]
        from: Seed,
        #[arg(long, default_value_t = 100)]
        runs: u64,
    },
    /// Print the layout of a seed, and its picture
    Show { seed: u64 },
    /// Print what is mapped before and after moving a layout in both ways
    Look { layout: String },
    /// Move with mistakes, and see that each is noticed
    SelfTest,
}

/// How many layouts are drawn if nothing is said, which takes some seconds.
const RUNS: u64 = 1000;

impl Options {
    fn lab(&self, features: &Features) -> Lab {
        Lab {
            folder: self.place.folder.clone(),
            alone: !self.busy,
            way: Way::OneCall,
            depth: if self.reclaim && features.swap {
                Depth::Reclaim
            } else {
                Depth::Probe
            },
        }
    }
}

fn random(mut runner: Runner, features: &Features, seed: u64, until: &Until) -> Result<bool> {
    let deadline = until.deadline();
    let most = until.minutes.map_or(RUNS, |_| u64::MAX - seed);

    for seed in seed..seed + until.runs.unwrap_or(most) {
        if runner.enough() || deadline.is_over() {
            break;
        }
        runner.try_out(&format!("seed {seed}"), &draw(seed, features))?;
    }
    runner.finish()
}

fn replay(mut runner: Runner, features: &Features, file: &Path, partial: bool) -> Result<bool> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;

    let mut left_out = 0;
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let name = format!("line {}", number + 1);
        let layout: Layout = line.parse().with_context(|| name.clone())?;
        if layout.units.iter().all(|unit| features.has_unit(unit)) {
            runner.try_out(&name, &layout)?;
        } else {
            println!("{name}: left out");
            left_out += 1;
        }
    }
    let right = runner.finish()?;
    if left_out > 0 {
        println!("{left_out} layouts were left out");
    }
    Ok(right && (partial || left_out == 0))
}

/// Returns whether nothing was found.
pub fn run(options: &Options) -> Result<bool> {
    let features = machine::features();
    let lab = options.lab(&features);
    let runner = |lab| Runner::new(lab, options.failures);

    match &options.command {
        Command::Run { from, until } => random(runner(lab), &features, from.seed, until),
        Command::Replay { file, partial } => replay(runner(lab), &features, file, *partial),
        Command::One { layout } => {
            let mut runner = runner(lab);
            runner.try_out("this layout", &layout.parse()?)?;
            runner.finish()
        }
        Command::Digest { from, runs } => {
            for seed in from.seed..from.seed + runs {
                let layout = draw(seed, &features);
                println!("digest {seed} {}", lab.digest(&layout)?);
            }
            Ok(true)
        }
        Command::Show { seed } => {
            let layout = draw(*seed, &features);
            println!("{layout}\n{}", layout.picture());
            Ok(true)
        }
        Command::Look { layout } => {
            let layout = layout.parse()?;
            for way in [Way::ACallEach, Way::OneCall] {
                print!("{}", lab.describe(&layout, way)?);
            }
            Ok(true)
        }
        Command::SelfTest => self_test::run(&lab),
    }
}
