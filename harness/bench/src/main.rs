// SPDX-License-Identifier: GPL-2.0

//! Measures what moves cost, in a guest. Where a CPU is emulated and counts instructions, a
//! nanosecond of the guest's clock is one.

mod interrupts;
mod layout;
mod neighbour;
mod perf;
mod profile;
mod shift;
mod shootdowns;
mod single;
mod symbols;

use anyhow::{
    Context,
    Result, //
};
use bench::{
    case::{
        Case,
        Kind,
        Way, //
    },
    cases,
    line::Line, //
};
use clap::{
    Args,
    Parser,
    Subcommand, //
};
use profile::Profile;
use shift::Shift;
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Measures what moves cost, by one call and by a call for each segment")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure single calls, and layouts of all kinds.
    Run {
        /// Only what has a target.
        #[arg(long)]
        quick: bool,
    },
    /// Count how often moves interrupt another CPU that runs the same process.
    Shootdowns {
        /// Only what has a target.
        #[arg(long)]
        quick: bool,
    },
    /// Measure a case, both ways.
    One {
        #[command(flatten)]
        case: CaseArgs,
    },
    /// Print the functions that a case spends its instructions in.
    Profile {
        #[command(flatten)]
        case: CaseArgs,
        #[arg(long, value_enum, default_value = "one")]
        way: Way,
        #[command(flatten)]
        profile: Profile,
    },
}

#[derive(Args)]
struct CaseArgs {
    #[arg(long, value_enum, default_value = "anon")]
    kind: Kind,
    #[arg(long, default_value_t = 1000)]
    segments: usize,
    #[arg(long, default_value_t = 1)]
    pages: usize,
    /// Move with MREMAP_DONTUNMAP.
    #[arg(long)]
    keep: bool,
}

impl From<CaseArgs> for Case {
    fn from(args: CaseArgs) -> Case {
        Case {
            kind: args.kind,
            keep: args.keep,
            segments: args.segments,
            pages: args.pages,
        }
    }
}

/// How many round trips are measured of a layout.
fn trips(case: Case) -> usize {
    match case.segments {
        // When exactly the kernel frees what is left of the segments matters most where it may
        // do so during the move or after it.
        100..10_000 => 9,
        10_000.. => 2,
        _ => 5,
    }
}

/// Measures a case both ways.
fn moves(case: Case) -> Result<Line> {
    let mut shift = Shift::new(case)?;
    let mut measure = |way| -> Result<Option<Vec<u64>>> {
        // The first trip is not measured.
        if !shift.possible(way)? {
            return Ok(None);
        }
        shift.time(way)?;
        (0..trips(case))
            .map(|_| shift.round_trip(way))
            .collect::<Result<_>>()
            .map(Some)
    };
    let (by_loop, by_one) = (measure(Way::Loop)?, measure(Way::One)?);

    shift.remove()?;
    Ok(Line::Moves {
        case,
        by_loop: by_loop.context("a kernel that moves no single mapping")?,
        by_one,
    })
}

fn run(cli: Cli) -> Result<()> {
    mem::signal::survive_faults()?;
    std::fs::write("/proc/sys/vm/max_map_count", "1000000")?;

    match cli.command {
        Command::Run { quick } => {
            single::run()?;
            let cases = match quick {
                true => cases::quick(),
                false => cases::full(),
            };
            cases.into_iter().try_for_each(|case| moves(case)?.print())
        }
        Command::Shootdowns { quick } => shootdowns::run(cases::shootdowns(quick)),
        Command::One { case } => moves(case.into())?.print(),
        Command::Profile { case, way, profile } => profile.run(case.into(), way),
    }
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
