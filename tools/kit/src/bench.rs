//! What moves cost, in the base kernel, in the patched one, and in any other one.

mod table;
mod target;

use crate::{
    guest::{self, Guest, Machine},
    host, kernel,
    outcome::Outcome,
    paths::{write_whole, Paths},
    programs,
};
use anyhow::{ensure, Context, Result};
use bench::{
    cases,
    line::Line,
    results::{difference, Kernel, Results, Unit},
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use target::Verdict;

/// The configuration of the kernels that are measured.
const CONFIG: &str = "bench";

/// Kernel parameters: a disk in memory on which all of a layout has room.
const PARAMETERS: &str = "ramdisk_size=262144";

/// What is asked for.
#[derive(clap::Args)]
pub struct Options {
    /// Only what has a target.
    #[arg(long)]
    quick: bool,
    /// The image of another kernel to measure as well.
    #[arg(long)]
    compare: Option<PathBuf>,
    /// Print the functions that one call spends its instructions in, instead.
    #[arg(long)]
    profile: bool,
}

/// Runs the program with arguments in a guest of its own, and returns the console.
fn run_program(
    paths: &Paths,
    image: &Path,
    name: &str,
    arguments: &str,
    machine: Machine,
) -> Result<String> {
    let guest = Guest {
        image,
        content: &[(
            "guest/bench".to_owned(),
            host::static_program(paths, "bench")?,
        )],
        script: &format!("/guest/bench {arguments}\necho \"exit status $?\"\n"),
        parameters: PARAMETERS,
        cpus: 1,
        machine,
        limit: Duration::from_secs(1200),
        show: true,
    };
    let console = guest.run(paths, name)?;

    ensure!(
        console.contains("exit status 0\n"),
        "bench failed:\n  {}\n  the whole console is build/logs/{name}.console",
        programs::last_lines(&console, 10)
    );
    Ok(console)
}

/// Measures a kernel.
fn measure(
    paths: &Paths,
    image: &Path,
    name: &str,
    quick: bool,
    machine: Machine,
) -> Result<Kernel> {
    let arguments = if quick { "run --quick" } else { "run" };
    let guest = match machine {
        Machine::Counting => format!("bench-{name}"),
        _ => format!("bench-{name}-wall"),
    };

    println!("  measuring {name}");
    let console = run_program(paths, image, &guest, arguments, machine)?;
    Ok(Kernel {
        name: name.to_owned(),
        lines: Line::parse(&console)?,
    })
}

/// A kernel's name in tables, and its image.
type Image<'a> = (&'a str, &'a Path);

/// Measures kernels, the first of which is the base, on one machine.
fn measure_all(
    paths: &Paths,
    images: &[Image],
    quick: bool,
    machine: Machine,
    unit: Unit,
) -> Result<Results> {
    let kernels = images
        .iter()
        .map(|(name, image)| measure(paths, image, name, quick, machine))
        .collect::<Result<_>>()?;

    Ok(Results { unit, kernels })
}

/// Measures by the clock on the wall, which makes sense where the guest has a real CPU.
fn by_the_wall(paths: &Paths, images: &[Image], quick: bool) -> Result<Option<Results>> {
    let (_, image) = images[0];
    if guest::accelerator(paths, image)? != "kvm" {
        println!("  without KVM times mean nothing: they are left out");
        return Ok(None);
    }
    measure_all(paths, images, quick, Machine::Pc, Unit::Nanoseconds).map(Some)
}

/// What those see who have to wait for a move of 60,000 mappings.
fn waiting(paths: &Paths, image: &Path) -> Result<Vec<String>> {
    let limits = programs::Run {
        arguments: "--instructions others_wait_for_one_move".to_owned(),
        ..programs::limits(Machine::Counting)
    };
    let console = limits.run_on(paths, image, "bench-limits")?;
    let figures = console.lines().filter_map(|line| line.strip_prefix("| "));

    Ok(figures.map(str::to_owned).collect())
}

/// Draws the chart of what is in a file of results.
fn draw(paths: &Paths, results: &Path) -> Result<()> {
    let file = |end: &str| results.with_file_name(format!("chart.{end}"));

    host::run_program(
        paths,
        "chart",
        [results, &file("svg"), &file("png")].map(Path::as_os_str),
    )
}

/// Measures everything, and writes it down.
pub fn run(paths: &Paths, options: &Options) -> Result<bool> {
    let (base, series) = kernel::both(paths, CONFIG)?;
    let mut images: Vec<Image> = vec![("base", &base), ("this", &series)];
    if let Some(other) = &options.compare {
        ensure!(
            other.is_file(),
            "COMPARE={}: there is no such image",
            other.display()
        );
        images.push(("other", other));
    }
    if options.profile {
        return profile(paths, &images[1..]).map(|()| true);
    }

    let quick = options.quick;
    let results = measure_all(paths, &images, quick, Machine::Counting, Unit::Instructions)?;
    let verdicts = target::judge(&results.kernels[0], &results.kernels[1]);
    let mut text = format!("# What moves cost\n\n{}\n", table::targets(&verdicts));

    text += &format!("{}\n", table::measured(&results));
    let again = measure(paths, &series, "this, again", true, Machine::Counting)?;
    let apart = 100.0 * difference(&again, &results.kernels[1]);
    text += &format!("Of two runs of this kernel no median differs by more than {apart:.2} %.\n\n");
    text += "A move of 60,000 mappings by one call, and others:\n\n";
    for line in waiting(paths, &series)? {
        text += &format!("- {line}\n");
    }
    if !quick {
        let left: Vec<String> = cases::full().1.iter().map(ToString::to_string).collect();
        text += &format!(
            "\nLeft out, as they take too much memory: {}.\n",
            left.join(", ")
        );
    }
    let mut all = vec![results];
    match by_the_wall(paths, &images, quick)? {
        Some(wall) => {
            text += &format!("\n{}", table::measured(&wall));
            all.push(wall);
        }
        None => text += "\nTimes are left out, as there is no KVM that boots a guest.\n",
    }

    let folder = paths.build.join("bench");
    fs::create_dir_all(&folder)?;
    let file = folder.join("results.json");
    write_whole(&file, serde_json::to_string_pretty(&all)?)?;
    write_whole(&folder.join("table.md"), &text)?;
    draw(paths, &file).context("the chart cannot be drawn")?;
    println!("\n{}", table::targets(&verdicts));
    println!("all of it is in {}", folder.display());
    Ok(verdicts.iter().all(Verdict::met))
}

/// Shows where kernels spend their instructions.
fn profile(paths: &Paths, images: &[Image]) -> Result<()> {
    for (name, image) in images {
        println!("\n{name}");
        let guest = format!("profile-{name}");
        run_program(paths, image, &guest, "profile", Machine::Counting)?;
    }
    Ok(())
}

/// Expects every target to be met. The kernels are those that are measured, whatever the
/// configuration of the other suites is.
pub fn suite(paths: &Paths, _: &str) -> Result<Outcome> {
    let (base, series) = kernel::both(paths, CONFIG)?;
    let images: [Image; 2] = [("base", &base), ("this", &series)];
    let results = measure_all(paths, &images, true, Machine::Counting, Unit::Instructions)?;
    let mut outcome = Outcome::default();

    for verdict in target::judge(&results.kernels[0], &results.kernels[1]) {
        outcome.check(verdict.met(), || verdict.to_string());
    }
    Ok(outcome)
}
