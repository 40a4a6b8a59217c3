// SPDX-License-Identifier: GPL-2.0

//! New files of all bases: series add them with the same bytes, whatever they are on top of.

use crate::{
    base,
    git::git,
    new_files,
    outcome::Outcome,
    paths::Paths,
    source,
    stack::{
        self,
        TOP, //
    },
    step::output,
    tree::{
        At,
        Tree, //
    }, //
};
use anyhow::{
    Context,
    Result, //
};
use std::collections::{
    BTreeMap,
    BTreeSet, //
};

/// A new file of a series, as it is in the assembled tree.
struct File {
    /// The name of its content.
    blob: String,
    lines: usize,
    /// Is it kept in the folder of the base, as it differs?
    own: bool,
}

/// The files that the stack of a base adds: fixes and the main series.
struct Added {
    base: String,
    files: BTreeMap<String, File>,
}

impl Added {
    /// Reads them from the checkout of a base whose stack is assembled.
    fn read(paths: &Paths) -> Result<Self> {
        let range = format!("base..{TOP}");
        let diff = |how: &[&str]| {
            output(
                git(&paths.checkout)
                    .args(["diff", "--no-renames", "--diff-filter=A"])
                    .args(how)
                    .arg(&range),
            )
        };
        let mut files = BTreeMap::new();

        // Lines, lines that are gone, and the file.
        for line in diff(&["--numstat"])?.lines() {
            let mut words = line.splitn(3, '\t');
            let (lines, path) = (words.next(), words.nth(1));
            let (lines, path) = lines.zip(path).context("git diff --numstat")?;
            let name = format!("{TOP}:{path}");
            let blob = output(git(&paths.checkout).args(["rev-parse", &name]))?;
            let file = File {
                blob: blob.trim().to_owned(),
                lines: lines.parse().unwrap_or_default(),
                own: new_files::home(paths, path)?.starts_with(&paths.base.folder),
            };
            files.insert(path.to_owned(), file);
        }
        Ok(Added {
            base: paths.base.version.clone(),
            files,
        })
    }
}

/// Files, and how many lines they have.
fn sum(files: &[(&str, usize)]) -> String {
    let lines: usize = files.iter().map(|(_, lines)| lines).sum();

    format!("{} files, {lines} lines", files.len())
}

/// Compares what bases add. Returns what came of it, and a text that says what they share.
fn compare(bases: &[Added]) -> (Outcome, String) {
    let all: BTreeSet<&str> = bases
        .iter()
        .flat_map(|base| base.files.keys())
        .map(String::as_str)
        .collect();
    let mut outcome = Outcome::default();
    let mut shared = Vec::new();
    // By the names of the bases that have them.
    let mut others: BTreeMap<String, Vec<(&str, usize)>> = BTreeMap::new();

    for path in all {
        let having: Vec<(&str, &File)> = bases
            .iter()
            .filter_map(|base| Some((base.base.as_str(), base.files.get(path)?)))
            .collect();
        if having.len() < bases.len() {
            let names: Vec<&str> = having.iter().map(|(name, _)| *name).collect();
            let of = others.entry(format!("{} alone", names.join(", ")));
            of.or_default().push((path, having[0].1.lines));
            continue;
        }
        let same = having.iter().all(|(_, file)| file.blob == having[0].1.blob);
        if having.iter().all(|(_, file)| file.own) {
            for (name, file) in having {
                let title = match same {
                    true => format!("{name}, one on each base, but all of them the same"),
                    false => format!("{name}, another one on each base"),
                };
                let of = others.entry(title);
                of.or_default().push((path, file.lines));
            }
            continue;
        }
        outcome.check(same, || {
            format!("{path} differs, but not all bases have it in their folder files/")
        });
        shared.push((path, having[0].1.lines));
    }

    let mut text = format!("  shared: {}\n", sum(&shared));
    for (title, files) in others {
        text += &format!("  {title}: {}\n", sum(&files));
        for (path, lines) in files {
            text += &format!("    {lines:>5} {path}\n");
        }
    }
    (outcome, text)
}

/// Why a base cannot be compared, if it cannot.
fn obstacle(paths: &Paths) -> Result<Option<String>> {
    if stack::has_no_series(&paths.base)? {
        return Ok(Some(format!(
            "Linux {} has no series yet",
            paths.base.version
        )));
    }
    Ok(source::fetch(paths).err().map(|error| format!("{error:#}")))
}

/// Each new file that the series of all bases add has the same bytes in all assembled trees, unless
/// each base has one of its own.
pub fn suite(paths: &Paths) -> Result<Outcome> {
    let mut bases = Vec::new();

    for name in base::names(&paths.top)? {
        // Of its own base the user may have named a source.
        let paths = match name == paths.base.name() {
            true => paths.clone(),
            false => paths.beside(&name)?,
        };
        if let Some(why) = obstacle(&paths)? {
            return Ok(Outcome::skipped(&why));
        }
        Tree::new(&paths, At::Series).commit()?;
        bases.push(Added::read(&paths)?);
    }
    let (outcome, text) = compare(&bases);
    print!("{text}");
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::{
        compare,
        obstacle,
        Added,
        File, //
    };
    use crate::{
        assemble::series,
        scratch::Repository, //
    };

    /// A base with files: path, content, and whether it is in the folder of the base.
    fn added(base: &str, files: &[(&str, &str, bool)]) -> Added {
        let file = |&(path, blob, own): &(&str, &str, bool)| {
            let blob = blob.to_owned();
            let lines = 3;
            (path.to_owned(), File { blob, lines, own })
        };

        Added {
            base: base.to_owned(),
            files: files.iter().map(file).collect(),
        }
    }

    #[test]
    fn what_is_shared_is_the_same() {
        let one = added(
            "4.2",
            &[("a", "x", false), ("b", "x", true), ("c", "x", false)],
        );
        let two = added(
            "4.3",
            &[("a", "x", false), ("b", "y", true), ("d", "x", false)],
        );
        let (outcome, text) = compare(&[one, two]);

        assert_eq!((outcome.passed, outcome.failed), (1, 0));
        assert_eq!(
            text,
            "  shared: 1 files, 3 lines\n\
             \x20 4.2 alone: 1 files, 3 lines\n        3 c\n\
             \x20 4.2, another one on each base: 1 files, 3 lines\n        3 b\n\
             \x20 4.3 alone: 1 files, 3 lines\n        3 d\n\
             \x20 4.3, another one on each base: 1 files, 3 lines\n        3 b\n"
        );
    }

    #[test]
    fn what_differs_is_in_folders_of_bases() {
        let compared = |one, two| {
            let (outcome, text) = compare(&[added("4.2", &[one]), added("4.3", &[two])]);
            (outcome.notes.join(""), text)
        };

        let (told, _) = compared(("a", "x", true), ("a", "y", false));
        assert!(told.starts_with("a differs"), "{told}");
        let (told, _) = compared(("a", "x", true), ("a", "x", false));
        assert_eq!(told, "");
        // That is no fault, but may be news.
        let (told, text) = compared(("a", "x", true), ("a", "x", true));
        assert_eq!(told, "");
        assert!(text.contains("4.2, one on each base, but all of them the same: 1 files"));
    }

    #[test]
    fn files_of_all_series_are_read() {
        let mut repository = Repository::new("same");
        repository.unpack(&[("mm/a.c", "1\n")]);
        repository.0.base.fixes = vec!["one".to_owned()];
        repository.write("bases/4.2/series", "# none\n");
        let why = obstacle(&repository.0).unwrap().unwrap();
        assert_eq!(why, "Linux 4.2 has no series yet");

        repository.add_patch("fixes/one/0001-a.patch", "mm/a.c", "1", "2");
        repository.add_patch("0001-b.patch", "mm/a.c", "2", "3");
        repository.write("bases/4.2/fixes/one/new-files", "0001 mm/fix.c\n");
        repository.write("bases/4.2/new-files", "0001 mm/all.c\n0001 mm/own.c\n");
        repository.write("bases/4.2/files/mm/fix.c", "fix\n");
        repository.write("bases/4.2/files/mm/own.c", "1\n2\n");
        repository.write("mm/all.c", "1\n2\n3\n");
        series(&repository.0).unwrap();
        let added = Added::read(&repository.0).unwrap();

        let files: Vec<_> = added
            .files
            .iter()
            .map(|(path, file)| (path.as_str(), file.lines, file.own))
            .collect();
        assert_eq!(
            files,
            [
                ("mm/all.c", 3, false),
                ("mm/fix.c", 1, true),
                ("mm/own.c", 2, true)
            ]
        );
        assert_eq!(obstacle(&repository.0).unwrap(), None);
    }
}
