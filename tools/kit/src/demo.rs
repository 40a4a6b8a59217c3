//! The demonstration: a guest that moves a region, and one that is not allowed to.

use crate::{guest::Guest, host, kernel, paths::Paths};
use anyhow::Result;
use std::time::Duration;

/// Builds what the demonstration needs, and shows it.
pub fn run(paths: &Paths) -> Result<()> {
    let image = kernel::series(paths, "test")?;
    let program = host::static_program(paths, "demo")?;

    for (script, parameters) in [
        ("/root/demo || echo '| the demo failed'", "quiet"),
        (
            "/root/demo off || echo '| the demo failed'",
            "quiet mremap_range=off",
        ),
    ] {
        let guest = Guest {
            image: &image,
            content: &[("root/demo".to_owned(), program.clone())],
            script,
            parameters,
            cpus: 1,
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
        anyhow::ensure!(
            !shown.is_empty() && !console.contains("the demo failed"),
            "the demo failed, see build/logs/demo.console"
        );
    }
    Ok(())
}
