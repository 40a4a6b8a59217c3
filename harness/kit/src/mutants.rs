// SPDX-License-Identifier: GPL-2.0

//! Deliberate bugs, each of which some test has to find.
//!
//! Those in files that all bases share are in one folder, those in the C of a base in one of the base.

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
    path::{
        Path,
        PathBuf, //
    }, //
};

/// The suites that are tried after the one that a mutant names, cheap ones first.
const SUITES: [&str; 9] = [
    "vma",
    "kunit",
    "selftests",
    "limits",
    "fuzz",
    "sweep",
    "stress",
    "uprobes",
    "maple",
];

/// Those that are the same on every base.
const SHARED: &str = "harness/mutants";

/// The configuration that they run in.
pub const CONFIG: &str = "test";

/// What the line begins with that names the suite that is tried first.
const FOUND_BY: &str = "Found by: ";

/// A patch on top of the series. It begins with a line on what is wrong, and one on what finds it.
#[derive(Clone, Debug)]
pub struct Mutant {
    patch: PathBuf,
    pub name: String,
    pub text: String,
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
            text,
        })
    }

    /// Builds it and runs suites until one finds it, which is how it passes. The note says which.
    pub fn attempt(&self, paths: &Paths) -> Result<Outcome> {
        let tree = Tree::new(paths, At::Mutant(self.patch.clone()));
        kernel::image(&tree, CONFIG).context("a mutant has to build")?;
        let caught = self.caught_by(&tree)?;
        let note = match &caught {
            Some((suite, why)) => format!("{:32} caught by {suite}: {why}", self.name),
            None => format!("{:32} NOT CAUGHT", self.name),
        };

        Ok(Outcome {
            passed: caught.is_some().into(),
            failed: caught.is_none().into(),
            notes: vec![note],
            ..Outcome::default()
        })
    }

    /// The first suite that it fails, and why.
    fn caught_by(&self, tree: &Tree) -> Result<Option<(&'static str, String)>> {
        // Those of the maple tree take minutes, and see only a bug in it.
        let others = SUITES
            .into_iter()
            .filter(|name| ![self.found_by, "maple"].contains(name));

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

/// The patches of a folder, or none if it is not there.
fn patches(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut patches: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .with_context(|| format!("cannot read {}", folder.display()))?;

    patches.retain(|path| path.extension().is_some_and(|ext| ext == "patch"));
    Ok(patches)
}

/// All mutants of a base, in the order of their names: those of every base, and its own.
pub fn all(paths: &Paths) -> Result<Vec<Mutant>> {
    let shared = patches(&paths.top.join(SHARED))?;
    let own = patches(&paths.base.folder.join("mutants"))?;
    let mut found: Vec<Mutant> = shared
        .into_iter()
        .chain(own)
        .map(Mutant::read)
        .collect::<Result<_>>()?;

    found.sort_by(|a, b| a.name.cmp(&b.name));
    for pair in found.windows(2) {
        ensure!(
            pair[0].name != pair[1].name,
            "two mutants have one name, {} and {}: drop or rename one",
            pair[0].patch.display(),
            pair[1].patch.display()
        );
    }
    Ok(found)
}

/// The mutants whose names contain one of `parts`, or all of them.
fn find(paths: &Paths, parts: &[String]) -> Result<Vec<Mutant>> {
    let mut found = all(paths)?;

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

    let mut sum = Outcome::default();

    for mutant in mutants {
        println!("{}: {}", mutant.name, mutant.what);
        let outcome = mutant.attempt(paths)?;
        println!("  {}\n", outcome.notes.join("\n"));
        sum.add(outcome);
    }
    println!("{}\n", sum.notes.join("\n"));
    println!(
        "{} of {} mutants caught",
        sum.passed,
        sum.passed + sum.failed
    );
    Ok(sum.failed == 0 && sum.passed > 0)
}

#[cfg(test)]
mod tests {
    use super::{
        all,
        find,
        judge,
        patches,
        SHARED, //
    };
    use crate::{
        base::{
            names,
            Base, //
        },
        git::git,
        paths::{
            self,
            Paths, //
        },
        scratch::Repository,
        step::output, //
    };

    const MUTANT: &str = "What is wrong.\nFound by: kunit\n\ndiff --git a/a b/a\n";

    fn named(paths: &Paths, parts: &[&str]) -> Vec<String> {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        let found = find(paths, &parts).unwrap();

        found.into_iter().map(|mutant| mutant.name).collect()
    }

    #[test]
    fn those_of_all_bases_and_of_one_are_sorted_by_name() {
        let repository = Repository::new("mutants");
        repository.write("harness/mutants/01-a.patch", MUTANT);
        repository.write("harness/mutants/03-c.patch", MUTANT);
        repository.write("bases/4.2/mutants/02-b.patch", MUTANT);
        repository.write("bases/4.2/mutants/notes", "");
        repository.write("bases/4.3/mutants/04-d.patch", MUTANT);

        assert_eq!(named(&repository.0, &[]), ["01-a", "02-b", "03-c"]);
        assert_eq!(named(&repository.0, &["c", "01"]), ["01-a", "03-c"]);
        let error = judge(&repository.0, &["04".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "MUTANTS: none has '04' in its name, there are 01-a, 02-b, 03-c"
        );
    }

    #[test]
    fn a_base_may_have_none_of_its_own() {
        let repository = Repository::new("no-mutants");
        assert!(named(&repository.0, &[]).is_empty());
        repository.write("harness/mutants/01-a.patch", MUTANT);
        assert_eq!(named(&repository.0, &[]), ["01-a"]);
    }

    #[test]
    fn a_name_is_used_once() {
        let repository = Repository::new("twice");
        repository.write("harness/mutants/01-a.patch", MUTANT);
        repository.write("bases/4.2/mutants/01-a.patch", MUTANT);

        let error = judge(&repository.0, &[]).unwrap_err().to_string();
        assert!(error.starts_with("two mutants have one name"), "{error}");
        for folder in ["harness/mutants", "bases/4.2/mutants"] {
            assert!(error.contains(&format!("{folder}/01-a.patch")), "{error}");
        }
    }

    #[test]
    fn each_names_the_suite_that_finds_it() {
        let repository = Repository::new("suites");
        repository.write("harness/mutants/01-a.patch", "Wrong.\nFound by: luck\n");

        let error = judge(&repository.0, &[]).unwrap_err().to_string();
        assert!(error.contains("has no line 'Found by: '"), "{error}");
    }

    #[test]
    fn those_of_the_repository_are_understood() {
        let top = paths::top().unwrap();

        for name in names(&top).unwrap() {
            let base = Base::find(&top, &name).unwrap();
            let found = all(&Paths::of(top.clone(), base)).unwrap();
            assert!(!found.is_empty());
        }
    }

    #[test]
    fn those_of_all_bases_apply_to_the_files_of_the_repository() {
        let top = paths::top().unwrap();

        for patch in patches(&top.join(SHARED)).unwrap() {
            output(git(&top).args(["apply", "--check"]).arg(patch)).unwrap();
        }
    }
}
