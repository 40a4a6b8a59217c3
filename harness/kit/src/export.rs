//! Writes the branch `series` back to the repository.

use crate::{
    assemble::{exported, patches},
    git::git,
    new_files,
    paths::{write_whole, Paths},
    step::{filter, output},
    tree::{At, Tree},
};
use anyhow::{ensure, Result};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// The files that each commit of the branch `series` changes, in order.
fn changed_by_commits(paths: &Paths) -> Result<Vec<Vec<String>>> {
    let run = |args: &[&str]| -> Result<Vec<String>> {
        let printed = output(git(&paths.checkout).args(args))?;
        Ok(printed.lines().map(str::to_owned).collect())
    };

    run(&["rev-list", "--reverse", "base..series"])?
        .iter()
        .map(|commit| {
            run(&[
                "diff-tree",
                "-r",
                "--no-commit-id",
                "--name-only",
                "--no-renames",
                commit,
            ])
        })
        .collect()
}

/// The files that the branch `series` adds, with the number of the patch that each comes with.
fn added(paths: &Paths) -> Result<BTreeMap<String, usize>> {
    let series = Tree::new(paths, At::Commit("series".to_owned()));
    let all = series.changed("A", &[])?;
    let new: BTreeSet<&str> = all.lines().collect();
    let mut added = BTreeMap::new();
    let mut number = 0;

    for files in changed_by_commits(paths)? {
        // Git writes no patch without an edit. What such a commit changes in new files becomes part
        // of the patches that they come with.
        let edits = files.iter().any(|file| !new.contains(file.as_str()));
        number += usize::from(edits);
        for file in files {
            if !new.contains(file.as_str()) || added.contains_key(&file) {
                continue;
            }
            ensure!(
                edits,
                "the commit that adds {file} edits no file of the base: make it part of another one"
            );
            added.insert(file, number);
        }
    }
    Ok(added)
}

/// Writes the commits of the branch `series`, as it is in the tree, back to the repository. New
/// files go back to where they came from.
pub fn export(paths: &Paths) -> Result<()> {
    let files = added(paths)?;
    for path in new_files::found(paths)? {
        ensure!(
            files.contains_key(&path),
            "the branch series does not add {path}: remove {}, if that is meant",
            new_files::home(paths, &path)?.display()
        );
    }

    let dir = &paths.base.folder;
    let excluded = files.keys().map(|path| format!(":(exclude){path}"));
    for name in patches(paths)? {
        let _ = fs::remove_file(dir.join(name));
    }
    let written = output(
        git(&paths.checkout)
            .args([
                "format-patch",
                "--zero-commit",
                "--no-signature",
                "--no-numbered",
                "--no-base",
                "-o",
            ])
            .arg(dir)
            .args(["base..series", "--", "."])
            .args(excluded),
    )?;
    let names: Vec<&str> = written
        .lines()
        .filter_map(|line| line.rsplit('/').next())
        .collect();
    write_whole(&dir.join("series"), names.join("\n") + "\n")?;

    for path in files.keys() {
        let home = new_files::home(paths, path)?;
        let commit = format!("series:{path}");
        let text = filter(git(&paths.checkout).args(["show", &commit]), b"")?;
        if !fs::read(&home).is_ok_and(|known| known == text) {
            fs::create_dir_all(home.parent().unwrap_or(&paths.top))?;
            write_whole(&home, text)?;
        }
    }
    new_files::write_list(paths, &files)?;
    exported(paths)?;
    println!("wrote {} patches", names.len());
    Ok(())
}
