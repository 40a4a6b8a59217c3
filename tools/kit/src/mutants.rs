//! Deliberate bugs, each of which some test has to find.

use crate::{outcome::Outcome, paths::Paths, suite};
use anyhow::{ensure, Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The suites that are tried, cheap ones first.
const SUITES: [&str; 6] = ["kunit", "selftests", "limits", "fuzz", "sweep", "stress"];

/// The configuration that they run in.
const CONFIG: &str = "test";

/// The mutants: patches on top of the series, that begin with a line on what is wrong.
fn find(paths: &Paths, names: &[String]) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(paths.top.join("tools/mutants"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;

    found.sort();
    found.retain(|path| path.extension().is_some_and(|ext| ext == "patch"));
    for name in names {
        ensure!(
            found.iter().any(|path| stem(path).contains(name.as_str())),
            "there is no mutant '{name}' in tools/mutants"
        );
    }
    found.retain(|path| {
        names.is_empty() || names.iter().any(|name| stem(path).contains(name.as_str()))
    });
    Ok(found)
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The first suite that a mutant fails, and why.
fn caught_by(paths: &Paths) -> Result<Option<(&'static str, String)>> {
    for name in SUITES {
        let outcome = suite::run_one(paths, CONFIG, name)?;
        if outcome.failed != 0 {
            let why = outcome.notes.first().cloned().unwrap_or_default();
            let line = why.lines().next().unwrap_or_default().to_owned();
            return Ok(Some((name, line)));
        }
    }
    Ok(None)
}

/// Builds each mutant and runs suites until one finds it. Returns whether all were found.
pub fn run(paths: Paths, names: &[String]) -> Result<bool> {
    let mutants = find(&paths, names)?;
    let mut paths = paths;
    let mut lines = Vec::new();
    let mut sum = Outcome::default();

    for patch in mutants {
        let name = stem(&patch);
        let text = fs::read_to_string(&patch)
            .with_context(|| format!("cannot read {}", patch.display()))?;
        println!("{name}: {}", text.lines().next().unwrap_or_default());

        paths.mutant = Some(patch);
        crate::kernel::series(&paths, CONFIG).context("a mutant has to build")?;
        let caught = caught_by(&paths)?;
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
