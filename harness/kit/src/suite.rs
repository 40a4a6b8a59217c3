// SPDX-License-Identifier: GPL-2.0

//! The test suites, and their sum.

use crate::{
    bench,
    compile_fail,
    demo,
    host,
    kunit,
    lint,
    outcome::Outcome,
    programs,
    selftest,
    tree::Tree,
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
const SUITES: [Suite; 18] = [
    ("host", |tree, _| host::tests(tree.paths)),
    ("lint", |tree, _| lint::suite(tree.paths)),
    ("miri", |tree, _| host::miri(tree.paths)),
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

/// Runs test suites and sums up. Returns whether nothing failed.
pub fn run(tree: &Tree, config: &str, names: &[String]) -> Result<bool> {
    run_some(tree, &SUITES, &ON_REQUEST, config, names)
}

/// Runs those of the suites that are named, or all but those that are only run on request.
pub fn run_some(
    tree: &Tree,
    suites: &[Suite],
    on_request: &[&str],
    config: &str,
    names: &[String],
) -> Result<bool> {
    let mut sum = Outcome::default();
    let mut lines = Vec::new();
    let mut failures = Vec::new();
    for (name, _) in suites {
        let named = names.iter().any(|wanted| wanted == name);
        if !named && (!names.is_empty() || on_request.contains(name)) {
            continue;
        }
        println!("{name}");
        let start = Instant::now();
        let outcome = run_one_of(suites, tree, config, name)?;

        for note in &outcome.notes {
            println!("  {}", note.replace('\n', "\n  "));
        }
        if outcome.failed != 0 {
            failures.extend(outcome.notes.iter().map(|note| format!("{name}: {note}")));
        }
        lines.push(format!(
            "{name:16} {:>4} passed {:>3} failed {:>3} skipped  {:>4} s",
            outcome.passed,
            outcome.failed,
            outcome.skipped,
            start.elapsed().as_secs()
        ));
        sum.passed += outcome.passed;
        sum.failed += outcome.failed;
        sum.skipped += outcome.skipped;
    }

    println!("\n{}\n", lines.join("\n"));
    // Once more, as the end of a log is what is read first.
    for failure in failures {
        println!("FAILED {}\n", failure.replace('\n', "\n  "));
    }
    println!("the slowest steps:\n{}", tree.paths.times.slowest(5));
    println!(
        "{} passed, {} failed, {} skipped",
        sum.passed, sum.failed, sum.skipped
    );
    Ok(sum.failed == 0 && sum.passed > 0)
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn suites_are_known_by_name() {
        let names =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };

        assert!(judge(&names("")).is_ok());
        assert!(judge(&names("host debug-kernel")).is_ok());
        let error = judge(&names("host kuint")).unwrap_err().to_string();
        assert!(error.starts_with("SUITES: there is no 'kuint', there are host, lint, "));
    }
}
