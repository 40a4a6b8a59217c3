// SPDX-License-Identifier: GPL-2.0

//! The base's tests that build files of the kernel, as they are, in user space.

use crate::{
    outcome::Outcome,
    step::Step,
    tree::Tree, //
};
use anyhow::{
    Context,
    Result, //
};
use regex_lite::{
    Captures,
    Regex, //
};
use std::{
    fs,
    process::Command, //
};

/// After so many seconds tests have hung.
const LIMIT: &str = "1800";

/// Tests of `mm/vma.c`.
pub fn vma(tree: &Tree, _config: &str) -> Result<Outcome> {
    run(tree, "tools/testing/vma", "vma", vma_summary)
}

/// Tests of `lib/maple_tree.c`.
pub fn maple(tree: &Tree, _config: &str) -> Result<Outcome> {
    run(tree, "tools/testing/radix-tree", "maple", maple_summary)
}

/// Builds and runs tests. They are built beside their source, as the base's makefile knows no other
/// place. `summary` reads what they printed.
fn run(
    tree: &Tree,
    folder: &str,
    program: &str,
    summary: fn(&str) -> Result<Outcome>,
) -> Result<Outcome> {
    let paths = tree.paths;
    let folder = tree.check_out()?.join(folder);
    let mut make = Command::new("make");
    // What was built of another commit may have the time of this one's files.
    make.current_dir(&folder).args(["-s", "clean", program]);
    Step::new(paths, &format!("build {program}")).run(&mut make)?;

    let mut tests = Command::new("timeout");
    tests
        .current_dir(&folder)
        .args([LIMIT, &format!("./{program}")]);
    Step::new(paths, program).run(&mut tests)?;

    let log = paths.logs.join(format!("{program}.log"));
    summary(&fs::read_to_string(&log)?).with_context(|| format!("see {}", log.display()))
}

/// Finds the line in which tests sum up.
fn sum<'a>(printed: &'a str, pattern: &str) -> Result<Captures<'a>> {
    Regex::new(pattern)?
        .captures(printed)
        .context("the tests did not sum up")
}

fn vma_summary(printed: &str) -> Result<Outcome> {
    let found = sum(
        printed,
        "[0-9]+ tests run, ([0-9]+) passed, ([0-9]+) failed",
    )?;

    Ok(Outcome {
        passed: found[1].parse()?,
        failed: found[2].parse()?,
        ..Outcome::default()
    })
}

/// They count every check, hundreds of millions: here it is one test.
fn maple_summary(printed: &str) -> Result<Outcome> {
    let found = sum(printed, "maple_tree: ([0-9]+) of ([0-9]+) tests passed")?;
    let (passed, all): (u64, u64) = (found[1].parse()?, found[2].parse()?);
    let mut outcome = Outcome::default();

    outcome.check(passed == all && all > 0, || {
        format!("{} of {all} checks failed", all - passed)
    });
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::{
        maple_summary,
        vma_summary, //
    };

    #[test]
    fn what_passed_and_failed_is_read() {
        let outcome = vma_summary("Test x FAILED\n17 tests run, 16 passed, 1 failed.\n").unwrap();

        assert_eq!((outcome.passed, outcome.failed), (16, 1));
        assert!(vma_summary("Segmentation fault\n").is_err());
    }

    #[test]
    fn one_check_of_the_maple_tree_that_fails_is_a_failure() {
        let outcome = |printed| {
            let outcome = maple_summary(printed).unwrap();
            (outcome.passed, outcome.failed)
        };

        assert_eq!(outcome("maple_tree: 20 of 20 tests passed\n"), (1, 0));
        assert_eq!(outcome("maple_tree: 19 of 20 tests passed\n"), (0, 1));
        assert_eq!(outcome("maple_tree: 0 of 0 tests passed\n"), (0, 1));
        assert!(maple_summary("Segmentation fault\n").is_err());
    }
}
