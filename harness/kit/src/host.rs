// SPDX-License-Identifier: GPL-2.0

//! Tests that need no kernel.

use crate::{
    configuration::Configuration,
    foreign,
    outcome::Outcome,
    paths::Paths,
    step::{
        output,
        Step, //
    }, //
};
use anyhow::Result;
use regex_lite::Regex;
use std::{
    ffi::OsStr,
    fs,
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

/// Sums up the lines `test result: …` of cargo.
fn summary(log: &Path) -> Result<Outcome> {
    let text = fs::read_to_string(log)?;
    let pattern =
        Regex::new(r"test result: .* ([0-9]+) passed; ([0-9]+) failed; ([0-9]+) ignored")?;
    let mut outcome = Outcome::default();

    for found in text.lines().filter_map(|line| pattern.captures(line)) {
        outcome.passed += found[1].parse::<usize>()?;
        outcome.failed += found[2].parse::<usize>()?;
        outcome.skipped += found[3].parse::<usize>()?;
    }
    Ok(outcome)
}

/// A cargo for the workspace of `harness/`.
fn cargo(paths: &Paths) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));

    cargo
        .current_dir(paths.top.join("harness"))
        .env("CARGO_TARGET_DIR", paths.build.join("cargo"));
    cargo
}

/// The planner over random layouts, and the tests of the tools.
pub fn tests(paths: &Paths) -> Result<Outcome> {
    Step::new(paths, "host tests").run(cargo(paths).args([
        "test",
        "--workspace",
        "--no-fail-fast",
        "--locked",
    ]))?;
    summary(&paths.logs.join("host-tests.log"))
}

/// The same tests of the planner under Miri, with fewer layouts.
pub fn miri(paths: &Paths) -> Result<Outcome> {
    let available = output(Command::new("cargo").args(["+nightly", "miri", "--version"])).is_ok()
        && output(Command::new("rustc").args(["+nightly", "--print", "sysroot"]))
            .is_ok_and(|root| Path::new(root.trim()).join("lib/rustlib/src").is_dir());

    if !available {
        return Ok(Outcome::skipped(
            "Miri is not installed: rustup +nightly component add miri rust-src",
        ));
    }
    Step::new(paths, "miri").run(
        Command::new("cargo")
            .current_dir(paths.top.join("harness"))
            .env("CARGO_TARGET_DIR", paths.build.join("miri"))
            // Which layouts are drawn must not depend on the machine's source of randomness.
            .env("MIRIFLAGS", "-Zmiri-disable-isolation")
            .env("PROPTEST_CASES", "4")
            .args(["+nightly", "miri", "test", "-p", "planner", "--locked"]),
    )?;
    summary(&paths.logs.join("miri.log"))
}

/// Runs a program of the workspace on this machine.
pub fn run_program<'a>(
    paths: &Paths,
    name: &str,
    arguments: impl IntoIterator<Item = &'a OsStr>,
) -> Result<()> {
    Step::new(paths, name).run(
        cargo(paths)
            .args(["run", "--release", "--locked", "-p", name, "--"])
            .args(arguments),
    )
}

/// Builds a program of the workspace that needs no libraries, for a guest. The arena is the example
/// of a crate, each of the others is a package.
pub fn static_program(paths: &Paths, configuration: &Configuration, name: &str) -> Result<PathBuf> {
    let arch = configuration.arch;
    let target = arch.rust_target();
    let mut build = cargo(paths);
    let mut flags = "-C target-feature=+crt-static".to_owned();
    let (package, kind, folder) = match name {
        "arena" => ("move-mappings", "--example", "release/examples"),
        _ => (name, "--bin", "release"),
    };

    if arch.is_foreign() {
        let sysroot = foreign::sysroot(paths, arch)?;
        foreign::build_with(&mut build, arch);
        flags += &format!(" --sysroot={}", sysroot.display());
    }
    // Naming the target keeps the flags away from what is built for this machine.
    Step::new(paths, &format!("build {name}")).run(
        build
            .env("RUSTFLAGS", flags)
            .args(["build", "--release", "--locked", "--target", target])
            .args(["-p", package, kind, name]),
    )?;
    Ok(paths
        .build
        .join("cargo")
        .join(target)
        .join(folder)
        .join(name))
}
