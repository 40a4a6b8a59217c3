// SPDX-License-Identifier: GPL-2.0

//! What the types of the series do not allow.

use crate::{
    kernel,
    outcome::Outcome,
    toolchain::Toolchain,
    tree::Tree, //
};
use anyhow::{
    Context,
    Result, //
};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{
        Path,
        PathBuf, //
    },
    process::Command, //
};

/// The crate of the series that is private to the kernel, and the file that it begins with.
const CRATE: &str = "mm/mremap_range";
const ROOT: &str = "mremap_range";

/// Shows what the types of the series do not allow: the kernel's compiler refuses the programs in
/// `harness/compile-fail`, for the reason that each names. Each is compiled as a module of the
/// private crate, in place of its entry.
pub fn suite(tree: &Tree, config: &str) -> Result<Outcome> {
    kernel::build(tree, config)?;
    let objects = tree.objects(config);
    let toolchain = Toolchain::find(tree.paths)?;
    let command = kernel::command_of(&objects, &format!("{CRATE}/{ROOT}"))?;
    let root = private_crate(&tree.check_out()?.join(CRATE), &objects)?;
    let modules = modules(&root.with_file_name(format!("{ROOT}.rs")))?;
    let mut outcome = Outcome::default();
    let mut files: Vec<_> = fs::read_dir(tree.paths.top.join("harness/compile-fail"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();

    for file in files {
        let source = fs::read_to_string(&file)?;
        let expected = source
            .lines()
            .find_map(|line| line.strip_prefix("//! error: "))
            .with_context(|| format!("{} names no error", file.display()))?;
        fs::write(
            &root,
            format!(
                "#![allow(dead_code, unused_imports)]\n{modules}\
                 #[path = {:?}]\nmod refused;\n",
                file.display().to_string()
            ),
        )?;
        let errors = compile(&objects, &toolchain, &command, &root)?;

        outcome.check(
            errors.contains(&format!("error[{expected}]")) && errors.matches("error[").count() == 1,
            || {
                format!(
                    "{}: expected only {expected}, got:\n{errors}",
                    file.display()
                )
            },
        );
    }
    Ok(outcome)
}

/// Makes a folder with the modules of the private crate, and returns a place in it for another root.
fn private_crate(folder: &Path, objects: &Path) -> Result<PathBuf> {
    let copy = objects.join("compile-fail");

    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    fs::create_dir(&copy)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        symlink(entry.path(), copy.join(entry.file_name()))?;
    }
    Ok(copy.join("compile-fail.rs"))
}

/// The lines of the root of the private crate that name its modules.
fn modules(root: &Path) -> Result<String> {
    Ok(fs::read_to_string(root)?
        .lines()
        .filter(|line| line.starts_with("mod "))
        .map(|line| format!("{line}\n"))
        .collect())
}

/// Compiles a file as one of `mm/` is compiled. Returns what the compiler says.
fn compile(objects: &Path, toolchain: &Toolchain, command: &str, file: &Path) -> Result<String> {
    // The command names its source last, and its output and dependencies by the object's name.
    let compiler = command
        .split(';')
        .next()
        .unwrap_or_default()
        .replace(&format!("{CRATE}/.{ROOT}.o.d"), "compile-fail.d")
        .replace(
            &format!("--emit=obj={CRATE}/{ROOT}.o"),
            "--emit=obj=compile-fail.o",
        );
    let words: Vec<&str> = compiler
        .split_whitespace()
        .map(|word| {
            if word.ends_with("/mremap_range.rs") {
                "$SOURCE"
            } else {
                word
            }
        })
        .collect();
    let mut shell = Command::new("sh");

    shell
        .current_dir(objects)
        .env("SOURCE", file)
        // As the kernel's make does, for the unstable features that it uses.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["-c", &words.join(" ")]);
    toolchain.environment(&mut shell);
    Ok(String::from_utf8_lossy(&shell.output()?.stderr).into_owned())
}
