//! Guests that run the demonstration program.

use crate::{guest::Guest, host, kernel, paths::Paths};
use anyhow::{ensure, Result};
use std::{path::PathBuf, time::Duration};

/// Runs the program with an argument, in a guest, and prints what it has to say.
fn show(
    paths: &Paths,
    (image, program): &(PathBuf, PathBuf),
    argument: &str,
    parameters: &str,
    count: bool,
) -> Result<()> {
    let guest = Guest {
        image,
        content: &[("root/demo".to_owned(), program.clone())],
        script: &format!("/root/demo {argument} || echo '| the demo failed'"),
        parameters,
        cpus: 1,
        count,
        limit: Duration::from_secs(120),
    };
    let console = guest.run(paths, "demo")?;
    let shown: Vec<&str> = console
        .lines()
        .filter_map(|line| line.strip_prefix('|'))
        .collect();

    for line in &shown {
        println!("{line}");
    }
    ensure!(
        !shown.is_empty() && !console.contains("the demo failed"),
        "the demo failed, see build/logs/demo.console"
    );
    Ok(())
}

/// Builds the kernel and the program.
fn prepare(paths: &Paths) -> Result<(PathBuf, PathBuf)> {
    Ok((
        kernel::series(paths, "test")?,
        host::static_program(paths, "demo")?,
    ))
}

/// Shows a move of a region, and the same call where it is turned off.
pub fn run(paths: &Paths) -> Result<()> {
    let made = prepare(paths)?;

    show(paths, &made, "", "quiet", false)?;
    show(paths, &made, "off", "quiet mremap_range=off", false)
}

/// Shows how many instructions a move takes.
pub fn count(paths: &Paths) -> Result<()> {
    show(paths, &prepare(paths)?, "count", "quiet", true)
}
