// SPDX-License-Identifier: GPL-2.0

//! The Rust code of the series, as the kernel's own make targets see it.

use super::warnings::Warnings;
use crate::{
    kernel,
    outcome::Outcome,
    step::Step,
    toolchain::Toolchain,
    tree::Tree, //
};
use anyhow::Result;
use std::fs;

/// Formatting, clippy and the documentation are clean. The doctests run in KUnit.
pub fn check(tree: &Tree) -> Result<Outcome> {
    let paths = tree.paths;
    // Builds what the targets below depend on.
    kernel::build(tree, "test")?;
    let toolchain = Toolchain::find(paths)?;
    let objects = tree.objects("test");
    let mut outcome = Outcome::default();

    for (name, arguments) in [
        ("rustfmt", &["rustfmtcheck"][..]),
        ("clippy", &["CLIPPY=1", "rust/", "mm/mremap_range/"]),
        ("rustdoc", &["rustdoc"]),
    ] {
        let step = format!("check {name}");
        let failed = Step::new(paths, &step)
            .run(
                kernel::make(tree, &toolchain, &objects)?
                    .arg(toolchain.clippy_option())
                    .args(arguments),
            )
            .err();
        let said = fs::read_to_string(paths.logs.join(format!("check-{name}.log")))?;
        let warnings =
            Warnings::of(&said).about(&["mm/mremap_range", "kernel/mm", "kernel/task.rs"]);

        outcome.check(failed.is_none(), || format!("{:#}", failed.unwrap()));
        outcome.check(warnings.is_empty(), || format!("{name}:\n{warnings}"));
    }
    Ok(outcome)
}
