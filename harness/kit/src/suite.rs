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
    programs,
    same,
    selftest,
    source,
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
use std::time::Instant;

/// A suite: its name, and how it is run for a tree and a configuration of its kernel. Checks of the
/// series are told another thing than a configuration.
pub type Suite = (&'static str, fn(&Tree, &str) -> Result<Outcome>);

/// All suites.
const SUITES: [Suite; 20] = [
    ("host", |tree, _| host::tests(tree.paths)),
    ("lint", |tree, _| lint::suite(tree.paths)),
    ("same", |tree, _| same::suite(tree.paths)),
    ("miri", |tree, _| host::miri(tree.paths)),
    ("vma", vma::suite),
    ("kunit-uml", |tree, _| kunit::uml(tree)),
    ("base-selftests", selftest::compare_with_base),
    ("off-selftests", selftest::compare_with_off),
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

/// Suites that run only when they are named, here or by a base: one takes long, and one sees less
/// than `base-selftests` does.
const ON_REQUEST: [&str; 2] = ["debug-kernel", "off-selftests"];

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

/// What some suites came to, of one base.
#[derive(Default)]
pub struct Report {
    lines: Vec<String>,
    failures: Vec<String>,
    sum: Outcome,
}

impl Report {
    /// Adds a suite, with what it is called and how long it took.
    fn add(&mut self, name: &str, outcome: Outcome, seconds: u64) {
        for note in &outcome.notes {
            println!("  {}", note.replace('\n', "\n  "));
        }
        if outcome.failed != 0 {
            let notes = outcome.notes.iter();
            self.failures
                .extend(notes.map(|note| format!("{name}: {note}")));
        }
        self.lines.push(format!(
            "{name:20} {:>4} passed {:>3} failed {:>3} skipped  {seconds:>4} s",
            outcome.passed, outcome.failed, outcome.skipped,
        ));
        self.sum.add(outcome);
    }

    /// Adds what suites of another base came to.
    pub fn join(&mut self, other: Report) {
        self.lines.extend(other.lines);
        self.failures.extend(other.failures);
        self.sum.add(other.sum);
    }

    /// Prints the sum. Returns whether nothing failed.
    pub fn print(&self, slowest: &str) -> bool {
        println!("\n{}\n", self.lines.join("\n"));
        // Once more, as the end of a log is what is read first.
        for failure in &self.failures {
            println!("FAILED {}\n", failure.replace('\n', "\n  "));
        }
        println!("the slowest steps:\n{slowest}");
        println!(
            "{} passed, {} failed, {} skipped",
            self.sum.passed, self.sum.failed, self.sum.skipped
        );
        self.sum.failed == 0 && self.sum.passed > 0
    }
}

/// Runs test suites: those that are named, or all.
pub fn run(tree: &Tree, config: &str, names: &[String]) -> Result<Report> {
    run_some(tree, &SUITES, &ON_REQUEST, config, names, "")
}

/// Runs those suites of each further base that its file names. They are skipped if the source of
/// that base cannot be had here, which is no fault of the series.
pub fn run_others(tree: &Tree, config: &str) -> Result<Report> {
    let paths = tree.paths;
    let own = paths.base.name();
    let mut report = Report::default();

    for name in base::names(&paths.top)? {
        let others = paths.beside(&name)?;
        if name == own || others.base.suites.is_empty() {
            continue;
        }
        let suites = others.base.suites.clone();

        println!("Linux {name}");
        if let Err(why) = source::fetch(&others) {
            for suite in &suites {
                let outcome = Outcome::skipped(&format!("{why:#}"));
                report.add(&format!("{name} {suite}"), outcome, 0);
            }
            continue;
        }
        let series = Tree::new(&others, At::Series);
        report.join(run_some(
            &series,
            &SUITES,
            &ON_REQUEST,
            config,
            &suites,
            &format!("{name} "),
        )?);
    }
    Ok(report)
}

/// Runs those of the suites that are named, or all but those that are only run on request.
/// `of` stands before the name of each in the report.
pub fn run_some(
    tree: &Tree,
    suites: &[Suite],
    on_request: &[&str],
    config: &str,
    names: &[String],
    of: &str,
) -> Result<Report> {
    let mut report = Report::default();

    for (name, _) in suites {
        let named = names.iter().any(|wanted| wanted == name);
        if !named && (!names.is_empty() || on_request.contains(name)) {
            continue;
        }
        println!("{of}{name}");
        let start = Instant::now();
        let outcome = run_one_of(suites, tree, config, name)?;

        report.add(&format!("{of}{name}"), outcome, start.elapsed().as_secs());
    }
    Ok(report)
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
            Base, //
        },
        paths, //
    };

    #[test]
    fn suites_are_known_by_name() {
        let names =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };

        assert!(judge(&names("")).is_ok());
        assert!(judge(&names("host debug-kernel")).is_ok());
        let error = judge(&names("host kuint")).unwrap_err().to_string();
        assert!(error.starts_with("SUITES: there is no 'kuint', there are host, lint, "));
    }

    // Otherwise none would run, and nobody would notice.
    #[test]
    fn bases_name_suites_that_exist() {
        let top = paths::top().unwrap();

        for name in names(&top).unwrap() {
            let base = Base::find(&top, &name).unwrap();
            judge_some("suites=", &SUITES, &base.suites).unwrap();
        }
    }

    #[test]
    fn reports_add_up() {
        let outcome = |passed, failed| Outcome {
            passed,
            failed,
            ..Outcome::default()
        };
        let (mut one, mut other) = (Report::default(), Report::default());

        one.add("host", outcome(2, 0), 1);
        assert!(one.print(""));
        other.add("9.9 kunit", outcome(3, 1), 1);
        one.join(other);
        assert!(!one.print(""));
        assert_eq!((one.sum.passed, one.sum.failed), (5, 1));
        assert_eq!(one.lines.len(), 2);
        assert!(!Report::default().print(""));
    }
}
