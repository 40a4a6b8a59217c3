// SPDX-License-Identifier: GPL-2.0

//! Assembles, builds, boots and tests the patched kernel. The Makefile is its user interface.

mod apt;
mod arch;
mod assemble;
mod base;
mod bench;
mod bootstrap;
mod budget;
mod check;
mod compile_fail;
mod configuration;
mod debian;
mod demo;
mod export;
mod foreign;
mod git;
mod guest;
mod host;
mod kconfig;
mod kernel;
mod kunit;
mod lint;
mod maintainers;
mod mutants;
mod new_files;
mod options;
mod outcome;
mod patch;
mod paths;
mod programs;
mod same;
#[cfg(test)]
mod scratch;
mod selftest;
mod series;
mod source;
mod stack;
mod stamp;
mod step;
mod suite;
mod tap;
mod test_all;
mod thirdparty;
mod times;
mod toolchain;
mod tree;
mod user_space;

use anyhow::{
    ensure,
    Result, //
};
use budget::Budget;
use clap::{
    ArgAction,
    Parser,
    Subcommand, //
};
use guest::Machine;
use paths::Paths;
use std::{
    path::PathBuf,
    time::Duration, //
};
use tree::{
    At,
    Tree, //
};

#[derive(Parser)]
#[command(about = "Assembles, builds, boots and tests the patched kernel")]
struct Args {
    /// The kernel that the series is for: a folder of bases/.
    #[arg(long, value_parser = options::base)]
    base: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the kernel image.
    Kernel {
        /// A fragment of configs/ to put on top of the common one.
        #[arg(long, default_value = "test", value_parser = options::kernel_config)]
        config: String,
    },
    /// Build the kernel and show a move of a thousand mappings in it.
    Demo,
    /// Run all tests, or the suites that are named.
    Test {
        /// Suites to run, all of them if there are none.
        suites: Vec<String>,
        /// The configuration of the kernel that the guests run.
        #[arg(long, default_value = "test", value_parser = options::guest_config)]
        config: String,
        /// Also run what the file of each further base names.
        #[arg(long, conflicts_with = "suites")]
        others: bool,
        /// Start no suite that needs further kernels and would end later than this.
        #[arg(long, value_parser = options::minutes)]
        minutes: Option<u64>,
    },
    /// Measure what moves cost, by one call and by a call for each mapping.
    Bench(bench::Options),
    /// Move random layouts by one call and by a call for each mapping, and compare.
    Fuzz {
        /// The first layout's seed; the others follow.
        #[arg(long, default_value = "1", value_parser = options::seed)]
        seed: u64,
        /// How many layouts; otherwise as many as there is time for.
        #[arg(long, value_parser = options::runs)]
        runs: Option<u64>,
        #[arg(long, default_value = "10", value_parser = options::minutes)]
        minutes: u64,
        #[arg(long, default_value = "test", value_parser = options::guest_config)]
        config: String,
        /// In User Mode Linux: fast, with fewer kinds of mappings.
        #[arg(long, default_value = "0", action = ArgAction::Set, value_parser = options::switch)]
        uml: bool,
    },
    /// Let each allocation of a move fail.
    Sweep(Long),
    /// Move while everything else happens to the memory.
    Stress(Long),
    /// Move where a limit is in the way, and count how long others have to wait.
    Limits,
    /// Run all tests in all configurations, and long runs, but what has passed already.
    TestAll {
        /// Configurations and suites, all of them if there are none.
        parts: Vec<String>,
        /// Start nothing after so long.
        #[arg(long, value_parser = options::minutes)]
        minutes: Option<u64>,
    },
    /// Build kernels with deliberate bugs, and see that a test finds each.
    Mutants {
        /// Parts of their names; all of them if there are none.
        names: Vec<String>,
    },
    /// Build the kernel and open a shell in it.
    Shell,
    /// Write the commits of the assembled tree back to the folder of the base.
    Export,
    /// Write a series as mails: the main one, or fixes.
    Series {
        /// One by its name, or all `fixes`.
        #[arg(long, default_value = "main")]
        series: String,
    },
    /// Build a Debian package of the patched kernel.
    Deb {
        /// A whole configuration; otherwise that of a small kernel for virtual machines.
        #[arg(long)]
        kconfig: Option<PathBuf>,
    },
    /// Install the small package in a Debian, boot it from its disk and show moves there.
    DebDemo,
    /// Check the series as reviewers would, or run the checks that are named.
    CheckSeries {
        checks: Vec<String>,
        /// One by its name, or all `fixes`; otherwise the whole stack.
        #[arg(long)]
        series: Option<String>,
    },
}

/// How a program runs that goes on for as long as one likes.
#[derive(clap::Args)]
struct Long {
    #[arg(long, default_value = "1", value_parser = options::seed)]
    seed: u64,
    #[arg(long, default_value = "10", value_parser = options::minutes)]
    minutes: u64,
    /// The configuration of the kernel.
    #[arg(long, default_value = "debug", value_parser = options::guest_config)]
    config: String,
}

impl Command {
    /// Does it run guests that KVM can run?
    fn takes_kvm(&self) -> bool {
        !matches!(
            self,
            Command::Kernel { .. }
                | Command::Limits
                | Command::Export
                | Command::Series { .. }
                | Command::Deb { .. }
        )
    }

    /// Refuses what cannot be done as it is asked for, before any step that takes long.
    fn judge(&self, paths: &Paths) -> Result<()> {
        guest::judge(self.takes_kvm())?;
        match self {
            Command::Test { suites, .. } => suite::judge(suites)?,
            Command::Bench(options) => options.judge()?,
            Command::Fuzz { uml, config, .. } => ensure!(
                !uml || config == "test",
                "CONFIG={config}: User Mode Linux has a configuration of its own, so UML=1 goes \
                 without CONFIG"
            ),
            Command::Mutants { names } => mutants::judge(paths, names)?,
            Command::TestAll { parts, .. } => test_all::judge(paths, parts)?,
            Command::Deb { kconfig } => debian::judge(kconfig.as_deref())?,
            Command::CheckSeries { checks, series } => {
                check::judge(paths, checks, series.as_deref())?
            }
            Command::Series { series } => stack::select(&paths.base, series).map(drop)?,
            Command::Export => return Ok(()),
            _ => {}
        }
        source::judge(paths)
    }
}

fn run(args: Args) -> Result<bool> {
    let paths = Paths::find(&args.base)?;
    args.command.judge(&paths)?;
    let _lock = step::lock(&paths)?;
    step::check_disk(&paths)?;
    let series = Tree::new(&paths, At::Series);

    match args.command {
        Command::Kernel { config } => {
            let image = kernel::build(&series, &config)?;
            println!("the kernel is {}", image.file.display());
            Ok(true)
        }
        Command::Demo => demo::run(&series).map(|()| true),
        Command::Test {
            suites,
            config,
            others,
            minutes,
        } => {
            let budget = Budget::new(&paths.times, minutes);
            let report = suite::run(&series, &config, &suites, others, &budget)?;
            Ok(report.print(&paths.times.slowest(5)))
        }
        Command::Bench(options) => bench::run(&series, &options),
        Command::Fuzz {
            seed,
            runs,
            minutes,
            config,
            uml,
        } => {
            let machine = if uml { Machine::Uml } else { Machine::Pc };
            programs::fuzz(seed, runs, minutes, machine)
                .run(&series, &config)
                .map(|_| true)
        }
        Command::Sweep(long) => programs::sweep(long.seed, long.minutes)
            .run(&series, &long.config)
            .map(|_| true),
        Command::Stress(long) => {
            programs::stress(long.seed, Duration::from_secs(60 * long.minutes))
                .run(&series, &long.config)
                .map(|_| true)
        }
        Command::Limits => programs::limits(Machine::Counting)
            .run(&series, "test")
            .map(|_| true),
        Command::Mutants { names } => mutants::run(&paths, &names),
        Command::TestAll { parts, minutes } => test_all::run(&series, &parts, minutes),
        Command::Shell => demo::shell(&series).map(|()| true),
        Command::Export => export::export(&paths).map(|()| true),
        Command::Series { series: name } => {
            for part in stack::select(&paths.base, &name)? {
                series::write(&series, &part)?;
            }
            Ok(true)
        }
        Command::Deb { kconfig } => debian::build(&series, kconfig.as_deref()).map(|()| true),
        Command::DebDemo => debian::demo(&series)?.require().map(|()| true),
        Command::CheckSeries {
            checks,
            series: name,
        } => check::run(&series, &checks, name.as_deref()),
    }
}

fn main() {
    let fail = |why: &str| -> ! {
        eprintln!("error: {why}");
        std::process::exit(2);
    };
    let args = Args::try_parse().unwrap_or_else(|error| match options::refusal(&error) {
        Some(why) => fail(&why),
        None => error.exit(),
    });

    match run(args) {
        Ok(true) => {}
        Ok(false) => std::process::exit(1),
        Err(error) => fail(&format!("{error:#}")),
    }
}
