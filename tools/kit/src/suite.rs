//! The test suites, and their sum.

use crate::{demo, host, kunit, outcome::Outcome, paths::Paths, selftest};
use anyhow::{ensure, Result};
use std::time::Instant;

/// A suite: its name, and how it is run for a configuration of the kernel.
type Suite = (&'static str, fn(&Paths, &str) -> Result<Outcome>);

/// All suites. The base kernel is built before the patched one, which is what stays built.
const SUITES: [Suite; 8] = [
    ("host", |paths, _| host::tests(paths)),
    ("miri", |paths, _| host::miri(paths)),
    ("kunit-uml", |paths, _| kunit::uml(paths)),
    ("base-selftests", selftest::compare_with_base),
    ("kunit", kunit::guest),
    ("compile-fail", kunit::compile_fail),
    ("selftests", selftest::series),
    ("demo", demo::check),
];

/// Runs suites and sums up. Returns whether nothing failed.
pub fn run(paths: &Paths, config: &str, names: &[String]) -> Result<bool> {
    for name in names {
        ensure!(
            SUITES.iter().any(|(known, _)| known == name),
            "there is no suite '{name}': there are {}",
            SUITES.map(|(name, _)| name).join(", ")
        );
    }
    paths.fragment(config)?;

    let mut sum = Outcome::default();
    let mut lines = Vec::new();
    let mut failures = Vec::new();
    for (name, suite) in SUITES {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("{name}");
        let start = Instant::now();
        let outcome = suite(paths, config).unwrap_or_else(|error| Outcome {
            failed: 1,
            notes: vec![format!("{error:#}")],
            ..Outcome::default()
        });

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
    println!(
        "{} passed, {} failed, {} skipped",
        sum.passed, sum.failed, sum.skipped
    );
    Ok(sum.failed == 0 && sum.passed > 0)
}
