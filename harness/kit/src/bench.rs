// SPDX-License-Identifier: GPL-2.0

//! What moves cost, in the base kernel, in the patched one, and in any other one.

mod image;
mod table;
mod target;

use crate::{
    guest::{
        self,
        Guest,
        Machine, //
    },
    host,
    kernel,
    options,
    outcome::Outcome,
    paths::{
        write_whole,
        Paths, //
    },
    programs,
    tree::Tree, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use bench::{
    line::Line,
    results::{
        difference,
        Kernel,
        Results,
        Unit, //
    }, //
};
use clap::ArgAction;
use std::{
    fs,
    path::{
        Path,
        PathBuf, //
    },
    time::Duration, //
};
use target::Verdict;

/// The configuration of the kernels that are measured.
const CONFIG: &str = "bench";

/// Kernel parameters: a disk in memory on which all of a layout has room.
const PARAMETERS: &str = "norandmaps ramdisk_size=262144";

/// How long a guest may take.
const LIMIT: Duration = Duration::from_secs(1200);

/// What is asked for.
#[derive(clap::Args)]
pub struct Options {
    /// Only what has a target.
    #[arg(long, default_value = "0", action = ArgAction::Set, value_parser = options::switch)]
    quick: bool,
    /// The image of another kernel to measure as well.
    #[arg(long)]
    compare: Option<PathBuf>,
    /// Print the functions that one call spends its instructions in, instead.
    #[arg(long, default_value = "0", action = ArgAction::Set, value_parser = options::switch)]
    profile: bool,
}

impl Options {
    pub fn judge(&self) -> Result<()> {
        ensure!(
            !(self.quick && self.profile),
            "PROFILE=1 QUICK=1: choose one, as a profile measures no target"
        );
        match &self.compare {
            Some(file) => image::check(file, &format!("COMPARE={}", file.display())),
            None => Ok(()),
        }
    }
}

/// A kernel's name in tables, and its image.
type Image<'a> = (&'a str, &'a Path);

/// What measures.
struct Bench<'a> {
    paths: &'a Paths,
    /// The program that runs in guests.
    program: PathBuf,
}

impl<'a> Bench<'a> {
    fn new(paths: &'a Paths) -> Result<Self> {
        Ok(Bench {
            paths,
            program: host::static_program(paths, "bench")?,
        })
    }

    /// Runs the program with arguments in a guest of its own, and returns what it prints.
    fn run(
        &self,
        image: &Path,
        name: &str,
        arguments: &str,
        machine: Machine,
        cpus: usize,
    ) -> Result<String> {
        let guest = Guest {
            content: &[("guest/bench".to_owned(), self.program.clone())],
            parameters: PARAMETERS,
            cpus,
            machine,
            show: true,
            ..Guest::of(image, LIMIT)
        };

        Ok(guest
            .command(self.paths, name, &format!("bench {arguments}"))?
            .output)
    }

    /// Measures a kernel.
    fn measure(&self, (name, image): Image, quick: bool, unit: Unit) -> Result<Kernel> {
        let arguments = if quick { "run --quick" } else { "run" };
        let machine = match unit {
            Unit::Instructions => Machine::Counting,
            Unit::Nanoseconds => Machine::Pc,
        };

        println!("  measuring {name}, {}", unit.name());
        let guest = format!("bench-{name}-{}", unit.name());
        let printed = self.run(image, &guest, arguments, machine, 1)?;
        Ok(Kernel {
            name: name.to_owned(),
            lines: Line::parse(&printed)?,
        })
    }

    /// Counts the TLB shootdowns of moves, and adds them to what was measured of a kernel. That
    /// takes two CPUs, and a guest that counts instructions has one: so it has a guest of its own.
    /// How fast its CPUs are, and whether they run at the same time, changes nothing.
    fn count_shootdowns(&self, kernel: &mut Kernel, image: &Path, quick: bool) -> Result<()> {
        let name = &kernel.name;
        let option = if quick { " --quick" } else { "" };

        println!("  counting shootdowns of {name}");
        let guest = format!("bench-{name}-shootdowns");
        let arguments = format!("shootdowns{option}");
        let printed = self.run(image, &guest, &arguments, Machine::Pc, 2)?;
        kernel.lines.extend(Line::parse(&printed)?);
        Ok(())
    }

    /// Measures kernels, the first of which is the base.
    fn measure_all(&self, images: &[Image], quick: bool, unit: Unit) -> Result<Results> {
        let kernels = images
            .iter()
            .map(|image| self.measure(*image, quick, unit))
            .collect::<Result<_>>()?;

        Ok(Results { unit, kernels })
    }

    /// Measures by the clock on the wall, which makes sense where the guest has a real CPU.
    fn by_the_wall(&self, images: &[Image], quick: bool) -> Result<Option<Results>> {
        let (_, image) = images[0];
        if guest::accelerator(self.paths, image)? != "kvm" {
            return Ok(None);
        }
        self.measure_all(images, quick, Unit::Nanoseconds).map(Some)
    }

    /// Shows where kernels spend their instructions.
    fn profile(&self, images: &[Image]) -> Result<()> {
        for (name, image) in images {
            println!("\n{name}");
            let guest = format!("profile-{name}");
            self.run(image, &guest, "profile", Machine::Counting, 1)?;
        }
        Ok(())
    }
}

/// What those see who have to wait for a move of 60,000 mappings.
fn waiting(paths: &Paths, image: &Path) -> Result<Vec<String>> {
    let limits = programs::Run {
        arguments: "--instructions others_wait_for_one_move".to_owned(),
        ..programs::limits(Machine::Counting)
    };
    let ran = limits.run_on(paths, image, "bench-limits")?;
    let figures = ran
        .output
        .lines()
        .filter_map(|line| line.strip_prefix("| "));

    Ok(figures.map(str::to_owned).collect())
}

/// Draws the chart of what is in a file of results.
fn draw(paths: &Paths, results: &Path) -> Result<()> {
    let chart = results.with_file_name("chart.svg");

    host::run_program(paths, "chart", [results, &chart].map(Path::as_os_str))
}

/// Measures everything, and writes it down. Returns whether all targets are met.
pub fn run(tree: &Tree, options: &Options) -> Result<bool> {
    let paths = tree.paths;
    let (base, series) = kernel::both(tree, CONFIG)?;
    let mut images: Vec<Image> = vec![("base", &base), ("this", &series)];
    if let Some(other) = &options.compare {
        images.push(("other", other));
    }
    let bench = Bench::new(paths)?;
    if options.profile {
        return bench.profile(&images[1..]).map(|()| true);
    }

    let quick = options.quick;
    let mut results = bench.measure_all(&images, quick, Unit::Instructions)?;
    for (kernel, (_, image)) in results.kernels.iter_mut().zip(&images) {
        bench.count_shootdowns(kernel, image, quick)?;
    }
    let (base, this) = (&results.kernels[0], &results.kernels[1]);
    let verdicts = target::judge(base, this);
    let again = bench.measure(("again", &series), true, Unit::Instructions)?;
    let notes = table::Notes {
        apart: difference(&again, this),
        waiting: waiting(paths, &series)?,
    };
    let wall = bench.by_the_wall(&images, quick)?;

    let folder = paths.work.join("bench");
    fs::create_dir_all(&folder)?;
    let text = table::all(&verdicts, &results, wall.as_ref(), &notes);
    write_whole(&folder.join("table.md"), text)?;
    let all: Vec<Results> = [results].into_iter().chain(wall).collect();
    let file = folder.join("results.json");
    write_whole(&file, serde_json::to_string(&all)?)?;
    draw(paths, &file).context("the chart cannot be drawn")?;

    println!("\n{}", table::targets(&verdicts));
    println!("everything is in {}", folder.display());
    Ok(verdicts.iter().all(Verdict::met))
}

/// Expects every target to be met. The kernels are those that are measured, whatever the
/// configuration of the other suites is.
pub fn suite(tree: &Tree, _: &str) -> Result<Outcome> {
    let (base, series) = kernel::both(tree, CONFIG)?;
    let bench = Bench::new(tree.paths)?;
    let base = bench.measure(("base", &base), true, Unit::Instructions)?;
    let image = series;
    let mut series = bench.measure(("this", &image), true, Unit::Instructions)?;
    bench.count_shootdowns(&mut series, &image, true)?;
    let mut outcome = Outcome::default();

    for verdict in target::judge(&base, &series) {
        outcome.check(verdict.met(), || verdict.to_string());
    }
    Ok(outcome)
}
