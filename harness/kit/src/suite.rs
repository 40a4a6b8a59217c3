// SPDX-License-Identifier: GPL-2.0

//! The test suites, and their sum.

use crate::{
    base,
    bench,
    budget::Budget,
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
    thirdparty,
    tree::{
        At,
        Tree, //
    },
    user_space, //
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
const SUITES: [Suite; 23] = [
    ("host", |tree, _| host::tests(tree.paths)),
    ("lint", |tree, _| lint::suite(tree.paths)),
    ("same", |tree, _| same::suite(tree.paths)),
    ("miri", |tree, _| host::miri(tree.paths)),
    ("vma", user_space::vma),
    ("maple", user_space::maple),
    ("kunit-uml", |tree, _| kunit::uml(tree)),
    ("base-selftests", selftest::compare_with_base),
    ("off-selftests", selftest::compare_with_off),
    ("oracle", programs::oracle_suite),
    ("kunit", kunit::guest),
    ("compile-fail", compile_fail::suite),
    ("selftests", selftest::suite),
    ("selftests-32", selftest::suite_of_32_bits),
    ("limits", programs::limits_suite),
    ("fuzz", programs::fuzz_suite),
    ("sweep", programs::sweep_suite),
    ("stress", programs::stress_suite),
    ("uprobes", programs::uprobes_suite),
    ("bench", bench::suite),
    ("demo", demo::check),
    ("thirdparty", thirdparty::suite),
    ("debug-kernel", debug_kernel),
];

/// Suites that run only when they are named, here or by a base: three take long, one sees less than
/// `base-selftests` does, and one is for a kernel that runs programs of 32 bits.
const ON_REQUEST: [&str; 5] = [
    "debug-kernel",
    "maple",
    "off-selftests",
    "selftests-32",
    "thirdparty",
];

/// Suites that build kernels beside the one that the others run in, and how many.
const FURTHER_KERNELS: [(&str, u32); 5] = [
    ("kunit-uml", 1),
    ("base-selftests", 1),
    ("oracle", 1),
    ("bench", 2),
    ("debug-kernel", 1),
];

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
    judge(&[name.to_owned()])?;

    let suites = chosen(&SUITES, &[], &[name.to_owned()]);
    Ok(outcome_of(suites[0], tree, config))
}

fn outcome_of((_, suite): Suite, tree: &Tree, config: &str) -> Outcome {
    Outcome::of(suite(tree, config))
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

    /// Runs a suite. `of` stands before its name.
    pub fn run(&mut self, suite: Suite, tree: &Tree, config: &str, of: &str) {
        let name = format!("{of}{}", suite.0);
        let start = Instant::now();

        println!("{name}");
        let outcome = outcome_of(suite, tree, config);
        self.add(&name, outcome, start.elapsed().as_secs());
    }

    /// Adds a suite that does not run, for a reason.
    fn skip(&mut self, suite: Suite, of: &str, why: &str) {
        let name = format!("{of}{}", suite.0);

        println!("{name}");
        self.add(&name, Outcome::skipped(why), 0);
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

/// How many kernels a suite builds beside the one that most suites run in.
fn further_kernels(suite: &Suite) -> u32 {
    let (name, _) = suite;

    FURTHER_KERNELS
        .iter()
        .find_map(|(suite, kernels)| (suite == name).then_some(*kernels))
        .unwrap_or(0)
}

/// Those of the suites that are named, or all but those that only run on request.
pub fn chosen(suites: &[Suite], on_request: &[&str], names: &[String]) -> Vec<Suite> {
    let chosen = |(name, _): &&Suite| {
        names.iter().any(|wanted| wanted == name)
            || (names.is_empty() && !on_request.contains(name))
    };

    suites.iter().filter(chosen).copied().collect()
}

/// Each further base whose file names suites, with what it is read from.
fn others(paths: &Paths) -> Result<Vec<Paths>> {
    let mut others = Vec::new();

    for name in base::names(&paths.top)? {
        let other = paths.beside(&name)?;
        if name != paths.base.name() && !other.base.suites.is_empty() {
            others.push(other);
        }
    }
    Ok(others)
}

/// Runs test suites: those that are named, or all, and if `with_others` those that each further
/// base names. These are skipped if the source of that base cannot be had here, which is no fault
/// of the series. On all bases, the suites that need no further kernel come first, as they find
/// most; the rest runs as long as there is time.
pub fn run(
    tree: &Tree,
    config: &str,
    names: &[String],
    with_others: bool,
    budget: &Budget,
) -> Result<Report> {
    let mut report = Report::default();
    let others = match with_others {
        true => others(tree.paths)?,
        false => Vec::new(),
    };
    let others: Vec<Tree> = others
        .iter()
        .map(|paths| Tree::new(paths, At::Series))
        .collect();
    let mut jobs: Vec<(&Tree, String, Suite)> = chosen(&SUITES, &ON_REQUEST, names)
        .into_iter()
        .map(|suite| (tree, String::new(), suite))
        .collect();

    for other in &others {
        let base = &other.paths.base;
        let of = format!("{} ", base.name());
        let missing = source::fetch(other.paths).err();

        for suite in chosen(&SUITES, &[], &base.suites) {
            match &missing {
                Some(why) => report.skip(suite, &of, &format!("{why:#}")),
                None => jobs.push((other, of.clone(), suite)),
            }
        }
    }

    // Those of one kind stay in their order.
    jobs.sort_by_key(|(_, _, suite)| further_kernels(suite) != 0);
    for (tree, of, suite) in jobs {
        let late = match further_kernels(&suite) {
            0 => None,
            kernels => budget.refuses(kernels),
        };
        match late {
            Some(why) => report.skip(suite, &of, &why),
            None => report.run(suite, tree, config, &of),
        }
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::{
        chosen,
        judge,
        judge_some,
        Outcome,
        Report,
        FURTHER_KERNELS,
        ON_REQUEST,
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

    // Otherwise they would run among the first, in whatever order they stand.
    #[test]
    fn suites_with_further_kernels_exist() {
        for (name, kernels) in FURTHER_KERNELS {
            judge(&[name.to_owned()]).unwrap();
            assert!(kernels > 0);
        }
    }

    #[test]
    fn suites_are_chosen_by_name() {
        let chosen = |named: &[&str]| -> Vec<&str> {
            let names: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
            let suites = chosen(&SUITES, &ON_REQUEST, &names);
            suites.iter().map(|(name, _)| *name).collect()
        };

        assert_eq!(chosen(&["kunit", "host"]), ["host", "kunit"]);
        assert_eq!(chosen(&["debug-kernel"]), ["debug-kernel"]);
        let all = chosen(&[]);
        assert_eq!(all.len(), SUITES.len() - ON_REQUEST.len());
        assert!(!all.contains(&"debug-kernel"));
    }

    #[test]
    fn reports_add_up() {
        let outcome = |passed, failed| Outcome {
            passed,
            failed,
            ..Outcome::default()
        };
        let mut report = Report::default();

        report.add("host", outcome(2, 0), 1);
        assert!(report.print(""));
        report.add("kunit", outcome(3, 1), 1);
        assert!(!report.print(""));
        report.skip(SUITES[0], "9.9 ", "no source");
        assert_eq!((report.sum.passed, report.sum.failed), (5, 1));
        assert_eq!(report.sum.skipped, 1);
        assert!(report.lines[2].starts_with("9.9 host "));
        assert!(!Report::default().print(""));
    }
}
