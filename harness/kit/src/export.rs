// SPDX-License-Identifier: GPL-2.0

//! Writes the branches of the stack back to the repository.

use crate::{
    assemble::{
        commit,
        exported, //
    },
    git::git,
    maintainers,
    new_files,
    paths::{
        write_whole,
        Paths, //
    },
    stack::{
        self,
        Part,
        TOP, //
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
    fs,
    path::Path, //
};

/// The files that each commit of a series changes, in order.
fn changed_by_commits(paths: &Paths, part: &Part) -> Result<Vec<Vec<String>>> {
    let run = |args: &[&str]| -> Result<Vec<String>> {
        let printed = output(git(&paths.checkout).args(args))?;
        Ok(printed.lines().map(str::to_owned).collect())
    };

    run(&["rev-list", "--reverse", &part.range()])?
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

/// Files, with the number of the patch that each comes with.
type Added = BTreeMap<String, usize>;

/// The files that each series adds.
fn added(paths: &Paths, parts: &[Part]) -> Result<Vec<Added>> {
    let top = Tree::new(paths, At::Commit(TOP.to_owned()));
    let all = top.changed("A", &[])?;
    let new: BTreeSet<&str> = all.lines().collect();
    let mut known = BTreeSet::new();
    let mut added = Vec::new();

    for part in parts {
        let mut of_part = Added::new();
        let mut number = 0;

        for files in changed_by_commits(paths, part)? {
            // Git writes no patch without an edit. What such a commit changes in new files becomes
            // part of the patches that they come with.
            let edits = files.iter().any(|file| is_edit(file, &new));
            number += usize::from(edits);
            for file in files {
                if !new.contains(file.as_str()) || !known.insert(file.clone()) {
                    continue;
                }
                ensure!(
                    edits,
                    "the commit that adds {file} edits no file of the base: make it part of \
                     another one"
                );
                of_part.insert(file, number);
            }
        }
        check_whole(paths, part, &of_part)?;
        added.push(of_part);
    }
    Ok(added)
}

/// Refuses new files of a series that a later series edits: they are kept as they are at the end.
fn check_whole(paths: &Paths, part: &Part, files: &Added) -> Result<()> {
    for file in files.keys() {
        let blob = |branch: &str| {
            let name = format!("{branch}:{file}");
            output(git(&paths.checkout).args(["rev-parse", "--verify", "-q", &name]))
        };
        ensure!(
            blob(&part.branch).is_ok_and(|own| blob(TOP).is_ok_and(|last| own == last)),
            "{file}, which {} adds, is edited by a later series: make the edit part of that one",
            part.branch
        );
    }
    Ok(())
}

/// Writes the entries that the branch `series` adds to `MAINTAINERS`. They are added to a series
/// that did not have patches yet, so it may be without.
fn write_maintainers(paths: &Paths, had_patches: bool) -> Result<()> {
    let text = |commit: &str| {
        let name = format!("{commit}:{}", maintainers::FILE);
        output(git(&paths.checkout).args(["show", &name]))
    };
    let (base, series) = (text("base")?, text(TOP)?);
    let own = maintainers::home(paths);

    if base == series {
        ensure!(
            !own.is_file() || !had_patches,
            "the branch series adds nothing to {0}: remove {1}, if that is meant",
            maintainers::FILE,
            own.display()
        );
        return Ok(());
    }
    write_whole(&own, maintainers::added(&base, &series)?)
}

/// Writes the patches of a series, without new files, and the list of them. Returns how many.
fn write_patches(paths: &Paths, part: &Part, new: &BTreeSet<&str>) -> Result<usize> {
    let excluded = new.iter().copied().chain([maintainers::FILE]);
    let excluded = excluded.map(|path| format!(":(exclude){path}"));

    fs::create_dir_all(&part.folder)?;
    for name in part.patches()? {
        let _ = fs::remove_file(part.folder.join(name));
    }
    let written = output(
        git(&paths.checkout)
            .args([
                "format-patch",
                "--zero-commit",
                "--no-signature",
                "--no-numbered",
                "--no-base",
                // As the kernel's documentation asks. By itself git takes as many digits as this
                // checkout needs.
                "--abbrev=12",
                "-o",
            ])
            .arg(&part.folder)
            .args([&part.range(), "--", "."])
            .args(excluded),
    )?;
    let names: String = written
        .lines()
        .filter_map(|line| line.rsplit('/').next())
        .map(|name| format!("{name}\n"))
        .collect();

    write_whole(&part.folder.join("series"), &names)?;
    Ok(names.lines().count())
}

/// Does a new file have to be written? Not if it is the same, nor if only the repository has changed
/// since the branch was assembled: the export of another base may have written it, or its author.
/// Refuses a file that both have changed.
fn is_due(paths: &Paths, path: &str, home: &Path, text: &[u8]) -> Result<bool> {
    let Ok(known) = fs::read(home) else {
        return Ok(true);
    };
    if known == text {
        return Ok(false);
    }
    let name = format!("{}:{path}", stack::assembled(TOP));
    let assembled = filter(git(&paths.checkout).args(["show", &name]), b"");
    if assembled
        .as_ref()
        .map_or(true, |assembled| known == *assembled)
    {
        return Ok(true);
    }
    ensure!(
        assembled.is_ok_and(|assembled| text == assembled),
        "{path} has changed on the branch series in {} and, since that was assembled, in {}: put the \
         changes of both into the branch, and the file back to what git has of it",
        paths.checkout.display(),
        home.display()
    );
    println!(
        "left {} alone, which is newer than the branch",
        home.display()
    );
    Ok(false)
}

/// Writes the commits of the stack, as they are in the tree, back to the repository. New files go
/// back to where they came from.
pub fn export(paths: &Paths) -> Result<()> {
    let parts = stack::all(&paths.base)?;
    for part in &parts {
        ensure!(
            commit(paths, &format!("refs/heads/{}", part.branch)).is_ok(),
            "there is no branch {0} in {1}: it is the end of {2}, 'git branch {0} <commit>' makes it",
            part.branch,
            paths.checkout.display(),
            part.folder.display()
        );
    }
    stack::check_order(paths, &parts)?;
    let added = added(paths, &parts)?;
    let new: BTreeSet<&str> = added
        .iter()
        .flat_map(BTreeMap::keys)
        .map(String::as_str)
        .collect();
    let of_others = new_files::of_other_bases(paths)?;
    for path in new_files::found(paths)? {
        ensure!(
            new.contains(path.as_str()) || of_others.contains(&path),
            "the branch series does not add {path}: remove {}, if that is meant",
            new_files::home(paths, &path)?.display()
        );
    }

    write_maintainers(paths, !stack::has_no_series(&paths.base)?)?;
    let mut due = Vec::new();
    for (part, added) in parts.iter().zip(&added) {
        for path in added.keys() {
            let home = new_files::home_of_added(paths, part, path)?;
            let name = format!("{TOP}:{path}");
            let text = filter(git(&paths.checkout).args(["show", &name]), b"")?;

            if is_due(paths, path, &home, &text)? {
                due.push((home, text));
            }
        }
    }
    for (home, text) in due {
        fs::create_dir_all(home.parent().unwrap_or(&paths.top))?;
        write_whole(&home, text)?;
    }
    for (part, added) in parts.iter().zip(&added) {
        let count = write_patches(paths, part, &new)?;
        new_files::write_list(part, added)?;
        println!("wrote {count} patches of {}", part.branch);
    }
    exported(paths, &parts)
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
    fn newer_files_of_the_repository_are_left_alone() {
        let repository = repository("newer");
        // As the export of another base writes it.
        repository.write("mm/new.c", "newer\n");
        commit(&repository, "mm/a.c", "4\n");
        export(&repository.0).unwrap();
        assert_eq!(repository.read("mm/new.c"), "newer\n");
        series(&repository.0).unwrap();
        assert_eq!(repository.git(&["show", "series:mm/new.c"]), "newer\n");

        repository.write("mm/new.c", "newest\n");
        commit(&repository, "mm/new.c", "own\n");
        let error = export(&repository.0).unwrap_err().to_string();
        assert!(
            error.contains("mm/new.c has changed on the branch"),
            "{error}"
        );
        assert_eq!(repository.read("mm/new.c"), "newest\n");
    }

    #[test]
    fn files_of_the_repository_are_not_forgotten() {
        let repository = repository("forgotten");
        repository.write("mm/other.c", "");

        let error = export(&repository.0).unwrap_err().to_string();
        assert!(error.contains("does not add mm/other.c"), "{error}");
    }

    /// Two series of fixes and the main one, as branches that nobody assembled.
    fn stack(test: &str) -> Repository {
        let mut repository = Repository::new(test);

        repository.unpack(&[("mm/a.c", "1\n"), ("MAINTAINERS", "A\nS:\tx\n")]);
        repository.0.base.fixes = vec!["one".to_owned(), "two".to_owned()];
        repository.write("bases/4.2/series", "");
        for (branch, line) in [("fixes-one", 2), ("fixes-two", 3), ("series", 4)] {
            repository.git(&["checkout", "-q", "-b", branch]);
            repository.write("build/4.2/linux/mm/a.c", &format!("{line}\n"));
            repository.write(&format!("build/4.2/linux/mm/{branch}.c"), "new\n");
            repository.git(&["add", "-A"]);
            repository.git(&["commit", "-q", "-m", branch]);
        }
        repository
    }

    #[test]
    fn each_series_is_exported_to_its_folder() {
        let repository = stack("folders");
        repository.write("MAINTAINERS", "B\nS:\tx\n");
        export(&repository.0).unwrap();

        for (folder, branch) in [
            ("fixes/one/", "fixes-one"),
            ("fixes/two/", "fixes-two"),
            ("", "series"),
        ] {
            let folder = format!("bases/4.2/{folder}");
            let patch = format!("0001-{branch}.patch");
            assert_eq!(
                repository.read(&format!("{folder}series")),
                format!("{patch}\n")
            );
            assert!(!repository.read(&format!("{folder}{patch}")).contains("new"));
            assert!(repository
                .read(&format!("{folder}new-files"))
                .ends_with(&format!("\n0001 mm/{branch}.c\n")));
        }
        assert_eq!(repository.read("mm/series.c"), "new\n");
        assert_eq!(repository.read("bases/4.2/files/mm/fixes-one.c"), "new\n");

        // The entries come with the last patch.
        series(&repository.0).unwrap();
        let changed = repository.git(&["diff", "--name-only", "fixes-two", "series"]);
        assert_eq!(changed, "MAINTAINERS\nmm/a.c\nmm/series.c\n");
        let tree = repository.git(&["rev-parse", "series^{tree}"]);
        export(&repository.0).unwrap();
        series(&repository.0).unwrap();
        assert_eq!(repository.git(&["rev-parse", "series^{tree}"]), tree);
    }

    #[test]
    fn branches_beside_each_other_are_not_exported() {
        let repository = stack("beside");
        repository.git(&["checkout", "-q", "fixes-one"]);
        repository.git(&["commit", "-q", "--amend", "-m", "other"]);
        let error = export(&repository.0).unwrap_err().to_string();
        assert!(error.contains("git rebase --update-refs"), "{error}");
        assert_eq!(repository.read("bases/4.2/series"), "");

        repository.git(&["checkout", "-q", "series"]);
        repository.git(&["branch", "-q", "-D", "fixes-one"]);
        let error = export(&repository.0).unwrap_err().to_string();
        assert!(error.contains("there is no branch fixes-one"), "{error}");
    }

    #[test]
    fn a_later_series_does_not_edit_new_files() {
        let repository = stack("edits-new");
        commit(&repository, "mm/fixes-one.c", "edited\n");

        let error = export(&repository.0).unwrap_err().to_string();
        assert!(
            error.contains("mm/fixes-one.c, which fixes-one adds, is edited"),
            "{error}"
        );
    }
}
