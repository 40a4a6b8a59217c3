// SPDX-License-Identifier: GPL-2.0

//! Programs that look for a move that goes wrong, in a guest: the oracle fuzzer, the fault sweep,
//! the stress, the limits.

use crate::{
    configuration,
    guest::{
        self,
        Content,
        Guest,
        Machine,
        Ran, //
    },
    host,
    kernel::{
        self,
        Image, //
    },
    kunit,
    outcome::Outcome,
    paths::Paths,
    selftest::HUGE_PAGES,
    tap,
    tree::Tree, //
};
use anyhow::{
    ensure,
    Result, //
};
use std::{
    path::PathBuf,
    time::Duration, //
};

/// What programs find in a guest beside huge pages: swap, cgroups, one of which is theirs, and no
/// khugepaged that changes what they look at. The console is theirs, as the kernel has much to say of allocations
/// that fail.
const SETTINGS: &str = "\
echo 3 > /proc/sys/kernel/printk
mkswap /dev/ram0 > /dev/null && swapon /dev/ram0
mkdir -p /sys/fs/cgroup && mount -t cgroup2 cgroup /sys/fs/cgroup
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/program && echo $$ > /sys/fs/cgroup/program/cgroup.procs
echo 1000000 > /sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
";

/// Kernel parameters: two nodes of memory, and room for what the kernel says.
const PARAMETERS: &str = "numa=fake=2 log_buf_len=16M";

/// Layouts that one call and a call for each have once disagreed on.
const CORPUS: &str = "harness/torture/corpus";

/// The package in `harness/`, and the file that has all of them.
pub const TORTURE: &str = "torture";

/// A run of a program.
pub struct Run<'a> {
    /// The program, a subcommand of that file.
    pub program: &'static str,
    pub arguments: String,
    /// Files beside the program.
    pub content: &'a [Content],
    /// How long it means to run.
    pub time: Duration,
    pub machine: Machine,
    /// Added to the kernel's command line.
    pub parameters: &'static str,
}

impl Run<'_> {
    /// Runs the program in a kernel of that tree and configuration, and tells what it did. Shows what
    /// it has to say. Fails if the program does, and if the kernel complains.
    pub fn run(&self, tree: &Tree, config: &str) -> Result<Ran> {
        let image = match self.machine {
            Machine::Uml => kunit::build_uml(tree)?,
            _ => kernel::image(tree, config)?,
        };

        let name = format!("{}-{config}", tree.named(self.program));
        self.run_on(tree.paths, &image, &name)
    }

    /// Runs the program in the kernel of an image, in a guest of this name.
    pub fn run_on(&self, paths: &Paths, image: &Image, name: &str) -> Result<Ran> {
        self.start_on(paths, image, name)?.end()
    }

    /// Starts it there.
    fn start_on(&self, paths: &Paths, image: &Image, name: &str) -> Result<Started> {
        let mut content = vec![(
            format!("guest/{TORTURE}"),
            host::static_program(paths, image.of, TORTURE)?,
        )];
        content.extend_from_slice(self.content);
        let parameters = [PARAMETERS, self.parameters].join(" ");
        let guest = Guest {
            content: &content,
            settings: &[HUGE_PAGES, SETTINGS].concat(),
            parameters: parameters.trim_end(),
            cpus: match self.machine {
                Machine::Counting => 1,
                _ => 2,
            },
            machine: self.machine,
            show: true,
            // An emulated machine is slow, and programs stop only between two things.
            ..Guest::of(image, 2 * self.time + Duration::from_secs(240))
        };

        let command = format!("{TORTURE} {} {}", self.program, self.arguments);
        Ok(Started {
            guest: guest.start(paths, name, &[command])?,
            console: paths.console(name),
        })
    }
}

/// A program that runs.
struct Started {
    guest: guest::Started,
    console: PathBuf,
}

impl Started {
    /// Waits for its end, and tells what it did. Fails as [`Run::run()`] does.
    fn end(self) -> Result<Ran> {
        let ran = self.guest.end()?.remove(0);

        ran.require(&self.console)?;
        Ok(ran)
    }
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// Draws layouts from `seed` on, `runs` of them or for some minutes.
pub fn fuzz(seed: u64, runs: Option<u64>, time: u64, machine: Machine) -> Run<'static> {
    let runs = runs.map_or(String::new(), |runs| format!(" --runs {runs}"));

    Run {
        program: "fuzz",
        arguments: format!("run --seed {seed}{runs} --minutes {time}"),
        content: &[],
        time: minutes(time),
        machine,
        parameters: "",
    }
}

/// How many guests run at the same time that wait most of the time, as those do that draw layouts.
/// Each has 1.5 GiB.
fn guests_at_a_time() -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let free = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .map_or(0, |kilobytes: usize| kilobytes >> 20);

    (2 * cpus).min(free / 2).max(1)
}

/// Draws layouts from `seed` on in several guests at the same time, each of which takes a part.
pub fn fuzz_many(
    tree: &Tree,
    config: &str,
    seed: u64,
    layouts: u64,
    machine: Machine,
) -> Result<Outcome> {
    let image = kernel::image(tree, config)?;
    let guests = guests_at_a_time() as u64;
    let mut started = Vec::new();
    let mut outcome = Outcome::default();

    for guest in 0..guests {
        let part = layouts * (guest + 1) / guests - layouts * guest / guests;
        let from = seed + layouts * guest / guests;
        // A slow machine moves ten in a minute and a guest.
        let run = fuzz(from, Some(part), part.div_ceil(10), machine);
        let name = format!("{}-{config}-{guest}", tree.named("fuzz"));
        started.push(run.start_on(tree.paths, &image, &name)?);
    }
    for run in started {
        outcome.add(judged(run.end()));
    }
    Ok(outcome)
}

/// Fails each allocation of moves of many layouts, for some minutes.
pub fn sweep(seed: u64, time: u64) -> Run<'static> {
    Run {
        program: "sweep",
        arguments: format!("run --seed {seed} --minutes {time}"),
        content: &[],
        time: minutes(time),
        machine: Machine::Pc,
        parameters: "",
    }
}

/// Moves against everything else that happens to memory.
pub fn stress(seed: u64, time: Duration) -> Run<'static> {
    Run {
        program: "stress",
        arguments: format!("run --seed {seed} --seconds {}", time.as_secs()),
        content: &[],
        time,
        machine: Machine::Parallel,
        parameters: "",
    }
}

/// Moves where a limit is in the way.
pub fn limits(machine: Machine) -> Run<'static> {
    Run {
        program: "limits",
        arguments: match machine {
            Machine::Counting => "--instructions".to_owned(),
            _ => String::new(),
        },
        content: &[],
        time: minutes(5),
        machine,
        parameters: "",
    }
}

/// A run as a test that passes or fails, with what the program says at the end as its note.
pub fn check(tree: &Tree, config: &str, run: &Run) -> Outcome {
    judged(run.run(tree, config))
}

/// What a run did, as a test.
fn judged(ran: Result<Ran>) -> Outcome {
    Outcome::of(ran.map(|ran| Outcome {
        passed: 1,
        notes: vec![ran.last_lines(1)],
        ..Outcome::default()
    }))
}

/// Compares what a call for each segment gives in the base and in the patched kernel: what one
/// call is compared with must be what it was.
pub fn oracle_suite(tree: &Tree, config: &str) -> Result<Outcome> {
    let (base, series) = kernel::both(tree, config)?;
    let run = Run {
        arguments: "digest --seed 1 --runs 300".to_owned(),
        ..fuzz(1, None, 4, Machine::Pc)
    };
    let digests = |image: &Image, name: &str| -> Result<Vec<String>> {
        let ran = run.run_on(tree.paths, image, name)?;
        let lines = ran
            .output
            .lines()
            .filter(|line| line.starts_with("digest "));
        Ok(lines.map(str::to_owned).collect())
    };
    let (before, after) = (
        digests(&base, "oracle-base")?,
        digests(&series, "oracle-series")?,
    );
    let mut outcome = Outcome::default();

    ensure!(before.len() == after.len(), "one kernel gave up");
    for (before, after) in before.iter().zip(&after) {
        outcome.check(before == after, || {
            format!("{before} in the base kernel, {after} in the patched one")
        });
    }
    Ok(outcome)
}

/// The corpus again, and layouts by a seed: the same ones each time.
pub fn fuzz_suite(tree: &Tree, config: &str) -> Result<Outcome> {
    let corpus: [(String, PathBuf); 1] = [("guest/corpus".to_owned(), tree.paths.top.join(CORPUS))];
    let configuration = configuration::find(config)?;
    let replay = Run {
        program: "fuzz",
        arguments: format!("replay /guest/corpus{}", configuration.partial_option()),
        content: &corpus,
        time: minutes(2),
        machine: Machine::Pc,
        parameters: "",
    };
    let mut outcome = check(tree, config, &replay);

    let layouts = tree.paths.base.layouts;
    let random = fuzz(1, Some(layouts), 5, Machine::Pc);
    outcome.add(check(tree, config, &random));
    Ok(outcome)
}

/// Some configurations, the same ones each time.
pub fn sweep_suite(tree: &Tree, config: &str) -> Result<Outcome> {
    let run = Run {
        arguments: "run --seed 1 --segments 1,2,5 --runs 40 --minutes 6".to_owned(),
        ..sweep(1, 6)
    };

    Ok(check(tree, config, &run))
}

pub fn stress_suite(tree: &Tree, config: &str) -> Result<Outcome> {
    Ok(check(tree, config, &stress(1, Duration::from_secs(90))))
}

/// A uprobe is turned on and off in processes that move their code.
pub fn uprobes_suite(tree: &Tree, config: &str) -> Result<Outcome> {
    let run = Run {
        arguments: "probes".to_owned(),
        time: minutes(3),
        ..stress(1, Duration::ZERO)
    };
    let image = kernel::image(tree, config)?;
    let name = format!("{}-{config}", tree.named("uprobes"));
    let ran = run.run_on(tree.paths, &image, &name)?;
    let mut outcome = tap::outcome(&ran.output);

    outcome.notes.extend(
        ran.output
            .lines()
            .filter(|line| line.starts_with("ok "))
            .map(str::to_owned),
    );
    Ok(outcome)
}

pub fn limits_suite(tree: &Tree, config: &str) -> Result<Outcome> {
    let ran = limits(Machine::Pc).run(tree, config)?;

    Ok(tap::outcome(&ran.output))
}
