//! Builds for architectures that have no Rust in this version.

use crate::{kernel, outcome::Outcome, paths::Paths, step::Step, toolchain::Toolchain, tree};
use anyhow::{Context, Result};
use std::{fs, path::Path, process::Command};

/// The patched kernel builds for 32-bit ARM, and what of it the series changes for 64-bit PowerPC
/// too, which moves page tables as a whole and has functions of its own for their entries. Neither
/// has the option.
pub fn check(paths: &Paths) -> Result<Outcome> {
    let toolchain = Toolchain::find(paths)?;
    let mut outcome = Outcome::default();

    tree::check_out_series(paths)?;

    let objects = paths.objects("arm");
    let make = || make_for(paths, &toolchain, &objects, "arm");
    kernel::write_config(paths, &objects, None, &[paths.fragment("arm")?], make)?;
    Step::new(paths, "check arm").run(make().arg("vmlinux"))?;
    has_no_option(&objects, &mut outcome)?;

    let objects = paths.objects("powerpc");
    fs::create_dir_all(&objects)?;
    let make = || make_for(paths, &toolchain, &objects, "powerpc");
    let step = Step::new(paths, "check powerpc");
    step.run(make().args(["-s", "ppc64le_defconfig"]))?;
    step.run(make().args(changed_objects(paths)?))?;
    has_no_option(&objects, &mut outcome)?;
    Ok(outcome)
}

fn make_for(paths: &Paths, toolchain: &Toolchain, objects: &Path, architecture: &str) -> Command {
    let mut make = kernel::make(paths, toolchain, objects);

    make.arg(format!("ARCH={architecture}"));
    make
}

/// What is built of the C files that the series changes, but its tests.
fn changed_objects(paths: &Paths) -> Result<Vec<String>> {
    Ok(tree::changed(paths, "AM", &["*.c"])?
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
