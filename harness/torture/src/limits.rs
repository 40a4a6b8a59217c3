// SPDX-License-Identifier: GPL-2.0

//! Checks what a move does where a limit is in its way: the number of mappings, the patience of
//! other threads, the life of the process.
//!
//! Results are in TAP. Lines that start with a bar are figures.

mod doubled;
mod figure;
mod full;
mod hold;
mod killed;
mod many;
mod mover;
mod refused;
mod snapshot;
mod survivor;
mod yields;

use crate::tap::Tap;
use anyhow::{
    anyhow,
    ensure,
    Result, //
};
use clap::Args;
use layout::{
    in_child,
    Failure, //
};

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

#[derive(Args)]
pub struct Options {
    /// A nanosecond of the guest's clock is an instruction
    #[arg(long)]
    instructions: bool,
    /// Checks to run, instead of all
    names: Vec<String>,
}

/// How many seconds a check may take.
const PATIENCE: u32 = 600;

/// Runs a check in a process of its own, with an address space that it may fill.
fn run_alone(check: fn() -> Result<()>) -> Result<()> {
    in_child(PATIENCE, check)?.map_err(|failure| match failure {
        Failure::Killed(libc::SIGALRM) => anyhow!("not done after {PATIENCE} s"),
        Failure::Killed(signal) => anyhow!("killed by signal {signal}"),
        Failure::Failed(why) => anyhow!(why),
    })
}

/// Returns whether every check passes.
pub fn run(options: &Options) -> Result<bool> {
    let names = &options.names;
    for name in names {
        ensure!(
            CHECKS.iter().any(|(known, _)| known == name),
            "there is no check '{name}'"
        );
    }
    figure::set_unit(options.instructions);
    mem::signal::survive_faults()?;

    let wanted = |name: &&str| names.is_empty() || names.iter().any(|other| other == name);
    let checks = CHECKS.iter().filter(|(name, _)| wanted(name));
    let mut tap = Tap::begin(checks.clone().count());

    for (name, check) in checks {
        match run_alone(*check) {
            Ok(()) => tap.result(true, name),
            Err(error) => tap.result(false, format!("{name} # {error:#}")),
        }
    }
    Ok(tap.all_right())
}
