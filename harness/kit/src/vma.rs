// SPDX-License-Identifier: GPL-2.0

//! The base's tests of `mm/vma.c` in user space, which build the file as it is in the kernel.

use crate::{
    outcome::Outcome,
    step::Step,
    tree::Tree, //
};
use anyhow::{
    Context,
    Result, //
};
use regex_lite::Regex;
use std::{
    fs,
    process::Command, //
};

/// Builds and runs them. They are built beside their source, as the base's
/// makefile knows no other place.
pub fn suite(tree: &Tree, _config: &str) -> Result<Outcome> {
    let paths = tree.paths;
    let folder = tree.check_out()?.join("tools/testing/vma");
    let mut make = Command::new("make");
    // What was built of another commit may have the time of this one's files.
    make.current_dir(&folder).args(["-s", "clean", "vma"]);
    Step::new(paths, "build vma").run(&mut make)?;
    Step::new(paths, "vma").run(Command::new("./vma").current_dir(&folder))?;
    let log = paths.logs.join("vma.log");
    summary(&fs::read_to_string(&log)?).with_context(|| format!("see {}", log.display()))
}

/// Reads the line in which they sum up.
fn summary(printed: &str) -> Result<Outcome> {
    let pattern = Regex::new(r"[0-9]+ tests run, ([0-9]+) passed, ([0-9]+) failed")?;
    let found = pattern
        .captures(printed)
        .context("tools/testing/vma did not sum up")?;

    Ok(Outcome {
        passed: found[1].parse()?,
        failed: found[2].parse()?,
        ..Outcome::default()
    })
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn what_passed_and_failed_is_read() {
        let outcome = summary("Test x FAILED\n17 tests run, 16 passed, 1 failed.\n").unwrap();

        assert_eq!((outcome.passed, outcome.failed), (16, 1));
        assert!(summary("Segmentation fault\n").is_err());
    }
}
