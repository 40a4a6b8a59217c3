//! Builds: of every commit, in every configuration that matters, without a new warning.

use crate::{
    kernel,
    outcome::Outcome,
    paths::Paths,
    step::{output, Step},
    toolchain::Toolchain,
    tree,
};
use anyhow::Result;
use regex_lite::Regex;
use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What a build, or another tool, has warned of, without the numbers of lines.
pub struct Warnings(BTreeSet<String>);

impl Warnings {
    /// The warnings in what a tool has printed, each with the file that it is about.
    pub fn of(text: &str) -> Self {
        let number = Regex::new("[0-9]+").expect("a pattern");
        let is_warning = |line: &str| {
            let line = line.trim_start().to_ascii_lowercase();
            line.contains("warning:") || line.contains("error:") || line.starts_with("error[")
        };
        // Rust's tools name the file in the next line, after an arrow.
        let next = text.lines().skip(1).chain([""]);

        Warnings(
            text.lines()
                .zip(next)
                .filter(|(line, _)| is_warning(line))
                .map(|(line, next)| match next.trim().strip_prefix("--> ") {
                    Some(file) => format!("{file}: {}", line.trim()),
                    None => line.trim().to_owned(),
                })
                .map(|line| number.replace_all(&line, "N").into_owned())
                .collect(),
        )
    }

    /// Those that are not in `known`.
    pub fn without(mut self, known: &Warnings) -> Self {
        self.0.retain(|line| !known.0.contains(line));
        self
    }

    /// Those that name one of `parts`.
    pub fn about(mut self, parts: &[&str]) -> Self {
        self.0
            .retain(|line| parts.iter().any(|part| line.contains(part)));
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

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
            known.0.extend(new.0);
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

#[cfg(test)]
mod tests {
    use super::Warnings;

    #[test]
    fn warnings_of_rust_have_a_file() {
        let text = "warning: unused\n  --> rust/kernel/mm.rs:7:1\n   |\n";

        assert!(!Warnings::of(text).about(&["kernel/mm"]).is_empty());
        assert!(Warnings::of(text).about(&["kernel/net"]).is_empty());
    }

    #[test]
    fn a_warning_that_has_moved_is_known() {
        let base = Warnings::of("mm/mremap.c:10:2: warning: unused variable 'a'\n  CC foo.o\n");
        let same = Warnings::of("mm/mremap.c:12:2: warning: unused variable 'a'\n");
        let other = Warnings::of("mm/mremap.c:12:2: warning: unused variable 'b'\n");

        assert!(same.about(&["mremap.c"]).without(&base).is_empty());
        assert!(!other.without(&base).is_empty());
    }
}
