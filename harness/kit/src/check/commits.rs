// SPDX-License-Identifier: GPL-2.0

//! Every commit: it builds in every configuration that matters, without a new warning, and what was
//! tested before passes as before.

use super::{
    asked,
    builds::Build,
    warnings::Warnings, //
};
use crate::{
    git::git,
    guest::Content,
    kconfig::Options,
    kunit,
    outcome::Outcome,
    paths::{
        write_whole,
        Paths, //
    },
    selftest::{
        self,
        Printed, //
    },
    stack::Part,
    step::output,
    tree::{
        self,
        At,
        Tree, //
    }, //
};
use anyhow::Result;
use std::{
    fs,
    path::PathBuf, //
};

/// The configuration whose kernels are tested, with the option on.
const TESTED: &str = "test";

/// The configurations that each commit is built in: the option on, off, and a kernel without Rust.
const CONFIGS: [&str; 3] = [TESTED, "off", "without-rust"];

/// Warnings of sparse that are no fault of a commit.
const EXCEPTIONS: [&str; 2] = [
    // As of every helper of the kernel's: only Rust calls them, which needs no declaration.
    "symbol 'rust_helper_",
    // As of every function that calls pte_offset_map_lock(), which may return without the lock.
    "context imbalance in 'has_entries'",
];

/// What is known of the kernels that passed, in a file for each configuration and subject of a
/// commit, as it takes long to find out: what it is made of, and the warnings of its build.
struct Known {
    folder: PathBuf,
    /// What it was built with.
    built_with: String,
}

impl Known {
    fn file(&self, subject: &str) -> PathBuf {
        self.folder.join(subject.replace('/', "-"))
    }

    fn made_of(&self, files: &str) -> String {
        format!("{}{files}\n", self.built_with)
    }

    fn warnings(&self, files: &str, subject: &str) -> Option<Warnings> {
        let text = fs::read_to_string(self.file(subject)).unwrap_or_default();

        text.strip_prefix(&self.made_of(files)).map(Warnings::read)
    }

    fn keep(&self, files: &str, subject: &str, warnings: &Warnings) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        write_whole(
            &self.file(subject),
            format!("{}{warnings}", self.made_of(files)),
        )
    }
}

/// The tests that kernels are given: programs of the base and of the series, and what those of the
/// base printed in its own kernel.
struct Tests<'a> {
    paths: &'a Paths,
    programs: Vec<Content>,
    base: Option<Printed>,
}

impl<'a> Tests<'a> {
    fn new(paths: &'a Paths) -> Result<Self> {
        Ok(Tests {
            paths,
            programs: selftest::programs(&commit(paths, "series"), TESTED)?,
            base: None,
        })
    }

    /// Tests a kernel. The first one is that of the base. `last`: it has all of the series.
    fn run(&mut self, tree: &Tree, build: &Build, last: bool) -> Result<Outcome> {
        let image = build.image();
        let options = Options::of(tree)?;
        let mut outcome = kunit::in_guest(tree, "commit-kunit", &image, options.tests)?;
        let printed = selftest::of_base(self.paths, "commit", &image, &self.programs)?;

        match &self.base {
            None => self.base = Some(printed),
            Some(base) => outcome.add(selftest::compare(base, &printed)),
        }
        if last {
            outcome.add(selftest::own(
                self.paths,
                "selftests-commit",
                &image,
                &self.programs,
            )?);
        }
        Ok(outcome)
    }
}

/// The tree of a commit.
fn commit<'a>(paths: &'a Paths, id: &str) -> Tree<'a> {
    Tree::new(paths, At::Commit(id.to_owned()))
}

/// A walk over the commits in one configuration.
struct Walk<'a> {
    paths: &'a Paths,
    config: &'static str,
    build: Build<'a>,
    known: Known,
    tests: Option<Tests<'a>>,
    /// What the kernel that passed last is made of.
    passed: String,
    /// What the commits so far warn of.
    warnings: Warnings,
    outcome: Outcome,
}

impl<'a> Walk<'a> {
    fn new(paths: &'a Paths, config: &'static str) -> Result<Self> {
        let tests = (config == TESTED).then(|| Tests::new(paths)).transpose()?;
        let build = Build::new(paths, config)?;

        Ok(Walk {
            paths,
            config,
            known: Known {
                folder: paths.work.join(format!("passed-{config}")),
                built_with: build.made_of()?,
            },
            build,
            tests,
            passed: String::new(),
            warnings: Warnings::default(),
            outcome: Outcome::default(),
        })
    }

    /// Builds and tests the base, for what is compared with it.
    fn base(&mut self) -> Result<()> {
        println!("  {}: base", self.config);
        let tree = commit(self.paths, "base");
        let files = tree.kernel_files(false)?;
        match self.known.warnings(&files, "base") {
            Some(known) => self.warnings.add(known),
            None => self.build.clean()?,
        }
        self.warnings.add(self.build.run(&tree)?);
        self.known.keep(&files, "base", &self.warnings)?;
        if let Some(tests) = &mut self.tests {
            self.outcome.add(tests.run(&tree, &self.build, false)?);
        }
        Ok(())
    }

    /// Builds and tests a commit, unless its kernel has passed before. `all`: what the kernel of the
    /// whole series is made of.
    fn commit(&mut self, id: &str, subject: &str, all: Option<&str>) -> Result<()> {
        let tree = commit(self.paths, id);
        let files = tree.kernel_files(false)?;
        let known = self.known.warnings(&files, subject);

        if known.is_some() || files == self.passed {
            let why = match known {
                Some(_) => "passed before",
                None => "has the kernel of the commit before",
            };
            println!("  {}: {subject}: {why}", self.config);
            self.warnings.add(known.unwrap_or_default());
            self.outcome.passed += 1;
            return self.pass(subject, files);
        }
        println!("  {}: {subject}", self.config);
        let built = self.build.run(&tree)?;
        let new = built.but(&EXCEPTIONS).without(&self.warnings);
        let mut judged = Outcome::default();

        judged.check(new.is_empty(), || format!("new warnings:\n{new}"));
        // Once is enough.
        self.warnings.add(new);
        if let Some(tests) = &mut self.tests {
            let last = all == Some(&*files);
            judged.add(tests.run(&tree, &self.build, last)?);
        }
        if judged.failed == 0 {
            self.pass(subject, files)?;
        }
        for note in &mut judged.notes {
            *note = format!("{}: {subject}: {note}", self.config);
            // The whole walk takes long, and the next commit writes over the logs.
            println!("  FAILED {note}");
        }
        self.outcome.add(judged);
        Ok(())
    }

    /// Notes that the kernel of a commit has passed.
    fn pass(&mut self, subject: &str, files: String) -> Result<()> {
        self.passed = files;
        self.known.keep(&self.passed, subject, &self.warnings)
    }
}

/// Each commit of some series builds, in each configuration, adds no warning, and fails no test.
pub fn each_commit(tree: &Tree, name: &str) -> Result<Outcome> {
    let paths = &tree::apart(tree)?;
    let parts = asked(tree, name)?;
    let mut log = String::new();
    for part in &parts {
        log += &output(git(&paths.checkout).args([
            "log",
            "--reverse",
            "--format=%h %s",
            &part.range(),
        ]))?;
    }
    let commits: Vec<(&str, &str)> = log
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let all = match commits.last() {
        Some((id, _)) if parts.iter().any(Part::is_main) => {
            Some(commit(paths, id).kernel_files(false)?)
        }
        _ => None,
    };
    let mut outcome = Outcome::default();

    for config in CONFIGS {
        let mut walk = Walk::new(paths, config)?;
        let mut all_known = true;

        for (id, subject) in &commits {
            let files = commit(paths, id).kernel_files(false)?;
            all_known &= walk.known.warnings(&files, subject).is_some();
        }
        if !all_known {
            walk.base()?;
        }
        for (id, subject) in &commits {
            if let Err(error) = walk.commit(id, subject, all.as_deref()) {
                walk.outcome
                    .check(false, || format!("{config}: {subject}: {error:#}"));
            }
        }
        outcome.add(walk.outcome);
    }
    Ok(outcome)
}
