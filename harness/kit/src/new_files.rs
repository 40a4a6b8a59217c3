// SPDX-License-Identifier: GPL-2.0

//! Files that the base does not have: where the repository keeps them, and which patch each comes
//! with.
//!
//! Those of all bases are at their place in the kernel, from the top of the repository on. Those that
//! one base alone needs are below `files/` in its folder. `new-files` in the folder of a series names
//! those that come with it.

use crate::{
    git::git,
    paths::{
        write_whole,
        Paths, //
    },
    stack::Part,
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

/// The list in the folder of a series.
const LIST: &str = "new-files";

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
        "add or remove new files on the branches in {}, and 'make export' writes both",
        paths.checkout.display()
    )
}

/// A list: files by the number that the name of their patch starts with.
type Listed = BTreeMap<String, Vec<String>>;

/// Reads the list of a series, which may have none.
fn read(paths: &Paths, folder: &Path) -> Result<Listed> {
    let file = folder.join(LIST);
    let mut listed = Listed::new();
    if !file.exists() {
        return Ok(listed);
    }
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;

    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((patch, path)) = line.split_once(' ') else {
            bail!(
                "{}: '{line}' is no number and file: {}",
                file.display(),
                remedy(paths)
            );
        };
        listed
            .entry(patch.to_owned())
            .or_default()
            .push(path.to_owned());
    }
    Ok(listed)
}

/// The new files of each series, by the numbers of patches. Refuses lists that are not those of all
/// files that are there.
pub fn of_all(paths: &Paths, parts: &[Part]) -> Result<Vec<Listed>> {
    let lists: Vec<Listed> = parts
        .iter()
        .map(|part| read(paths, &part.folder))
        .collect::<Result<_>>()?;
    let mut listed = BTreeSet::new();

    for (part, files) in parts.iter().zip(&lists) {
        check_numbers(part, files)?;
        for path in files.values().flatten() {
            let home = home(paths, path)?;
            ensure!(
                home.is_file(),
                "{} lists {path}, but there is no {}: {}",
                part.folder.join(LIST).display(),
                home.display(),
                remedy(paths)
            );
            ensure!(
                listed.insert(path.as_str()),
                "{path} is listed twice, the second time in {}: {}",
                part.folder.join(LIST).display(),
                remedy(paths)
            );
        }
    }
    let of_others = of_other_bases(paths)?;
    for path in found(paths)? {
        ensure!(
            listed.contains(path.as_str()) || of_others.contains(&path),
            "{} is there, but no {LIST} in {} lists {path}: {}",
            home(paths, &path)?.display(),
            paths.base.folder.display(),
            remedy(paths)
        );
    }
    check_new(paths, &listed)?;
    Ok(lists)
}

/// Refuses new files that come with no patch.
fn check_numbers(part: &Part, files: &Listed) -> Result<()> {
    let patches = part.patches()?;

    for (number, files) in files {
        let start = format!("{number}-");
        ensure!(
            patches.iter().any(|patch| patch.starts_with(&start)),
            "{LIST} in {} lists {} for patch {number}, but there is no such patch: 'make export' \
             writes {LIST}",
            part.folder.display(),
            files.join(", ")
        );
    }
    Ok(())
}

/// Refuses files that the base has.
fn check_new(paths: &Paths, files: &BTreeSet<&str>) -> Result<()> {
    let all = output(git(&paths.checkout).args(["ls-tree", "-r", "--name-only", "base"]))?;
    let known: BTreeSet<&str> = all.lines().collect();

    for path in files {
        ensure!(
            !known.contains(path),
            "{} is a new file, but Linux {} has {path} already: rename it, or if other bases need \
             it, move it to files/{path} in their folders",
            home(paths, path)?.display(),
            paths.base.version
        );
    }
    Ok(())
}

/// The files at a place of all bases that series of other bases come with. A series that is being
/// ported does not have them all.
pub fn of_other_bases(paths: &Paths) -> Result<BTreeSet<String>> {
    let mut files = BTreeSet::new();

    for base in folders(&paths.top.join("bases"))? {
        if base == paths.base.folder {
            continue;
        }
        let mut parts = folders(&base.join("fixes"))?;
        parts.push(base.clone());
        for part in parts {
            for path in read(paths, &part)?.into_values().flatten() {
                if !base.join("files").join(&path).is_file() {
                    files.insert(path);
                }
            }
        }
    }
    Ok(files)
}

/// The folders in a folder, which may not be there.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();

    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    Ok(folders)
}

/// Writes the list of a series: files with the number of their patch.
pub fn write_list(part: &Part, files: &BTreeMap<String, usize>) -> Result<()> {
    let mut lines: Vec<String> = files
        .iter()
        .map(|(path, patch)| format!("{patch:04} {path}\n"))
        .collect();

    lines.sort();
    write_whole(&part.folder.join(LIST), format!("{HEAD}{}", lines.concat()))
}

/// Where a file goes that a series adds: to where it is, or to the files of all bases. What a fix
/// adds is of its base.
pub fn home_of_added(paths: &Paths, part: &Part, path: &str) -> Result<PathBuf> {
    let home = home(paths, path)?;

    Ok(if home.is_file() || part.is_main() {
        home
    } else {
        own(paths).join(path)
    })
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
        found,
        home,
        home_of_added,
        of_all,
        write_list, //
    };
    use crate::{
        scratch::Repository,
        stack::{
            all,
            Part, //
        }, //
    };
    use std::path::{
        Path,
        PathBuf, //
    };

    /// A repository with a file of all bases and one of a base.
    fn repository(test: &str) -> Repository {
        let repository = Repository::new(test);

        repository.unpack(&[("mm/a.c", "1\n")]);
        repository.write("bases/4.2/series", "0002-a.patch\n0011-b.patch\n");
        repository.write("mm/all.c", "");
        repository.write("bases/4.2/files/rust/one.rs", "");
        repository
    }

    fn where_is(repository: &Repository, path: &str) -> PathBuf {
        let home = home(&repository.0, path).unwrap();
        home.strip_prefix(&repository.0.top).unwrap().to_owned()
    }

    fn parts(repository: &Repository) -> Vec<Part> {
        all(&repository.0.base).unwrap()
    }

    fn refusal(repository: &Repository) -> String {
        let refused = of_all(&repository.0, &parts(repository));
        refused.unwrap_err().to_string()
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
        let parts = parts(&repository);
        let main = parts.last().unwrap();

        write_list(main, &files).unwrap();
        let read = of_all(&repository.0, &parts).unwrap();
        assert_eq!(read[0]["0002"], ["rust/one.rs"]);
        assert_eq!(read[0]["0011"], ["mm/all.c"]);

        files.insert("mm/none.c".to_owned(), 2);
        write_list(main, &files).unwrap();
        assert!(refusal(&repository).contains("lists mm/none.c"));

        files.remove("mm/none.c");
        files.remove("mm/all.c");
        write_list(main, &files).unwrap();
        assert!(refusal(&repository).contains("lists mm/all.c"));

        repository.write("bases/4.2/new-files", "# list\nmm/all.c\n");
        assert!(refusal(&repository).contains("'mm/all.c' is no number and file"));
    }

    #[test]
    fn series_list_their_own_files() {
        let mut repository = repository("of-series");
        repository.0.base.fixes = vec!["one".to_owned()];
        repository.write("bases/4.2/fixes/one/series", "0001-x.patch\n");
        repository.write("bases/4.2/fixes/one/new-files", "0001 rust/one.rs\n");
        repository.write("bases/4.2/new-files", "0002 mm/all.c\n");
        let read = of_all(&repository.0, &parts(&repository)).unwrap();
        assert_eq!(read[0]["0001"], ["rust/one.rs"]);
        assert_eq!(read[1]["0002"], ["mm/all.c"]);

        repository.write("bases/4.2/new-files", "0002 mm/all.c\n0002 rust/one.rs\n");
        assert!(refusal(&repository).contains("rust/one.rs is listed twice"));
    }

    #[test]
    fn files_of_another_base_are_left_out() {
        let repository = repository("other-base");
        repository.write("bases/4.2/new-files", "0002 rust/one.rs\n");
        assert!(refusal(&repository).contains("lists mm/all.c"));

        repository.write("bases/4.3/new-files", "0001 mm/all.c\n");
        let read = of_all(&repository.0, &parts(&repository)).unwrap();
        assert_eq!(read[0].len(), 1);

        // There the file is another one.
        repository.write("bases/4.3/files/mm/all.c", "");
        assert!(refusal(&repository).contains("lists mm/all.c"));
    }

    #[test]
    fn what_a_fix_adds_is_of_its_base() {
        let mut repository = repository("added");
        repository.0.base.fixes = vec!["one".to_owned()];
        let parts = parts(&repository);
        let home = |part, path| {
            let home = home_of_added(&repository.0, part, path).unwrap();
            let home = home.strip_prefix(&repository.0.top).unwrap();
            home.to_owned()
        };

        assert_eq!(
            home(&parts[0], "mm/x.c"),
            Path::new("bases/4.2/files/mm/x.c")
        );
        assert_eq!(home(&parts[0], "mm/all.c"), Path::new("mm/all.c"));
        assert_eq!(home(&parts[1], "mm/x.c"), Path::new("mm/x.c"));
    }
}
