// SPDX-License-Identifier: GPL-2.0

//! Writes the branch `series` back to the repository.

use crate::{
    assemble::{
        exported,
        patches, //
    },
    git::git,
    maintainers,
    new_files,
    paths::{
        write_whole,
        Paths, //
    },
    step::{
        filter,
        output, //
    },
    tree::{
        At,
        Tree, //
    }, //
};
use anyhow::{
    ensure,
    Result, //
};
use std::{
    collections::{
        BTreeMap,
        BTreeSet, //
    },
    fs, //
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

/// Does a file of a commit belong into its patch? New files and entries of `MAINTAINERS` are kept
/// apart.
fn is_edit(file: &str, new: &BTreeSet<&str>) -> bool {
    !new.contains(file) && file != maintainers::FILE
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
        let edits = files.iter().any(|file| is_edit(file, &new));
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

/// Writes the entries that the branch `series` adds to `MAINTAINERS`.
fn write_maintainers(paths: &Paths) -> Result<()> {
    let text = |commit: &str| {
        let name = format!("{commit}:{}", maintainers::FILE);
        output(git(&paths.checkout).args(["show", &name]))
    };
    let (base, series) = (text("base")?, text("series")?);
    let own = paths.top.join(maintainers::FILE);

    if base == series {
        ensure!(
            !own.is_file(),
            "the branch series adds nothing to {0}: remove {1}, if that is meant",
            maintainers::FILE,
            own.display()
        );
        return Ok(());
    }
    write_whole(&own, maintainers::added(&base, &series)?)
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

    write_maintainers(paths)?;
    let dir = &paths.base.folder;
    let excluded = files.keys().map(String::as_str).chain([maintainers::FILE]);
    let excluded = excluded.map(|path| format!(":(exclude){path}"));
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

#[cfg(test)]
mod tests {
    use super::export;
    use crate::{
        assemble::series,
        scratch::Repository, //
    };

    /// A series of two patches, a new file, and an entry of `MAINTAINERS`, as it is exported.
    fn repository(test: &str) -> Repository {
        let repository = Repository::new(test);

        repository.unpack(&[("mm/a.c", "1\n"), ("MAINTAINERS", "A\nS:\tx\n\nC\nS:\tx\n")]);
        repository.add_patch("0001-one.patch", "mm/a.c", "1", "2");
        repository.add_patch("0002-two.patch", "mm/a.c", "2", "3");
        repository.write("bases/4.2/new-files", "0001 mm/new.c\n");
        repository.write("mm/new.c", "new\n");
        repository.write("MAINTAINERS", "B\nS:\tx\n");
        series(&repository.0).unwrap();
        export(&repository.0).unwrap();
        repository
    }

    fn commit(repository: &Repository, file: &str, text: &str) {
        repository.git(&["checkout", "-q", "series"]);
        repository.write(&format!("build/4.2/linux/{file}"), text);
        repository.git(&["add", "-A"]);
        repository.git(&["commit", "-q", "-m", "own"]);
    }

    #[test]
    fn what_is_exported_is_assembled_again() {
        let repository = repository("export");
        let tree = repository.git(&["rev-parse", "series^{tree}"]);
        commit(&repository, "mm/a.c", "4\n");
        commit(&repository, "mm/a.c", "3\n");
        export(&repository.0).unwrap();

        assert_eq!(repository.read("bases/4.2/series").lines().count(), 4);
        assert_eq!(repository.read("MAINTAINERS"), "B\nS:\tx\n");
        for patch in repository.read("bases/4.2/series").lines() {
            let patch = repository.read(&format!("bases/4.2/{patch}"));
            assert!(!patch.contains("MAINTAINERS"), "{patch}");
        }
        series(&repository.0).unwrap();
        assert_eq!(repository.git(&["rev-parse", "series^{tree}"]), tree);
    }

    #[test]
    fn entries_of_maintainers_are_apart_from_patches() {
        let repository = repository("entries");
        let text = "A\nS:\tx\n\nB\nS:\ty\n\nC\nS:\tx\n";
        commit(&repository, "MAINTAINERS", text);
        export(&repository.0).unwrap();
        assert_eq!(repository.read("MAINTAINERS"), "B\nS:\ty\n");
        assert_eq!(repository.read("bases/4.2/series").lines().count(), 2);

        commit(
            &repository,
            "MAINTAINERS",
            &text.replace("A\nS:\tx", "A\nS:\tz"),
        );
        let error = export(&repository.0).unwrap_err().to_string();
        assert!(error.contains("edit nothing else there"), "{error}");
    }

    #[test]
    fn files_of_the_repository_are_not_forgotten() {
        let repository = repository("forgotten");
        repository.write("mm/other.c", "");

        let error = export(&repository.0).unwrap_err().to_string();
        assert!(error.contains("does not add mm/other.c"), "{error}");
    }
}
