//! Checks what a move does where a limit is in its way: the number of mappings, the patience of
//! other threads, the life of the process.
//!
//! Results are in TAP. Lines that start with a bar are figures.

mod child;
mod doubled;
mod figure;
mod full;
mod hold;
mod killed;
mod many;
mod mover;
mod refused;
mod snapshot;
mod strip;
mod survivor;
mod yields;

use anyhow::{ensure, Result};
use clap::Parser;
use std::process::ExitCode;

/// Where memory is moved from, and to. Both have room for all that any check moves.
const OLD: usize = 0x10_0000_0000;
const NEW: usize = 0x20_0000_0000;
/// Where other mappings are, if a check needs any.
const OTHER: usize = 0x30_0000_0000;

/// A check: its name, and what it does, in a process of its own.
type Check = (&'static str, fn() -> Result<()>);

const CHECKS: [Check; 7] = [
    ("many_mappings", many::check),
    ("too_many_mappings", full::check),
    ("dontunmap_doubles_mappings", doubled::check),
    ("killed_mover_dies_soon", killed::check),
    ("killed_mover_moves_all_or_nothing", survivor::check),
    ("others_wait_for_one_move", hold::check),
    ("long_move_yields", yields::check),
];

#[derive(Parser)]
#[command(about = "Checks what a move does where a limit is in its way")]
struct Cli {
    /// A nanosecond of the guest's clock is an instruction
    #[arg(long)]
    instructions: bool,
    /// Checks to run, instead of all
    names: Vec<String>,
}

fn run(cli: &Cli) -> Result<bool> {
    for name in &cli.names {
        ensure!(
            CHECKS.iter().any(|(known, _)| known == name),
            "there is no check '{name}'"
        );
    }
    figure::set_unit(cli.instructions);
    mem::peek::survive_faults()?;

    let wanted = |name: &&str| cli.names.is_empty() || cli.names.iter().any(|other| other == name);
    let checks = CHECKS.iter().filter(|(name, _)| wanted(name));
    let mut right = true;

    println!("TAP version 13\n1..{}", checks.clone().count());
    for (number, (name, check)) in (1..).zip(checks) {
        match child::run(*check) {
            Ok(()) => println!("ok {number} {name}"),
            Err(error) => {
                println!("not ok {number} {name} # {error:#}");
                right = false;
            }
        }
    }
    Ok(right)
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("limits: {error:#}");
            ExitCode::FAILURE
        }
    }
}
