//! Builds: of every commit, in every configuration that matters, without a new warning.

use super::warnings::Warnings;
use crate::{
    kernel,
    outcome::Outcome,
    paths::Paths,
    step::{output, Step},
    toolchain::Toolchain,
    tree,
};
use anyhow::Result;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The configurations that each commit is built in: the option on, off, and a kernel without Rust.
const CONFIGS: [&str; 3] = ["test", "off", "without-rust"];

/// A kernel that is built again and again, with the compiler's and sparse's warnings.
struct Build<'a> {
    paths: &'a Paths,
    toolchain: Toolchain,
    objects: PathBuf,
    fragments: Vec<PathBuf>,
    config: &'a str,
}

impl<'a> Build<'a> {
    fn new(paths: &'a Paths, config: &'a str) -> Result<Self> {
        Ok(Build {
            paths,
            toolchain: Toolchain::find(paths)?,
            objects: paths.objects(&format!("check-{config}")),
            fragments: vec![paths.fragment("common")?, paths.fragment(config)?],
            config,
        })
    }

    fn make(&self) -> Command {
        kernel::make(self.paths, &self.toolchain, &self.objects)
    }

    /// Builds what is checked out, and returns what was warned of.
    fn run(&self) -> Result<Warnings> {
        let jobs = std::thread::available_parallelism()?;
        let name = format!("check {}", self.config);

        // Commits bring options, which the fragments may name.
        kernel::write_config(self.paths, &self.objects, &self.fragments, || self.make())?;
        Step::new(self.paths, &name).run(
            self.make()
                .args(["W=1", "C=1", "bzImage"])
                .arg(format!("-j{jobs}")),
        )?;
        let log = format!("{}.log", name.replace(' ', "-"));
        Ok(Warnings::of(&fs::read_to_string(
            self.paths.logs.join(log),
        )?))
    }
}

/// Each commit builds, in each configuration, and adds no warning.
pub fn each_commit(paths: &Paths) -> Result<Outcome> {
    let paths = &tree::apart(paths)?;
    let mut outcome = Outcome::default();
    let commits = output(Command::new("git").current_dir(&paths.tree).args([
        "log",
        "--reverse",
        "--format=%h %s",
        "base..series",
    ]))?;
    for config in CONFIGS {
        let build = Build::new(paths, config)?;

        println!("  {config}: base");
        tree::check_out(paths, "base")?;
        let mut known = build.run()?;
        for line in commits.lines() {
            let (commit, subject) = line.split_once(' ').unwrap_or((line, ""));

            println!("  {config}: {subject}");
            tree::check_out(paths, commit)?;
            let warnings = match build.run() {
                Ok(warnings) => warnings,
                Err(error) => {
                    outcome.check(false, || format!("{config}: {subject}: {error:#}"));
                    continue;
                }
            };
            let new = warnings.without(&known);
            outcome.check(new.is_empty(), || {
                format!("{config}: {subject} adds warnings:\n{new}")
            });
            // Once is enough.
            known.add(new);
        }
    }
    Ok(outcome)
}

/// The patched kernel builds for an architecture that has no Rust in this version, and does not
/// have the option there.
pub fn without_rust(paths: &Paths) -> Result<Outcome> {
    let toolchain = Toolchain::find(paths)?;
    let objects = paths.objects("arm");
    let jobs = std::thread::available_parallelism()?;
    let make = || {
        let mut make = kernel::make(paths, &toolchain, &objects);
        make.arg("ARCH=arm");
        make
    };
    let mut outcome = Outcome::default();

    tree::check_out_series(paths)?;
    kernel::write_config(paths, &objects, &[paths.fragment("arm")?], make)?;
    Step::new(paths, "check arm").run(make().arg(format!("-j{jobs}")).arg("vmlinux"))?;
    outcome.check(!has_option(&objects)?, || {
        "CONFIG_MREMAP_RANGE is on without Rust".to_owned()
    });
    Ok(outcome)
}

fn has_option(objects: &Path) -> Result<bool> {
    let config = fs::read_to_string(objects.join(".config"))?;

    Ok(config.contains("CONFIG_MREMAP_RANGE=y"))
}
