// SPDX-License-Identifier: GPL-2.0

//! Programs that look for a move that goes wrong, as one that a guest takes with it.

mod arguments;
mod child;
mod errno;
mod fuzz;
mod limits;
mod machine;
mod say;
mod stress;
mod strip;
mod sweep;
mod tap;

use clap::{
    Parser,
    Subcommand, //
};
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Looks for a move that goes wrong")]
struct Cli {
    #[command(subcommand)]
    program: Program,
}

#[derive(Subcommand)]
enum Program {
    /// Moves random layouts by one mremap() and by one each, and compares
    Fuzz(fuzz::Options),
    /// Moves layouts by one mremap() while allocations fail
    Sweep(sweep::Options),
    /// Moves memory to and fro while everything else happens to it
    Stress(stress::Options),
    /// Checks what a move does where a limit is in its way
    Limits(limits::Options),
}

fn main() -> ExitCode {
    let (name, right) = match Cli::parse().program {
        Program::Fuzz(options) => ("fuzz", fuzz::run(&options)),
        Program::Sweep(options) => ("sweep", sweep::run(options)),
        Program::Stress(options) => ("stress", stress::run(&options)),
        Program::Limits(options) => ("limits", limits::run(&options)),
    };

    match right {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
