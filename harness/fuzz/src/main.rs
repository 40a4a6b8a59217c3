//! Moves random layouts of mappings by one `mremap()` and by one for each segment, each in a
//! process of its own, and compares what comes of it.
//!
//! A move that the rules refuse is compared with what was there before it.

mod leaks;
mod run;
mod self_test;
mod stats;
mod trial;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use layout::{draw, Depth, Features, Layout};
use run::Runner;
use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};
use trial::{Lab, Way};

#[derive(Parser)]
#[command(about = "Moves random layouts by one mremap() and by one each, and compares")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Place {
    /// Where files are made, best on a tmpfs
    #[arg(long, global = true, default_value = "/tmp")]
    folder: PathBuf,
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
    /// Try layouts that are drawn at random
    Run {
        /// The seed of the first one; the others follow
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many
        #[arg(long)]
        runs: Option<u64>,
        /// For how long
        #[arg(long)]
        minutes: Option<u64>,
    },
    /// Try the layouts of a file, one on a line; # starts a comment
    Replay { file: PathBuf },
    /// Try one layout
    One { layout: String },
    /// Move layouts by a call for each segment, and print a number for what comes of each: the same
    /// on kernels that do the same
    Digest {
        #[arg(long, default_value_t = 1)]
        seed: u64,
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

fn lab(place: &Place, features: &Features) -> Lab {
    Lab {
        folder: place.folder.clone(),
        alone: !place.busy,
        way: Way::OneCall,
        depth: if place.reclaim && features.swap {
            Depth::Reclaim
        } else {
            Depth::Probe
        },
    }
}

fn features() -> Features {
    let features = Features::probe();
    let missing = features.missing();

    if !missing.is_empty() {
        println!("not on this system, so left out: {}", missing.join(", "));
    }
    features
}

/// Tells what came of it all.
fn finish(runner: Runner) -> Result<ExitCode> {
    Ok(if runner.finish()? {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn run(
    mut runner: Runner,
    features: &Features,
    seed: u64,
    runs: Option<u64>,
    minutes: Option<u64>,
) -> Result<ExitCode> {
    let start = Instant::now();
    let limit = minutes.map(|minutes| Duration::from_secs(60 * minutes));
    // Without any limit, a number that takes some seconds.
    let runs = runs.unwrap_or(if limit.is_some() {
        u64::MAX - seed
    } else {
        1000
    });

    for seed in seed..seed + runs {
        if runner.enough() || limit.is_some_and(|limit| start.elapsed() > limit) {
            break;
        }
        runner.try_out(&format!("seed {seed}"), &draw(seed, features))?;
    }
    finish(runner)
}

fn replay(mut runner: Runner, features: &Features, file: &PathBuf) -> Result<ExitCode> {
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
    let code = finish(runner)?;
    if left_out > 0 {
        println!("{left_out} layouts were left out");
        return Ok(ExitCode::FAILURE);
    }
    Ok(code)
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let features = features();
    let lab = lab(&cli.place, &features);

    let runner = |lab| Runner::new(lab, cli.place.failures);

    match &cli.command {
        Command::Run {
            seed,
            runs,
            minutes,
        } => run(runner(lab), &features, *seed, *runs, *minutes),
        Command::Replay { file } => replay(runner(lab), &features, file),
        Command::One { layout } => {
            let mut runner = runner(lab);
            runner.try_out("this layout", &layout.parse()?)?;
            finish(runner)
        }
        Command::Digest { seed, runs } => {
            for seed in *seed..seed + runs {
                let layout = draw(seed, &features);
                println!("digest {seed} {}", lab.digest(&layout)?);
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Show { seed } => {
            let layout = draw(*seed, &features);
            println!("{layout}\n{}", layout.picture());
            Ok(ExitCode::SUCCESS)
        }
        Command::Look { layout } => {
            let layout = layout.parse()?;
            for way in [Way::ACallEach, Way::OneCall] {
                print!("{}", lab.describe(&layout, way)?);
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::SelfTest => self_test::run(&lab),
    }
}
