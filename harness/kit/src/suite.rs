// SPDX-License-Identifier: GPL-2.0

//! The test suites, and their sum.

use crate::{
    base,
    bench,
    compile_fail,
    demo,
    host,
    kunit,
    lint,
    outcome::Outcome,
    paths::Paths,
    programs,
    same,
    selftest,
    source,
    stack,
    step,
    times::Times,
    tree::{
        At,
        Tree, //
    },
    vma, //
};
use anyhow::{
    bail,
    Result, //
};
use std::time::{
    Duration,
    Instant, //
};

/// A suite: its name, and how it is run for a tree and a configuration of its kernel. Checks of the
/// series are told another thing than a configuration.
pub type Suite = (&'static str, fn(&Tree, &str) -> Result<Outcome>);

/// All suites.
const SUITES: [Suite; 19] = [
    ("host", |tree, _| host::tests(tree.paths)),
    ("lint", |tree, _| lint::suite(tree.paths)),
    ("miri", |tree, _| host::miri(tree.paths)),
    ("same", |tree, _| same::suite(tree)),
    ("vma", vma::suite),
    ("kunit-uml", |tree, _| kunit::uml(tree)),
    ("base-selftests", selftest::compare_with_base),
    ("oracle", programs::oracle_suite),
    ("kunit", kunit::guest),
    ("compile-fail", compile_fail::suite),
    ("selftests", selftest::suite),
    ("limits", programs::limits_suite),
    ("fuzz", programs::fuzz_suite),
    ("sweep", programs::sweep_suite),
    ("stress", programs::stress_suite),
    ("uprobes", programs::uprobes_suite),
    ("bench", bench::suite),
    ("demo", demo::check),
    ("debug-kernel", debug_kernel),
];

/// Suites that run only when they are named, as they take long.
const ON_REQUEST: [&str; 1] = ["debug-kernel"];

/// Suites that run again in the debug kernel.
const DEBUG_SUITES: [&str; 5] = ["kunit", "selftests", "fuzz", "sweep", "stress"];

/// Runs suites in the debug kernel.
fn debug_kernel(tree: &Tree, _: &str) -> Result<Outcome> {
    let mut sum = Outcome::default();

    for name in DEBUG_SUITES {
        println!("  {name}");
        let mut outcome = run_one(tree, "debug", name)?;
        for note in &mut outcome.notes {
            *note = format!("{name}: {note}");
        }
        sum.add(outcome);
    }
    Ok(sum)
}

/// Runs one test suite. If it cannot be run, that is a failure of it.
pub fn run_one(tree: &Tree, config: &str, name: &str) -> Result<Outcome> {
    run_one_of(&SUITES, tree, config, name)
}

fn run_one_of(suites: &[Suite], tree: &Tree, config: &str, name: &str) -> Result<Outcome> {
    let Some((_, suite)) = suites.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = suites.iter().map(|(name, _)| *name).collect();
        bail!("there is no '{name}': there are {}", names.join(", "));
    };

    Ok(suite(tree, config).unwrap_or_else(|error| Outcome {
        failed: 1,
        notes: vec![format!("{error:#}")],
        ..Outcome::default()
    }))
}

/// Refuses the name of a suite that does not exist.
pub fn judge(names: &[String]) -> Result<()> {
    judge_some("SUITES", &SUITES, names)
}

/// The same for some suites. `option` is what the user names them with.
pub fn judge_some(option: &str, suites: &[Suite], names: &[String]) -> Result<()> {
    let known: Vec<&str> = suites.iter().map(|(name, _)| *name).collect();

    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => bail!(
            "{option}: there is no '{name}', there are {}",
            known.join(", ")
        ),
        None => Ok(()),
    }
}

/// Runs test suites and sums up, then those that other bases are tested by as well if that is asked
/// for. Returns whether nothing failed.
pub fn run(tree: &Tree, config: &str, names: &[String], all_bases: bool) -> Result<bool> {
    let paths = tree.paths;
    let mut others = Vec::new();
    if all_bases {
        for name in base::names(&paths.top)? {
            others.push(paths.beside(&name)?);
        }
        others.retain(|other| other.base.folder != paths.base.folder);
    }
    let mut report = Report::default();

    report.run(tree, &SUITES, &ON_REQUEST, config, names)?;
    for other in &others {
        report.run_other(other, config)?;
    }
    Ok(report.print(&paths.times))
}

/// Runs those of the suites that are named, or all but those that are only run on request.
pub fn run_some(
    tree: &Tree,
    suites: &[Suite],
    on_request: &[&str],
    config: &str,
    names: &[String],
) -> Result<bool> {
    let mut report = Report::default();

    report.run(tree, suites, on_request, config, names)?;
    Ok(report.print(&tree.paths.times))
}

/// What suites came to.
#[derive(Default)]
struct Report {
    sum: Outcome,
    lines: Vec<String>,
    failures: Vec<String>,
    /// The base that is tested, if not only the usual one is.
    base: Option<String>,
}

impl Report {
    fn run(
        &mut self,
        tree: &Tree,
        suites: &[Suite],
        on_request: &[&str],
        config: &str,
        names: &[String],
    ) -> Result<()> {
        for (name, _) in suites {
            let named = names.iter().any(|wanted| wanted == name);
            if !named && (!names.is_empty() || on_request.contains(name)) {
                continue;
            }
            let title = self.title(name);
            println!("{title}");
            let start = Instant::now();
            let outcome = run_one_of(suites, tree, config, name)?;
            self.add(&title, outcome, start.elapsed());
        }
        Ok(())
    }

    /// Runs the suites that another base is tested by. If it has no series yet, or its source cannot
    /// be had, they are skipped.
    fn run_other(&mut self, paths: &Paths, config: &str) -> Result<()> {
        let names = &paths.base.suites;
        if names.is_empty() {
            return Ok(());
        }
        judge_some("suites=", &SUITES, names)?;
        self.base = Some(paths.base.version.clone());
        let why = match stack::has_no_series(&paths.base)? {
            true => Some(format!("Linux {} has no series yet", paths.base.version)),
            false => source::fetch(paths).err().map(|error| format!("{error:#}")),
        };
        if let Some(why) = why {
            for name in names {
                let title = self.title(name);
                println!("{title}");
                self.add(&title, Outcome::skipped(&why), Duration::ZERO);
            }
            return Ok(());
        }
        step::check_disk(paths)?;
        self.run(&Tree::new(paths, At::Series), &SUITES, &[], config, names)
    }

    /// What a suite is called.
    fn title(&self, suite: &str) -> String {
        match &self.base {
            Some(base) => format!("{base} {suite}"),
            None => suite.to_owned(),
        }
    }

    /// Adds what a suite came to, and says it.
    fn add(&mut self, title: &str, outcome: Outcome, took: Duration) {
        for note in &outcome.notes {
            println!("  {}", note.replace('\n', "\n  "));
        }
        if outcome.failed != 0 {
            let failures = outcome.notes.iter().map(|note| format!("{title}: {note}"));
            self.failures.extend(failures);
        }
        self.lines.push(format!(
            "{title:20} {:>4} passed {:>3} failed {:>3} skipped  {:>4} s",
            outcome.passed,
            outcome.failed,
            outcome.skipped,
            took.as_secs()
        ));
        self.sum.add(outcome);
    }

    /// Says what all came to. Returns whether nothing failed.
    fn print(&self, times: &Times) -> bool {
        println!("\n{}\n", self.lines.join("\n"));
        // Once more, as the end of a log is what is read first.
        for failure in &self.failures {
            println!("FAILED {}\n", failure.replace('\n', "\n  "));
        }
        println!("the slowest steps:\n{}", times.slowest(5));
        println!(
            "{} passed, {} failed, {} skipped",
            self.sum.passed, self.sum.failed, self.sum.skipped
        );
        self.sum.failed == 0 && self.sum.passed > 0
    }
}

#[cfg(test)]
mod tests {
    use super::{
        judge,
        judge_some,
        Outcome,
        Report,
        SUITES, //
    };
    use crate::{
        base::{
            names,
            Base,
            Pin, //
        },
        paths,
        scratch::Repository, //
    };
    use std::time::Duration;

    #[test]
    fn suites_are_known_by_name() {
        let names =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };

        assert!(judge(&names("")).is_ok());
        assert!(judge(&names("host debug-kernel")).is_ok());
        let error = judge(&names("host kuint")).unwrap_err().to_string();
        assert!(error.starts_with("SUITES: there is no 'kuint', there are host, lint, "));
    }

    #[test]
    fn bases_name_suites() {
        let top = paths::top().unwrap();

        for name in names(&top).unwrap() {
            let base = Base::find(&top, &name).unwrap();
            judge_some("suites=", &SUITES, &base.suites).unwrap();
        }
    }

    #[test]
    fn suites_of_a_base_that_cannot_be_had_are_skipped() {
        let mut repository = Repository::new("other");
        repository.write("bases/4.2/series", "# none\n");
        repository.0.base.suites = vec!["vma".to_owned(), "kunit".to_owned()];
        let mut report = Report::default();
        report.add("host", passed(), Duration::ZERO);
        report.run_other(&repository.0, "test").unwrap();

        assert_eq!(report.sum.notes, ["Linux 4.2 has no series yet"; 2]);
        assert_eq!((report.sum.passed, report.sum.skipped), (1, 2));
        assert!(report.lines[2].starts_with("4.2 kunit "));
        assert!(report.print(&repository.0.times));

        // There is a series, and no folder for an apt.
        repository.write("bases/4.2/series", "0001-a.patch\n");
        repository.write("build/4.2/apt", "");
        repository.0.base.pin = Some(Pin {
            suite: "x-backports".to_owned(),
            version: "4.2.9-1".to_owned(),
        });
        report.run_other(&repository.0, "test").unwrap();
        assert!(report.sum.notes[2].contains("there is no source of Linux 4.2"));
        assert_eq!((report.sum.failed, report.sum.skipped), (0, 4));
        assert!(report.print(&repository.0.times));
    }

    #[test]
    fn a_failure_of_any_base_is_one_of_all() {
        let mut report = Report::default();
        report.add("host", passed(), Duration::ZERO);
        report.base = Some("4.3".to_owned());
        let mut failed = Outcome::default();
        failed.check(false, || "why".to_owned());
        let title = report.title("vma");
        report.add(&title, failed, Duration::ZERO);

        assert_eq!(report.failures, ["4.3 vma: why"]);
        let repository = Repository::new("report");
        assert!(!report.print(&repository.0.times));
    }

    fn passed() -> Outcome {
        Outcome {
            passed: 1,
            ..Outcome::default()
        }
    }
}
