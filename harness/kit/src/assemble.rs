// SPDX-License-Identifier: GPL-2.0

//! Assembles the stack of series: a commit for each patch, on top of the base, with a branch at the
//! end of each series.
//!
//! `series` in the folder of a series lists the patches, as quilt reads it.

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
    stack::{
        self,
        Part,
        TOP, //
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

/// The commit that a name of git's stands for.
pub fn commit(paths: &Paths, name: &str) -> Result<String> {
    let name = format!("{name}^{{commit}}");
    let commit = output(git(&paths.checkout).args(["rev-parse", "--verify", "-q", &name]))?;

    Ok(commit.trim().to_owned())
}

/// The branch `series`. Assembles the stack if the repository has changed since, and returns the
/// last commit.
pub fn series(paths: &Paths) -> Result<String> {
    let parts = stack::all(&paths.base)?;
    let stamp = Stamp::of(paths, &commit(paths, "base")?, &parts)?;
    let heads: Vec<Option<String>> = parts
        .iter()
        .map(|part| commit(paths, &format!("refs/heads/{}", part.branch)).ok())
        .collect();

    if stamp.is_valid() && heads.iter().all(Option::is_some) {
        stack::check_order(paths, &parts)?;
        return commit(paths, &format!("refs/heads/{TOP}"));
    }
    for (part, head) in parts.iter().zip(&heads) {
        ensure!(
            head.is_none() || *head == commit(paths, &stack::assembled(&part.branch)).ok(),
            "the branch {2} of {0} has commits that {1} does not have, which has changed as well: \
             'make export' writes them to {1}, 'git checkout --detach && git branch -D {2}' in {0} \
             drops them",
            paths.checkout.display(),
            paths.base.folder.display(),
            part.branch
        );
    }
    stamp.remove()?;
    let heads = commit_all(paths, &parts)?;
    keep(paths, &parts, &heads)?;
    stamp.write()?;
    heads.last().cloned().context("there is no series")
}

/// Makes commits the branches of the stack, as ones that the repository has.
fn keep(paths: &Paths, parts: &[Part], heads: &[String]) -> Result<()> {
    // The files of the checkout stay those of the commit that it is at.
    output(git(&paths.checkout).args(["checkout", "-q", "--detach"]))?;
    // All at once, or an interruption would make it seem that a branch has been changed.
    let all: String = parts
        .iter()
        .zip(heads)
        .map(|(Part { branch, .. }, head)| {
            let assembled = stack::assembled(branch);
            format!("update refs/heads/{branch} {head}\nupdate {assembled} {head}\n")
        })
        .collect();
    filter(
        git(&paths.checkout).args(["update-ref", "--stdin"]),
        all.as_bytes(),
    )
    .map(drop)
}

/// Notes that the repository has the branches of the stack as they are.
pub fn exported(paths: &Paths, parts: &[Part]) -> Result<()> {
    let heads = parts
        .iter()
        .map(|part| commit(paths, &format!("refs/heads/{}", part.branch)))
        .collect::<Result<Vec<_>>>()?;
    let all: String = parts
        .iter()
        .zip(heads)
        .map(|(part, head)| format!("update {} {head}\n", stack::assembled(&part.branch)))
        .collect();

    filter(
        git(&paths.checkout).args(["update-ref", "--stdin"]),
        all.as_bytes(),
    )
    .map(drop)
}

/// Commits the patches of all series, with the new files that come with them. Returns the last
/// commit of each.
fn commit_all(paths: &Paths, parts: &[Part]) -> Result<Vec<String>> {
    let files = new_files::of_all(paths, parts)?;
    let index = Index::of(paths, "base")?;
    let mut head = commit(paths, "base")?;
    let mut heads = Vec::new();

    for (part, files) in parts.iter().zip(files) {
        let patches = part.patches()?;
        for name in &patches {
            let number = name.split('-').next().unwrap_or_default();
            let patch = Patch::read(paths, part.folder.join(name))?;

            index.apply(&patch)?;
            for path in files.get(number).into_iter().flatten() {
                index.add(path, &new_files::home(paths, path)?)?;
            }
            if part.is_main() && Some(name) == patches.last() {
                add_maintainers(&index)?;
            }
            head = index.commit(&head, &patch)?;
        }
        heads.push(head.clone());
    }
    Ok(heads)
}

/// Adds the entries of the repository's `MAINTAINERS` to that of the kernel.
fn add_maintainers(index: &Index) -> Result<()> {
    let own = maintainers::home(index.paths);
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
        series, //
    };
    use crate::{
        scratch::Repository,
        stack, //
    };

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
            exported(&repository.0, &stack::all(&repository.0.base).unwrap()).unwrap();
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
        exported(&repository.0, &stack::all(&repository.0.base).unwrap()).unwrap();
        let head = series(&repository.0).unwrap();
        let assembled = stack::assembled(stack::TOP);
        assert_eq!(commit(&repository.0, &assembled).unwrap(), head);
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
    fn each_series_ends_with_a_branch() {
        let mut repository = Repository::new("stack");
        repository.unpack(&[("mm/a.c", "1\n"), ("MAINTAINERS", "C\nS:\tx\n")]);
        repository.0.base.fixes = ["one", "two", "none"].map(str::to_owned).to_vec();
        repository.add_patch("fixes/one/0001-a.patch", "mm/a.c", "1", "2");
        repository.add_patch("fixes/two/0001-b.patch", "mm/a.c", "2", "3");
        repository.add_patch("0001-c.patch", "mm/a.c", "3", "4");
        repository.write("bases/4.2/files/mm/fix.c", "fix\n");
        repository.write("bases/4.2/fixes/two/new-files", "0001 mm/fix.c\n");
        repository.write("MAINTAINERS", "B\nS:\tx\n");
        let head = series(&repository.0).unwrap();

        let text = |name: &str| repository.git(&["show", name]);
        assert_eq!(text("fixes-one:mm/a.c"), "2\n");
        assert_eq!(text("fixes-two:mm/a.c"), "3\n");
        assert_eq!(text("fixes-two:mm/fix.c"), "fix\n");
        assert!(!text("fixes-two:MAINTAINERS").contains("B\n"));
        assert!(text("series:MAINTAINERS").contains("B\n"));
        let id = |name| commit(&repository.0, name).unwrap();
        assert_eq!(id("fixes-none"), id("fixes-two"));
        assert_eq!((id("series^"), id("series")), (id("fixes-two"), head));

        // A patch of a fix that changes is seen.
        let patch = "bases/4.2/fixes/one/0001-a.patch";
        let words = repository.read(patch).replace("Why.", "Because.");
        repository.write(patch, &words);
        let head = series(&repository.0).unwrap();
        assert_eq!(id("series"), head);
        assert!(text("fixes-one").contains("Because."));
    }

    #[test]
    fn commits_of_a_fix_are_not_lost() {
        let mut repository = repository("lost-fix");
        repository.0.base.fixes = vec!["one".to_owned()];
        repository.add_patch("fixes/one/0001-b.patch", "mm/b.c", "1", "2");
        series(&repository.0).unwrap();
        repository.git(&["checkout", "-q", "fixes-one"]);
        repository.git(&["commit", "-q", "--allow-empty", "-m", "own"]);

        // Nothing else has changed: it is to be put below the series.
        let error = series(&repository.0).unwrap_err().to_string();
        assert!(
            error.contains("series is not on top of fixes-one"),
            "{error}"
        );
        let (_, advice) = error.split_once("'git ").unwrap();
        let (advice, _) = advice.split_once('\'').unwrap();
        let advice: Vec<&str> = advice.split(' ').collect();
        repository.git(&advice);
        let head = series(&repository.0).unwrap();
        assert_eq!(commit(&repository.0, "series").unwrap(), head);
        let own = commit(&repository.0, "fixes-one").unwrap();
        assert_eq!(commit(&repository.0, "series^").unwrap(), own);

        repository.write("mm/new.c", "other\n");
        let error = series(&repository.0).unwrap_err().to_string();
        assert!(error.contains("the branch fixes-one of"), "{error}");
        assert!(error.contains("has commits that"), "{error}");
    }

    #[test]
    fn branches_that_nobody_assembled_are_not_lost() {
        let mut repository = repository("own-branch");
        repository.0.base.fixes = vec!["one".to_owned()];
        repository.git(&["branch", "fixes-one"]);

        let error = series(&repository.0).unwrap_err().to_string();
        assert!(error.contains("the branch fixes-one of"), "{error}");
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
