//! Guests that run the demonstration program.

use crate::{guest::Guest, host, kernel, paths::Paths};
use anyhow::{ensure, Result};
use std::time::Duration;

/// Runs the program with an argument, in a guest, and prints what it has to say.
fn show(paths: &Paths, argument: &str, parameters: &str, count: bool) -> Result<()> {
    let image = kernel::series(paths, "test")?;
    let program = host::static_program(paths, "demo")?;
    let guest = Guest {
        image: &image,
        content: &[("root/demo".to_owned(), program)],
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

/// Shows a move of a region, and the same call where it is turned off.
pub fn run(paths: &Paths) -> Result<()> {
    show(paths, "", "quiet", false)?;
    show(paths, "off", "quiet mremap_range=off", false)
}

/// Shows how many instructions a move takes.
pub fn count(paths: &Paths) -> Result<()> {
    show(paths, "count", "quiet", true)
}
