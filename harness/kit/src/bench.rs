// SPDX-License-Identifier: GPL-2.0

//! What moves cost, in the base kernel, in the patched one, and in any other one.

mod image;
mod table;
mod target;

use crate::{
    configuration,
    guest::{
        self,
        Guest,
        Machine, //
    },
    host,
    kernel::{
        self,
        Image, //
    },
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
use target::{
    Targets,
    Verdict, //
};

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

/// A kernel to measure.
#[derive(Clone, Copy)]
struct Subject<'a> {
    /// Its name in tables.
    name: &'a str,
    image: &'a Image,
    /// What it is told beside what all of them are.
    parameters: &'static str,
}

impl<'a> Subject<'a> {
    fn new(name: &'a str, image: &'a Image) -> Self {
        Subject {
            name,
            image,
            parameters: "",
        }
    }

    /// The patched kernel with the loop in C, if its base has that.
    fn with_c_loop(paths: &Paths, image: &'a Image) -> Option<Self> {
        let subject = Subject {
            parameters: kernel::OFF,
            ..Subject::new("c-loop", image)
        };
        paths.base.c_loop.then_some(subject)
    }
}

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
            program: host::static_program(paths, &configuration::USUAL, "bench")?,
        })
    }

    /// Runs the program with arguments in a guest of its own, and returns what it prints.
    fn run(
        &self,
        subject: Subject,
        name: &str,
        arguments: &str,
        machine: Machine,
        cpus: usize,
    ) -> Result<String> {
        let parameters = [PARAMETERS, subject.parameters].join(" ");
        let guest = Guest {
            content: &[("guest/bench".to_owned(), self.program.clone())],
            parameters: parameters.trim_end(),
            cpus,
            machine,
            show: true,
            ..Guest::of(subject.image, LIMIT)
        };

        Ok(guest
            .command(self.paths, name, &format!("bench {arguments}"))?
            .output)
    }

    /// Measures a kernel.
    fn measure(&self, subject: Subject, quick: bool, unit: Unit) -> Result<Kernel> {
        let name = subject.name;
        let arguments = if quick { "run --quick" } else { "run" };
        let machine = match unit {
            Unit::Instructions => Machine::Counting,
            Unit::Nanoseconds => Machine::Pc,
        };

        println!("  measuring {name}, {}", unit.name());
        let guest = format!("bench-{name}-{}", unit.name());
        let printed = self.run(subject, &guest, arguments, machine, 1)?;
        Ok(Kernel {
            name: name.to_owned(),
            lines: Line::parse(&printed)?,
        })
    }

    /// Counts the TLB shootdowns of moves, and adds them to what was measured of a kernel. That
    /// takes two CPUs, and a guest that counts instructions has one: so it has a guest of its own.
    /// How fast its CPUs are, and whether they run at the same time, changes nothing.
    fn count_shootdowns(&self, kernel: &mut Kernel, subject: Subject, quick: bool) -> Result<()> {
        let name = subject.name;
        let option = if quick { " --quick" } else { "" };

        println!("  counting shootdowns of {name}");
        let guest = format!("bench-{name}-shootdowns");
        let arguments = format!("shootdowns{option}");
        let printed = self.run(subject, &guest, &arguments, Machine::Pc, 2)?;
        kernel.lines.extend(Line::parse(&printed)?);
        Ok(())
    }

    /// Measures kernels, the first of which is the base, and the loop in C, if there is one.
    fn measure_all(
        &self,
        subjects: &[Subject],
        c_loop: Option<Subject>,
        quick: bool,
        unit: Unit,
    ) -> Result<Results> {
        let kernels = subjects
            .iter()
            .map(|subject| self.measure(*subject, quick, unit))
            .collect::<Result<_>>()?;
        let c_loop = c_loop
            .map(|subject| self.measure(subject, quick, unit))
            .transpose()?;

        Ok(Results {
            unit,
            kernels,
            c_loop,
        })
    }

    /// Measures by the clock on the wall, which makes sense where the guest has a real CPU.
    fn by_the_wall(
        &self,
        subjects: &[Subject],
        c_loop: Option<Subject>,
        quick: bool,
    ) -> Result<Option<Results>> {
        if guest::accelerator(self.paths, subjects[0].image)? != "kvm" {
            return Ok(None);
        }
        self.measure_all(subjects, c_loop, quick, Unit::Nanoseconds)
            .map(Some)
    }

    /// Shows where kernels spend their instructions.
    fn profile<'b>(&self, subjects: impl IntoIterator<Item = &'b Subject<'b>>) -> Result<()> {
        for subject in subjects {
            println!("\n{}", subject.name);
            let guest = format!("profile-{}", subject.name);
            self.run(*subject, &guest, "profile", Machine::Counting, 1)?;
        }
        Ok(())
    }
}

/// What those see who have to wait for a move of 60,000 mappings.
fn waiting(paths: &Paths, subject: Subject) -> Result<Vec<String>> {
    let limits = programs::Run {
        arguments: "--instructions others_wait_for_one_move".to_owned(),
        parameters: subject.parameters,
        ..programs::limits(Machine::Counting)
    };
    let name = format!("bench-limits-{}", subject.name);
    let ran = limits.run_on(paths, subject.image, &name)?;
    let figures = ran
        .output
        .lines()
        .filter_map(|line| line.strip_prefix("| "));

    Ok(figures.map(str::to_owned).collect())
}

/// Draws the chart of what is in a file of results.
fn draw(paths: &Paths, results: &Path) -> Result<()> {
    let chart = results.with_file_name("chart.svg");
    let title = format!("Linux {}", paths.base.version);

    host::run_program(
        paths,
        "chart",
        [results.as_os_str(), chart.as_os_str(), title.as_ref()],
    )
}

/// Measures everything, and writes it down. Returns whether all targets are met.
pub fn run(tree: &Tree, options: &Options) -> Result<bool> {
    let paths = tree.paths;
    let targets = Targets::of(&paths.base)?;
    let (base, series) = kernel::both(tree, CONFIG)?;
    let this = Subject::new("this", &series);
    let mut subjects = vec![Subject::new("base", &base), this];
    let other = options.compare.clone().map(Image::pc);
    if let Some(other) = &other {
        subjects.push(Subject::new("other", other));
    }
    let c_loop = Subject::with_c_loop(paths, &series);
    let bench = Bench::new(paths)?;
    if options.profile {
        return bench
            .profile(subjects[1..].iter().chain(&c_loop))
            .map(|()| true);
    }

    let quick = options.quick;
    let mut results = bench.measure_all(&subjects, c_loop, quick, Unit::Instructions)?;
    let measured = results.kernels.iter_mut().chain(&mut results.c_loop);
    for (kernel, subject) in measured.zip(subjects.iter().chain(&c_loop)) {
        bench.count_shootdowns(kernel, *subject, quick)?;
    }
    let verdicts = target::judge(
        &targets,
        &results.kernels[0],
        &results.kernels[1],
        results.c_loop.as_ref(),
    );
    let again = Subject::new("again", &series);
    let again = bench.measure(again, true, Unit::Instructions)?;
    let notes = table::Notes {
        apart: difference(&again, &results.kernels[1]),
        waiting: waiting(paths, this)?,
        waiting_for_c: c_loop
            .map(|subject| waiting(paths, subject))
            .transpose()?
            .unwrap_or_default(),
    };
    let wall = bench.by_the_wall(&subjects, c_loop, quick)?;

    let folder = paths.work.join("bench");
    fs::create_dir_all(&folder)?;
    let text = table::all(&targets, &verdicts, &results, wall.as_ref(), &notes);
    write_whole(&folder.join("table.md"), text)?;
    let all: Vec<Results> = [results].into_iter().chain(wall).collect();
    let file = folder.join("results.json");
    write_whole(&file, serde_json::to_string(&all)?)?;
    draw(paths, &file).context("the chart cannot be drawn")?;

    println!("\n{}", table::judged(&verdicts));
    println!("everything is in {}", folder.display());
    Ok(verdicts.iter().all(Verdict::met))
}

/// Expects every target to be met. The kernels are those that are measured, whatever the
/// configuration of the other suites is.
pub fn suite(tree: &Tree, _: &str) -> Result<Outcome> {
    let targets = Targets::of(&tree.paths.base)?;
    let (base, series) = kernel::both(tree, CONFIG)?;
    let bench = Bench::new(tree.paths)?;
    let measure = |subject| bench.measure(subject, true, Unit::Instructions);
    let subject = Subject::new("this", &series);
    let base = measure(Subject::new("base", &base))?;
    let mut this = measure(subject)?;
    bench.count_shootdowns(&mut this, subject, true)?;
    let c_loop = Subject::with_c_loop(tree.paths, &series)
        .map(measure)
        .transpose()?;
    let mut outcome = Outcome::default();

    for verdict in target::judge(&targets, &base, &this, c_loop.as_ref()) {
        outcome.check(verdict.met(), || verdict.to_string());
    }
    Ok(outcome)
}
