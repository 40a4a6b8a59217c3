// SPDX-License-Identifier: GPL-2.0

//! Assembles the series: a commit for each patch, on top of the base, as the branch `series`.
//!
//! `series` in the folder of the base lists the patches, as quilt reads it.

use crate::{
    git::git,
    maintainers,
    new_files,
    patch::{
        Index,
        Patch, //
    },
    paths::{
        write_whole,
        Paths, //
    },
    stamp::Stamp,
    step::{
        filter,
        output, //
    }, //
};
use anyhow::{
    ensure,
    Context,
    Result, //
};
use std::{
    fs,
    path::Path, //
};

/// The names in `series`.
pub fn patches(paths: &Paths) -> Result<Vec<String>> {
    let file = paths.base.folder.join("series");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;

    Ok(text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect())
}

/// The commit that a name of git's stands for.
pub fn commit(paths: &Paths, name: &str) -> Result<String> {
    let name = format!("{name}^{{commit}}");
    let commit = output(git(&paths.checkout).args(["rev-parse", "--verify", "-q", &name]))?;

    Ok(commit.trim().to_owned())
}

/// What the branch `series` was when it was assembled. Another branch than that has commits which
/// are nowhere else.
const ASSEMBLED: &str = "refs/kit/assembled";

/// The branch `series`. Assembles it if the repository has changed since, and returns the last
/// commit.
pub fn series(paths: &Paths) -> Result<String> {
    let patches = patches(paths)?;
    let stamp = Stamp::of(paths, &commit(paths, "base")?, &patches)?;
    let branch = commit(paths, "refs/heads/series").ok();

    if let (true, Some(head)) = (stamp.is_valid(), &branch) {
        return Ok(head.clone());
    }
    let assembled = commit(paths, ASSEMBLED).ok();
    ensure!(
        branch.is_none() || assembled.is_none() || branch == assembled,
        "the branch series of {0} has commits that {1} does not have, which has changed as well: \
         'make export' writes them to {1}, 'git checkout --detach && git branch -D series' in {0} \
         drops them",
        paths.checkout.display(),
        paths.base.folder.display()
    );
    stamp.remove()?;
    let head = commit_all(paths, &patches)?;
    keep(paths, &head)?;
    stamp.write()?;
    Ok(head)
}

/// Makes a commit the branch `series`, as one that the repository has.
fn keep(paths: &Paths, head: &str) -> Result<()> {
    // The files of the checkout stay those of the commit that it is at.
    output(git(&paths.checkout).args(["checkout", "-q", "--detach"]))?;
    // Both at once, or an interruption would make it seem that the branch has been changed.
    let both = format!("update refs/heads/series {head}\nupdate {ASSEMBLED} {head}\n");
    filter(
        git(&paths.checkout).args(["update-ref", "--stdin"]),
        both.as_bytes(),
    )
    .map(drop)
}

/// Notes that the repository has the branch `series` as it is.
pub fn exported(paths: &Paths) -> Result<()> {
    output(git(&paths.checkout).args(["update-ref", ASSEMBLED, "refs/heads/series"])).map(drop)
}

/// Commits the patches, with the new files that come with them. Returns the last commit.
fn commit_all(paths: &Paths, patches: &[String]) -> Result<String> {
    let files = new_files::by_patch(paths)?;
    new_files::check(paths, patches, &files)?;
    let index = Index::of(paths, "base")?;
    let mut head = commit(paths, "base")?;

    for name in patches {
        let number = name.split('-').next().unwrap_or_default();
        let patch = Patch::read(paths, paths.base.folder.join(name))?;

        index.apply(&patch)?;
        for path in files.get(number).into_iter().flatten() {
            index.add(path, &new_files::home(paths, path)?)?;
        }
        if Some(name) == patches.last() {
            add_maintainers(&index)?;
        }
        head = index.commit(&head, &patch)?;
    }
    Ok(head)
}

/// Adds the entries of the repository's `MAINTAINERS` to that of the kernel.
fn add_maintainers(index: &Index) -> Result<()> {
    let own = index.paths.top.join(maintainers::FILE);
    if !own.is_file() {
        return Ok(());
    }
    let entries = fs::read_to_string(&own)?;
    let known = output(&mut index.git(&["show", &format!(":{}", maintainers::FILE)]))?;
    let whole = index.paths.work.join(maintainers::FILE);

    write_whole(&whole, maintainers::put(&known, &entries)?)?;
    index.add(maintainers::FILE, &whole)
}

/// Commits a patch with a deliberate bug on top of the series, which stays as it is.
pub fn mutant(paths: &Paths, series: &str, patch: &Path) -> Result<String> {
    let index = Index::of(paths, series)?;
    let patch = Patch::read(paths, patch.to_owned())?;

    index.apply(&patch)?;
    index.commit(series, &patch)
}

#[cfg(test)]
mod tests {
    use super::{
        commit,
        exported,
        mutant,
        series,
        ASSEMBLED, //
    };
    use crate::scratch::Repository;

    /// A base of two files, a patch of one of them, and a new file that comes with it.
    fn repository(test: &str) -> Repository {
        let repository = Repository::new(test);

        repository.unpack(&[("mm/a.c", "1\n"), ("mm/b.c", "1\n")]);
        repository.add_patch("0001-a.patch", "mm/a.c", "1", "2");
        repository.write("mm/new.c", "new\n");
        repository.write("bases/4.2/new-files", "0001 mm/new.c\n");
        repository
    }

    #[test]
    fn patches_and_new_files_become_commits() {
        let repository = repository("assemble");
        let head = series(&repository.0).unwrap();

        assert_eq!(repository.git(&["show", "series:mm/a.c"]), "2\n");
        assert_eq!(repository.git(&["show", "series:mm/new.c"]), "new\n");
        assert_eq!(
            repository.git(&["log", "-1", "--format=%H %an %s %b", "series"]),
            format!("{head} A 0001-a.patch Why.\n")
        );
    }

    #[test]
    fn what_has_not_changed_is_not_assembled_again() {
        let repository = repository("again");
        let first = series(&repository.0).unwrap();
        // An assembly would make the branch anew.
        repository.git(&["checkout", "-q", "series"]);
        repository.git(&["commit", "-q", "--allow-empty", "-m", "own"]);
        let own = series(&repository.0).unwrap();
        assert_ne!(own, first);
        repository.git(&["reset", "-q", "--hard", &first]);

        for (file, text) in [
            ("mm/new.c", "other\n"),
            ("bases/4.2/new-files", "# other\n0001 mm/new.c\n"),
            ("bases/4.2/series", "# other\n0001-a.patch\n"),
        ] {
            repository.git(&["commit", "-q", "--allow-empty", "-m", "own"]);
            exported(&repository.0).unwrap();
            repository.write(file, text);
            let head = series(&repository.0).unwrap();
            assert_eq!(commit(&repository.0, "series^").unwrap(), {
                commit(&repository.0, "base").unwrap()
            });
            assert_eq!(commit(&repository.0, "series").unwrap(), head, "{file}");
        }
        assert_eq!(repository.git(&["show", "series:mm/new.c"]), "other\n");
    }

    #[test]
    fn an_assembly_that_fails_leaves_no_stamp() {
        let repository = repository("fails");
        let first = series(&repository.0).unwrap();
        repository.add_patch("0002-b.patch", "mm/b.c", "2", "3");

        for _ in 0..2 {
            let error = series(&repository.0).unwrap_err().to_string();
            assert!(error.contains("0002-b.patch does not apply"), "{error}");
        }
        assert!(!repository.0.work.join("series.stamp").exists());
        assert_eq!(commit(&repository.0, "series").unwrap(), first);

        // What had been assembled before is assembled again.
        repository.write("bases/4.2/series", "0001-a.patch\n");
        assert_eq!(series(&repository.0).unwrap(), first);
    }

    #[test]
    fn commits_of_the_branch_are_not_lost() {
        let repository = repository("lost");
        series(&repository.0).unwrap();
        repository.git(&["checkout", "-q", "series"]);
        repository.git(&["commit", "-q", "--allow-empty", "-m", "own"]);
        repository.write("mm/new.c", "other\n");

        let error = series(&repository.0).unwrap_err().to_string();
        assert!(error.contains("has commits that"), "{error}");
        exported(&repository.0).unwrap();
        let head = series(&repository.0).unwrap();
        assert_eq!(commit(&repository.0, ASSEMBLED).unwrap(), head);
    }

    #[test]
    fn files_of_the_base_are_not_overwritten() {
        let repository = repository("overwrites");
        repository.write("bases/4.2/new-files", "0001 mm/b.c\n0001 mm/new.c\n");
        repository.write("mm/b.c", "");

        let error = series(&repository.0).unwrap_err().to_string();
        assert!(error.contains("mm/b.c is a new file, but Linux 4.2 has mm/b.c already"));
    }

    #[test]
    fn new_files_come_with_a_patch() {
        let repository = repository("number");
        repository.write("bases/4.2/new-files", "0002 mm/new.c\n");

        let error = series(&repository.0).unwrap_err().to_string();
        assert!(error.contains("lists mm/new.c for patch 0002, but there is no such patch"));
    }

    #[test]
    fn entries_of_maintainers_come_with_the_last_patch() {
        let repository = Repository::new("maintainers");
        let (first, last) = ("A\nS:\tx\n\n", "C\nS:\tx\n");
        repository.unpack(&[("a", "1\n"), ("MAINTAINERS", &format!("{first}{last}"))]);
        repository.add_patch("0001-a.patch", "a", "1", "2");
        repository.add_patch("0002-a.patch", "a", "2", "3");
        repository.write("bases/4.2/new-files", "");
        repository.write("MAINTAINERS", "B\nS:\tx\n");
        series(&repository.0).unwrap();

        let changed = repository.git(&["diff", "--name-only", "base", "series^"]);
        assert_eq!(changed, "a\n");
        let text = repository.git(&["show", "series:MAINTAINERS"]);
        assert_eq!(text, format!("{first}B\nS:\tx\n\n{last}"));

        repository.write("MAINTAINERS", "BB\nS:\tx\n");
        series(&repository.0).unwrap();
        assert!(repository
            .git(&["show", "series:MAINTAINERS"])
            .contains("BB\n"));
    }

    #[test]
    fn a_mutant_leaves_the_series_alone() {
        let repository = repository("mutant");
        let head = series(&repository.0).unwrap();
        repository.add_patch("x.patch", "mm/b.c", "1", "7");
        let patch = repository.0.base.folder.join("x.patch");
        let mutant = mutant(&repository.0, &head, &patch).unwrap();

        assert_eq!(
            repository.git(&["show", &format!("{mutant}:mm/b.c")]),
            "7\n"
        );
        assert_eq!(commit(&repository.0, &format!("{mutant}^")).unwrap(), head);
        assert_eq!(commit(&repository.0, "series").unwrap(), head);
    }
}
