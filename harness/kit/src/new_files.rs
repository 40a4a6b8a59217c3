// SPDX-License-Identifier: GPL-2.0

//! Files that the base does not have: where the repository keeps them, and which patch each comes
//! with.
//!
//! Those of all bases are at their place in the kernel, from the top of the repository on. Those that
//! one base alone needs are below `files/` in its folder. `new-files` beside that names both.

use crate::{
    git::git,
    paths::{
        write_whole,
        Paths, //
    },
    step::output, //
};
use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};
use std::{
    collections::{
        BTreeMap,
        BTreeSet, //
    },
    fs,
    path::{
        Path,
        PathBuf, //
    }, //
};

/// Folders of the repository that hold files at their place in the kernel tree.
const KERNEL_FOLDERS: [&str; 4] = ["Documentation", "mm", "rust", "tools/testing"];

/// What the list begins with.
const HEAD: &str = "\
# Written by 'make export', not by hand: files that the base does not have, and the number of the
# patch that each comes with.
";

/// Where the list is.
fn list(paths: &Paths) -> PathBuf {
    paths.base.folder.join("new-files")
}

/// Files of this base alone.
fn own(paths: &Paths) -> PathBuf {
    paths.base.folder.join("files")
}

/// Where the repository keeps a file of the kernel, or would: one that it does not know is taken for
/// one of all bases.
pub fn home(paths: &Paths, path: &str) -> Result<PathBuf> {
    let (shared, own) = (paths.top.join(path), own(paths).join(path));

    if !own.is_file() {
        return Ok(shared);
    }
    ensure!(
        !shared.is_file(),
        "{path} is a file of all bases and there is {}: remove one",
        own.display()
    );
    Ok(own)
}

/// How the list is changed.
fn remedy(paths: &Paths) -> String {
    format!(
        "add or remove new files on the branch series in {}, and 'make export' writes both",
        paths.checkout.display()
    )
}

/// The files by the number that the name of their patch starts with.
pub fn by_patch(paths: &Paths) -> Result<BTreeMap<String, Vec<String>>> {
    let file = list(paths);
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut listed: BTreeMap<String, Vec<String>> = BTreeMap::new();

    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((patch, path)) = line.split_once(' ') else {
            bail!(
                "{}: '{line}' is no number and file: {}",
                file.display(),
                remedy(paths)
            );
        };
        ensure!(
            home(paths, path)?.is_file(),
            "{} lists {path}, but there is no {}: {}",
            file.display(),
            home(paths, path)?.display(),
            remedy(paths)
        );
        listed
            .entry(patch.to_owned())
            .or_default()
            .push(path.to_owned());
    }
    for path in found(paths)? {
        ensure!(
            listed.values().flatten().any(|known| *known == path),
            "{} is there, but {} does not list {path}: {}",
            home(paths, &path)?.display(),
            file.display(),
            remedy(paths)
        );
    }
    Ok(listed)
}

/// Refuses new files that come with no patch, and those that the base has.
pub fn check(
    paths: &Paths,
    patches: &[String],
    files: &BTreeMap<String, Vec<String>>,
) -> Result<()> {
    for (number, files) in files {
        let start = format!("{number}-");
        ensure!(
            patches.iter().any(|patch| patch.starts_with(&start)),
            "new-files in {} lists {} for patch {number}, but there is no such patch: 'make \
             export' writes new-files",
            paths.base.folder.display(),
            files.join(", ")
        );
    }
    let all = output(git(&paths.checkout).args(["ls-tree", "-r", "--name-only", "base"]))?;
    let known: BTreeSet<&str> = all.lines().collect();
    for path in files.values().flatten() {
        ensure!(
            !known.contains(path.as_str()),
            "{} is a new file, but Linux {} has {path} already: rename it, or if other bases need \
             it, move it to files/{path} in their folders",
            home(paths, path)?.display(),
            paths.base.version
        );
    }
    Ok(())
}

/// Writes the list: files with the number of their patch.
pub fn write_list(paths: &Paths, files: &BTreeMap<String, usize>) -> Result<()> {
    let mut lines: Vec<String> = files
        .iter()
        .map(|(path, patch)| format!("{patch:04} {path}\n"))
        .collect();

    lines.sort();
    write_whole(&list(paths), format!("{HEAD}{}", lines.concat()))
}

/// The files that the repository has, by their place in the kernel.
pub fn found(paths: &Paths) -> Result<Vec<String>> {
    let mut found = Vec::new();

    for folder in KERNEL_FOLDERS {
        find(&paths.top, Path::new(folder), &mut found)?;
    }
    find(&own(paths), Path::new(""), &mut found)?;
    Ok(found)
}

/// All files below a folder of `top`.
fn find(top: &Path, folder: &Path, found: &mut Vec<String>) -> Result<()> {
    let Ok(entries) = fs::read_dir(top.join(folder)) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let path = folder.join(entry.file_name());

        if entry.file_type()?.is_dir() {
            find(top, &path, found)?;
        } else {
            found.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{
        by_patch,
        found,
        home,
        write_list, //
    };
    use crate::scratch::Repository;
    use std::path::PathBuf;

    /// A repository with a file of all bases and one of a base.
    fn repository(test: &str) -> Repository {
        let repository = Repository::new(test);

        repository.write("mm/all.c", "");
        repository.write("bases/4.2/files/rust/one.rs", "");
        repository
    }

    fn where_is(repository: &Repository, path: &str) -> PathBuf {
        let home = home(&repository.0, path).unwrap();
        home.strip_prefix(&repository.0.top).unwrap().to_owned()
    }

    fn refusal(repository: &Repository) -> String {
        by_patch(&repository.0).unwrap_err().to_string()
    }

    #[test]
    fn files_stay_where_they_are() {
        let repository = repository("home");

        assert_eq!(where_is(&repository, "mm/all.c"), PathBuf::from("mm/all.c"));
        assert_eq!(
            where_is(&repository, "rust/one.rs"),
            PathBuf::from("bases/4.2/files/rust/one.rs")
        );
        assert_eq!(
            where_is(&repository, "rust/new.rs"),
            PathBuf::from("rust/new.rs")
        );
        assert_eq!(found(&repository.0).unwrap(), ["mm/all.c", "rust/one.rs"]);
    }

    #[test]
    fn a_file_has_one_place() {
        let repository = repository("twice");

        repository.write("rust/one.rs", "");
        let error = home(&repository.0, "rust/one.rs").unwrap_err().to_string();
        assert!(error.contains("remove one"), "{error}");
    }

    #[test]
    fn the_list_is_complete() {
        let repository = repository("list");
        let mut files = [("rust/one.rs".to_owned(), 2), ("mm/all.c".to_owned(), 11)].into();

        write_list(&repository.0, &files).unwrap();
        let read = by_patch(&repository.0).unwrap();
        assert_eq!(read["0002"], ["rust/one.rs"]);
        assert_eq!(read["0011"], ["mm/all.c"]);

        files.insert("mm/none.c".to_owned(), 3);
        write_list(&repository.0, &files).unwrap();
        assert!(refusal(&repository).contains("lists mm/none.c"));

        files.remove("mm/none.c");
        files.remove("mm/all.c");
        write_list(&repository.0, &files).unwrap();
        assert!(refusal(&repository).contains("does not list mm/all.c"));

        repository.write("bases/4.2/new-files", "# list\nmm/all.c\n");
        assert!(refusal(&repository).contains("'mm/all.c' is no number and file"));
    }
}
