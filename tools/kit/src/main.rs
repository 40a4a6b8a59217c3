//! Assembles, builds, boots and tests the patched kernel. The Makefile is its user interface.

mod base;
mod demo;
mod guest;
mod host;
mod kernel;
mod kunit;
mod outcome;
mod paths;
mod selftest;
mod step;
mod suite;
mod toolchain;
mod tree;

use anyhow::Result;
use clap::{Parser, Subcommand};
use paths::Paths;

#[derive(Parser)]
#[command(about = "Assembles, builds, boots and tests the patched kernel")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the kernel image.
    Kernel {
        /// A fragment of configs/ to put on top of the common one.
        #[arg(long, default_value = "test")]
        config: String,
    },
    /// Build the kernel and show a move of a thousand mappings in it.
    Demo,
    /// Run all tests, or the suites that are named.
    Test {
        /// Suites to run, all of them if there are none.
        suites: Vec<String>,
        /// The configuration of the kernel that the guests run.
        #[arg(long, default_value = "test")]
        config: String,
    },
    /// Count the instructions that a move takes for each mapping.
    Count,
    /// Build the kernel and open a shell in it.
    Shell,
    /// Write the commits of the assembled tree back to patches-6.12/.
    Export,
}

fn run(args: Args) -> Result<bool> {
    let paths = Paths::find()?;
    let _lock = step::lock(&paths)?;
    step::check_disk(&paths)?;

    match args.command {
        Command::Kernel { config } => {
            let image = kernel::series(&paths, &config)?;
            println!("the kernel is {}", image.display());
            Ok(true)
        }
        Command::Demo => demo::run(&paths).map(|()| true),
        Command::Test { suites, config } => suite::run(&paths, &config, &suites),
        Command::Count => demo::count(&paths).map(|()| true),
        Command::Shell => demo::shell(&paths).map(|()| true),
        Command::Export => tree::export(&paths).map(|()| true),
    }
}

fn main() {
    match run(Args::parse()) {
        Ok(true) => {}
        Ok(false) => std::process::exit(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::exit(2);
        }
    }
}
