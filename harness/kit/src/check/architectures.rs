// SPDX-License-Identifier: GPL-2.0

//! Builds for architectures that have no Rust, or are configured without.

use crate::{
    kconfig,
    kernel,
    outcome::Outcome,
    step::Step,
    toolchain::Toolchain,
    tree::Tree, //
};
use anyhow::{
    Context,
    Result, //
};
use std::{
    fs,
    path::Path, //
};

/// The patched kernel builds for 32-bit ARM, and what of it the series changes for 64-bit PowerPC
/// too, which moves page tables as a whole and has functions of its own for their entries. Both are
/// without Rust, so neither has the option.
pub fn check(tree: &Tree) -> Result<Outcome> {
    let paths = tree.paths;
    let toolchain = Toolchain::find(paths)?;
    let mut outcome = Outcome::default();

    let objects = tree.objects("arm");
    let make = || kernel::make_for(tree, &toolchain, &objects, "arm");
    kconfig::write(tree, &objects, None, &paths.fragments("arm")?, make)?;
    Step::new(paths, "check arm").run(make()?.arg("vmlinux"))?;
    has_no_option(&objects, &mut outcome)?;

    let objects = tree.objects("powerpc");
    fs::create_dir_all(&objects)?;
    let make = || kernel::make_for(tree, &toolchain, &objects, "powerpc");
    let step = Step::new(paths, "check powerpc");
    step.run(make()?.args(["-s", "ppc64le_defconfig"]))?;
    step.run(make()?.args(changed_objects(tree)?))?;
    has_no_option(&objects, &mut outcome)?;
    Ok(outcome)
}

/// What is built of the C files that the series changes, but its tests.
fn changed_objects(tree: &Tree) -> Result<Vec<String>> {
    Ok(tree
        .changed("AM", &["*.c"])?
        .lines()
        .filter(|file| !file.starts_with("rust/") && !file.starts_with("tools/"))
        .filter_map(|file| file.strip_suffix(".c"))
        .filter(|file| !file.ends_with("kunit"))
        .map(|file| format!("{file}.o"))
        .collect())
}

/// Notes whether a kernel without Rust leaves the option out.
fn has_no_option(objects: &Path, outcome: &mut Outcome) -> Result<()> {
    let path = objects.join(".config");
    let config =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;

    outcome.check(!config.contains("CONFIG_MREMAP_RANGE=y"), || {
        format!("{}: CONFIG_MREMAP_RANGE is on without Rust", path.display())
    });
    Ok(())
}
