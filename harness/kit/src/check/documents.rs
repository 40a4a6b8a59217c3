// SPDX-License-Identifier: GPL-2.0

//! The documentation of the series, as the kernel's own tools read it.

use super::warnings::Warnings;
use crate::{
    git::git,
    kernel,
    outcome::Outcome,
    step::{
        feed,
        Step, //
    },
    toolchain::Toolchain,
    tree::Tree, //
};
use anyhow::Result;
use std::{
    fs,
    process::Command, //
};

/// Folders of `Documentation/` that the series adds to.
const FOLDERS: &str = "mm userspace-api";

/// The comments of the code, the pages, and the manual page have no warning.
pub fn check(tree: &Tree) -> Result<Outcome> {
    let mut outcome = comments(tree)?;

    outcome.add(pages(tree)?);
    outcome.add(manual(tree)?);
    Ok(outcome)
}

/// What `kernel-doc` says of the C files that the series changes, and did not say of the base.
fn comments(tree: &Tree) -> Result<Outcome> {
    let changed = tree.changed("AM", &["mm/*.c", "mm/*.h", "include/*.h", "ipc/*.c"])?;
    let new =
        warnings_of(tree, tree.commit()?, &changed)?.without(&warnings_of(tree, "base", &changed)?);
    let mut outcome = Outcome::default();

    outcome.check(new.is_empty(), || format!("kernel-doc:\n{new}"));
    Ok(outcome)
}

/// What `kernel-doc` says of the files of a commit. The tree is left alone, or all that depends on
/// these files would be built again.
fn warnings_of(tree: &Tree, commit: &str, files: &str) -> Result<Warnings> {
    let folder = tree.paths.work.join("kernel-doc");
    let mut there = Vec::new();

    for file in files.lines() {
        let text = git(&tree.paths.checkout)
            .args(["show", &format!("{commit}:{file}")])
            .output()?;
        if text.status.success() {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap_or(&folder))?;
            fs::write(path, text.stdout)?;
            there.push(file);
        }
    }
    let said = feed(
        Command::new(tree.check_out()?.join(&tree.paths.base.kernel_doc))
            .current_dir(&folder)
            .args(["-none", "-Wall"])
            .args(there),
        b"",
    )?;
    Ok(Warnings::of(&String::from_utf8_lossy(&said.stderr)))
}

/// Sphinx renders the pages.
fn pages(tree: &Tree) -> Result<Outcome> {
    let paths = tree.paths;
    let toolchain = Toolchain::find(paths)?;
    let objects = tree.objects("documents");
    let mut outcome = Outcome::default();

    fs::create_dir_all(&objects)?;
    Step::new(paths, "check sphinx").run(
        kernel::make(tree, &toolchain, &objects)?
            .arg(format!("SPHINXDIRS={FOLDERS}"))
            // Linux 7.3 hands it to a program that does not take it.
            .arg("RUSTDOC=")
            .arg("htmldocs"),
    )?;
    let said = fs::read_to_string(paths.logs.join("check-sphinx.log"))?;
    let warnings = Warnings::of(&said).about(&["mremap"]);

    outcome.check(warnings.is_empty(), || format!("sphinx:\n{warnings}"));
    Ok(outcome)
}

/// `man` and `groff` read the manual page without a word.
fn manual(tree: &Tree) -> Result<Outcome> {
    let page = tree.paths.top.join("man/mremap.2");
    let mut outcome = Outcome::default();
    let man = Command::new("man")
        .args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8"])
        .arg(&page)
        .output()?;

    outcome.check(man.status.success() && man.stderr.is_empty(), || {
        format!("man:\n{}", String::from_utf8_lossy(&man.stderr))
    });
    Ok(outcome)
}
