// SPDX-License-Identifier: GPL-2.0

//! KUnit: under User Mode Linux, and in the kernel of the other tests.

use crate::{
    guest::{
        self,
        Guest, //
    },
    kernel::{
        self,
        Image, //
    },
    outcome::Outcome,
    step::{
        feed,
        Step, //
    },
    toolchain::Toolchain,
    tree::Tree, //
};
use anyhow::{
    Context,
    Result, //
};
use regex_lite::Regex;
use std::{
    fs,
    process::Command,
    time::Duration, //
};

/// The configuration for User Mode Linux, and its objects.
const UML: &str = "uml";

/// A call of `kunit.py` for User Mode Linux.
fn kunit_py(tree: &Tree, action: &str) -> Result<Command> {
    let toolchain = Toolchain::find(tree.paths)?;
    let mut command = Command::new("tools/testing/kunit/kunit.py");

    command
        .current_dir(tree.check_out()?)
        .arg(action)
        .arg(format!("--build_dir={}", tree.objects(UML).display()));
    for fragment in tree.paths.fragments(UML)? {
        command.arg(format!("--kunitconfig={}", fragment.display()));
    }
    for option in toolchain.make_options() {
        command.arg(format!("--make_options={option}"));
    }
    toolchain.environment(&mut command);
    Ok(command)
}

/// Builds a kernel as a program of this machine.
pub fn build_uml(tree: &Tree) -> Result<Image> {
    Step::new(tree.paths, "build uml").run(&mut kunit_py(tree, "build")?)?;
    Ok(Image::pc(tree.objects(UML).join("linux")))
}

/// Runs KUnit under UML.
pub fn uml(tree: &Tree) -> Result<Outcome> {
    let failed = Step::new(tree.paths, "kunit uml")
        .run(kunit_py(tree, "run")?.arg("--timeout=600"))
        .err();
    let text = fs::read_to_string(tree.paths.logs.join("kunit-uml.log"))?;

    let console = fs::read_to_string(tree.objects(UML).join("test.log")).unwrap_or_default();
    summary(&text, failed, &console, true)
}

/// Builds a kernel and runs KUnit in a guest.
pub fn guest(tree: &Tree, config: &str) -> Result<Outcome> {
    let image = kernel::image(tree, config)?;
    let name = format!("{}-{config}", tree.named("kunit"));

    in_guest(tree, &name, &image, true)
}

/// Runs KUnit in a guest. `own`: the suite of the series has to be there.
pub fn in_guest(tree: &Tree, name: &str, image: &Image, own: bool) -> Result<Outcome> {
    let guest = Guest {
        parameters: "kunit.enable=1 loglevel=8",
        ..Guest::of(image, Duration::from_secs(900))
    };
    let console = guest.boot(tree.paths, name)?;
    let parsed = feed(
        Command::new("tools/testing/kunit/kunit.py")
            .current_dir(tree.check_out()?)
            .arg("parse"),
        console.as_bytes(),
    )?;
    let text = String::from_utf8_lossy(&parsed.stdout).into_owned();
    let failed = (!parsed.status.success()).then(|| {
        anyhow::anyhow!(
            "kunit.py: {}",
            String::from_utf8_lossy(&parsed.stderr).trim()
        )
    });

    fs::write(tree.paths.logs.join(format!("{name}.log")), &text)?;
    summary(&text, failed, "", own)
}

/// The suite that comes with the series. A configuration may lose it, and nothing fails.
const OWN: &str = "mremap_range";

/// Reads the line in which `kunit.py` sums up. `own`: the suite of the series has to be there.
fn summary(text: &str, failed: Option<anyhow::Error>, console: &str, own: bool) -> Result<Outcome> {
    let total = text
        .lines()
        .find(|line| line.contains("Testing complete."))
        .map(str::to_owned);
    let Some(total) = total else {
        return Err(failed.unwrap_or_else(|| anyhow::anyhow!("kunit.py printed no summary")));
    };
    let count = |name: &str| -> Result<usize> {
        let pattern = Regex::new(&format!("{name}: ([0-9]+)"))?;
        pattern.captures(&total).map_or(Ok(0), |found| {
            found[1].parse().context("a number in kunit.py's summary")
        })
    };
    let mut outcome = Outcome {
        passed: count("passed")?,
        failed: count("failed")? + count("crashed")? + count("errors")?,
        skipped: count("skipped")?,
        notes: text
            .lines()
            .filter(|line| line.contains("[FAILED]") || line.contains("[ERROR]"))
            .map(str::to_owned)
            .collect(),
    };

    for line in guest::trouble(console) {
        outcome.failed += 1;
        outcome.notes.push(line.to_owned());
    }
    if own && !text.contains(&format!("= {OWN} ")) {
        outcome.failed += 1;
        outcome.notes.push(format!("the suite {OWN} did not run"));
    }
    if outcome.failed == 0 {
        if let Some(error) = failed {
            return Err(error);
        }
    }
    Ok(outcome)
}
