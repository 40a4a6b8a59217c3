// SPDX-License-Identifier: GPL-2.0

//! Whether the bases have their shared files in common: a new file of the kernel that two of them
//! have, and that neither keeps for itself, has the same bytes in both assembled trees.

use crate::{
    assemble,
    base,
    git::git,
    new_files,
    outcome::Outcome,
    paths::Paths,
    source,
    stack,
    step::output, //
};
use anyhow::Result;
use std::collections::BTreeMap;

/// The new files of a base's main series, as they are in its assembled tree.
struct Files {
    base: String,
    /// Of all bases: what git calls the contents, and how many lines they have.
    shared: BTreeMap<String, (String, usize)>,
    /// Lines of files that only this base has.
    own: BTreeMap<String, usize>,
}

impl Files {
    fn of(paths: &Paths) -> Result<Self> {
        let series = assemble::series(paths)?;
        let mut files = Files {
            base: paths.base.name(),
            shared: BTreeMap::new(),
            own: BTreeMap::new(),
        };

        let parts = stack::all(&paths.base)?;
        let lists = new_files::of_all(paths, &parts)?;

        for path in lists
            .into_iter()
            .flat_map(|list| list.into_values().flatten())
        {
            let name = format!("{series}:{path}");
            let show = |what: &str| output(git(&paths.checkout).args([what, &name]));
            let lines = show("show")?.lines().count();

            if new_files::home(paths, &path)?.starts_with(&paths.base.folder) {
                files.own.insert(path, lines);
            } else {
                let id = show("rev-parse")?.trim().to_owned();
                files.shared.insert(path, (id, lines));
            }
        }
        Ok(files)
    }

    /// What it has, in a line.
    fn describe(&self) -> String {
        let lines = |of: usize, count: usize| format!("{count} files, {of} lines");

        format!(
            "{}: of all bases {}; of this one {}",
            self.base,
            lines(
                self.shared.values().map(|(_, lines)| lines).sum(),
                self.shared.len()
            ),
            lines(self.own.values().sum(), self.own.len()),
        )
    }
}

/// Compares the trees of all bases whose source can be had.
pub fn suite(paths: &Paths) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut all: Vec<Files> = Vec::new();

    for name in base::names(&paths.top)? {
        let of_base = if name == paths.base.name() {
            paths.clone()
        } else {
            paths.beside(&name)?
        };

        if let Err(why) = source::fetch(&of_base).and_then(|()| source::judge(&of_base)) {
            outcome.add(Outcome::skipped(&format!("{name}: {why:#}")));
            continue;
        }
        source::prepare(&of_base)?;
        all.push(Files::of(&of_base)?);
        println!("  {}", all[all.len() - 1].describe());
    }
    outcome.add(compare(&all));
    Ok(outcome)
}

/// Counts each file that some of them have, and fails where it is not the same.
fn compare(all: &[Files]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut seen: BTreeMap<&str, (&str, &str)> = BTreeMap::new();

    for files in all {
        for (path, (id, _)) in &files.shared {
            let Some((other, first)) = seen.insert(path, (&files.base, id)) else {
                continue;
            };
            outcome.check(first == id, || {
                format!(
                    "{path} is not the same on {other} and {}: 'make export' of one of them wrote \
                     it, and the tree of the other is to be assembled again, or it belongs into \
                     files/ of a base",
                    files.base
                )
            });
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::{
        compare,
        Files, //
    };

    fn files(base: &str, shared: &[(&str, &str)]) -> Files {
        let shared = shared.iter().map(|(path, id)| {
            let value = ((*id).to_owned(), 10);
            ((*path).to_owned(), value)
        });

        Files {
            base: base.to_owned(),
            shared: shared.collect(),
            own: [("mm/own.c".to_owned(), 3)].into(),
        }
    }

    #[test]
    fn what_two_bases_have_is_the_same() {
        let one = files("4.2", &[("mm/a.c", "1"), ("mm/b.c", "2")]);
        let two = files("5.3", &[("mm/a.c", "1"), ("mm/c.c", "9")]);
        let three = files("6.0", &[("mm/b.c", "3")]);
        assert_eq!(
            one.describe(),
            "4.2: of all bases 2 files, 20 lines; of this one 1 files, 3 lines"
        );

        let outcome = compare(&[one, two, three]);
        assert_eq!((outcome.passed, outcome.failed), (1, 1));
        assert!(outcome.notes[0].starts_with("mm/b.c is not the same on 4.2 and 6.0"));
    }
}
