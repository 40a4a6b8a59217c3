// SPDX-License-Identifier: GPL-2.0

//! Deliberate bugs, each of which some test has to find.

use crate::{
    kernel,
    outcome::Outcome,
    paths::Paths,
    suite,
    tree::{
        At,
        Tree, //
    }, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::{
    fs,
    path::PathBuf, //
};

/// The suites that are tried after the one that a mutant names, cheap ones first.
const SUITES: [&str; 7] = [
    "kunit",
    "selftests",
    "limits",
    "fuzz",
    "sweep",
    "stress",
    "uprobes",
];

/// The configuration that they run in.
const CONFIG: &str = "test";

/// What the line begins with that names the suite that is tried first.
const FOUND_BY: &str = "Found by: ";

/// A patch on top of the series. It begins with a line on what is wrong, and one on what finds it.
struct Mutant {
    patch: PathBuf,
    name: String,
    what: String,
    found_by: &'static str,
}

impl Mutant {
    fn read(patch: PathBuf) -> Result<Self> {
        let text = fs::read_to_string(&patch)
            .with_context(|| format!("cannot read {}", patch.display()))?;
        let name = patch.file_stem().unwrap_or_default().to_string_lossy();
        let found_by = text.lines().find_map(|line| line.strip_prefix(FOUND_BY));

        Ok(Mutant {
            name: name.into_owned(),
            what: text.lines().next().unwrap_or_default().to_owned(),
            found_by: SUITES
                .into_iter()
                .find(|suite| Some(*suite) == found_by)
                .with_context(|| {
                    format!(
                        "{} has no line '{FOUND_BY}' with one of {}",
                        patch.display(),
                        SUITES.join(", ")
                    )
                })?,
            patch,
        })
    }

    /// The first suite that it fails, and why.
    fn caught_by(&self, tree: &Tree) -> Result<Option<(&'static str, String)>> {
        let others = SUITES.into_iter().filter(|name| *name != self.found_by);

        for name in std::iter::once(self.found_by).chain(others) {
            let outcome = suite::run_one(tree, CONFIG, name)?;
            if outcome.failed != 0 {
                let why = outcome.notes.first().cloned().unwrap_or_default();
                let line = why.lines().next().unwrap_or_default().to_owned();
                return Ok(Some((name, line)));
            }
        }
        Ok(None)
    }
}

/// The mutants whose names contain one of `parts`, or all of them.
fn find(paths: &Paths, parts: &[String]) -> Result<Vec<Mutant>> {
    let mut patches: Vec<PathBuf> = fs::read_dir(paths.base.folder.join("mutants"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;

    patches.sort();
    patches.retain(|path| path.extension().is_some_and(|ext| ext == "patch"));
    let mut found: Vec<Mutant> = patches
        .into_iter()
        .map(Mutant::read)
        .collect::<Result<_>>()?;
    for part in parts {
        ensure!(
            found.iter().any(|mutant| mutant.name.contains(part)),
            "MUTANTS: none has '{part}' in its name, there are {}",
            found
                .iter()
                .map(|mutant| mutant.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    found.retain(|mutant| parts.is_empty() || parts.iter().any(|part| mutant.name.contains(part)));
    Ok(found)
}

/// Refuses what is not part of the name of any.
pub fn judge(paths: &Paths, parts: &[String]) -> Result<()> {
    find(paths, parts).map(drop)
}

/// Runs the suites that find the mutants on the kernel without any. They have to pass, or it would
/// mean nothing that they fail.
fn expect_to_pass(series: &Tree, mutants: &[Mutant]) -> Result<()> {
    for name in SUITES {
        if !mutants.iter().any(|mutant| mutant.found_by == name) {
            continue;
        }
        println!("{name}, without a mutant");
        let outcome = suite::run_one(series, CONFIG, name)?;
        ensure!(
            outcome.failed == 0 && outcome.passed > 0,
            "{name} fails without a mutant: {}",
            outcome.notes.join("; ")
        );
    }
    Ok(())
}

/// Builds each mutant and runs suites until one finds it. Returns whether all were found.
pub fn run(paths: &Paths, names: &[String]) -> Result<bool> {
    let mutants = find(paths, names)?;
    expect_to_pass(&Tree::new(paths, At::Series), &mutants)?;

    let mut lines = Vec::new();
    let mut sum = Outcome::default();

    for mutant in mutants {
        let name = &mutant.name;
        println!("{name}: {}", mutant.what);

        let tree = Tree::new(paths, At::Mutant(mutant.patch.clone()));
        kernel::image(&tree, CONFIG).context("a mutant has to build")?;
        let caught = mutant.caught_by(&tree)?;
        let line = match &caught {
            Some((suite, why)) => format!("{name:32} caught by {suite}: {why}"),
            None => format!("{name:32} NOT CAUGHT"),
        };
        println!("  {line}\n");
        sum.check(caught.is_some(), || line.clone());
        lines.push(line);
    }
    println!("{}\n", lines.join("\n"));
    println!(
        "{} of {} mutants caught",
        sum.passed,
        sum.passed + sum.failed
    );
    Ok(sum.failed == 0 && sum.passed > 0)
}
