// SPDX-License-Identifier: GPL-2.0

//! What is asked of the series before anybody else looks at it.

mod architectures;
mod builds;
mod commits;
mod documents;
mod mails;
mod rust;
mod upstream;
mod warnings;

use crate::{
    debian,
    git::git,
    kunit,
    paths::Paths,
    source,
    stack::{
        self,
        Part, //
    },
    step::output,
    suite::{
        self,
        Report,
        Suite, //
    },
    tree::Tree, //
};
use anyhow::{
    ensure,
    Result, //
};
use std::path::PathBuf;

/// Debian's configuration for virtual machines.
fn debian_config(paths: &Paths) -> Result<PathBuf> {
    let package = &paths.base.config_package;

    Ok(source::package(paths, package)?
        .join("usr/src")
        .join(package)
        .join("config.amd64_none_cloud-amd64.xz"))
}

/// All checks, quick ones first: each for a tree, and the name of the series that are asked for.
const CHECKS: [Suite; 11] = [
    ("patches", mails::patches),
    ("mailbox", mails::mailbox),
    ("maintainers", |tree, _| mails::maintainers(tree)),
    ("upstream", upstream::check),
    ("documents", |tree, _| documents::check(tree)),
    ("rust", |tree, _| rust::check(tree)),
    ("other-arch", |tree, _| architectures::check(tree)),
    ("debian-config", |tree, _| {
        debian::takes_option(tree, &debian_config(tree.paths)?)
    }),
    ("debian", |tree, _| debian::demo(tree)),
    ("arm64", |tree, _| kunit::guest(tree, "arm64")),
    ("builds", commits::each_commit),
];

/// Checks of patches, which a part of the stack can be asked for. The others are of the whole tree.
const OF_PATCHES: [&str; 4] = ["patches", "mailbox", "upstream", "builds"];

/// The series that are asked for, all of the stack if there is no name. Of several, those without
/// patches are left out, as there is nothing to ask of them.
fn asked(tree: &Tree, name: &str) -> Result<Vec<Part>> {
    let base = &tree.paths.base;
    let parts = match name {
        "" => stack::all(base)?,
        _ => stack::select(base, name)?,
    };
    let mut left = Vec::new();

    tree.check_out()?;
    for part in parts {
        let count = output(git(&tree.paths.checkout).args(["rev-list", "--count", &part.range()]))?;
        if count.trim() != "0" {
            left.push(part);
        }
    }
    ensure!(
        name.is_empty() || !left.is_empty(),
        "SERIES={name}: it has no patches yet"
    );
    Ok(left)
}

/// Refuses names of checks and series that do not exist, and an `UPSTREAM` that is no kernel.
pub fn judge(paths: &Paths, names: &[String], series: Option<&str>) -> Result<()> {
    suite::judge_some("CHECKS", &CHECKS, names)?;
    if let Some(series) = series {
        stack::select(&paths.base, series)?;
        let of_tree = names
            .iter()
            .find(|name| !OF_PATCHES.contains(&name.as_str()));
        ensure!(
            of_tree.is_none(),
            "SERIES={series} CHECKS={}: this is a check of the whole tree; those of patches are {}",
            of_tree.map_or("", String::as_str),
            OF_PATCHES.join(", ")
        );
    }
    upstream::judge(paths)
}

/// Runs the checks that are named, or all that can be asked of the series. Returns whether nothing
/// failed.
pub fn run(tree: &Tree, names: &[String], series: Option<&str>) -> Result<bool> {
    let names = match series {
        Some(_) if names.is_empty() => OF_PATCHES.map(str::to_owned).to_vec(),
        _ => names.to_vec(),
    };

    let mut report = Report::default();
    for check in suite::chosen(&CHECKS, &[], &names) {
        report.run(check, tree, series.unwrap_or_default(), "");
    }
    Ok(report.print(&tree.paths.times.slowest(5)))
}

#[cfg(test)]
mod tests {
    use super::{
        asked,
        judge, //
    };
    use crate::{
        assemble::series,
        scratch::Repository,
        tree::{
            At,
            Tree, //
        }, //
    };

    fn repository(test: &str) -> Repository {
        let mut repository = Repository::new(test);

        repository.unpack(&[("mm/a.c", "1\n")]);
        repository.0.base.fixes = vec!["one".to_owned(), "two".to_owned()];
        repository.add_patch("fixes/one/0001-a.patch", "mm/a.c", "1", "2");
        repository.add_patch("0001-b.patch", "mm/a.c", "2", "3");
        repository
    }

    #[test]
    fn series_without_patches_are_not_asked() {
        let repository = repository("asked");
        series(&repository.0).unwrap();
        let tree = Tree::new(&repository.0, At::Commit("series".to_owned()));
        let names = |name| -> Vec<String> {
            let parts = asked(&tree, name).unwrap();
            parts.into_iter().map(|part| part.name).collect()
        };
        let error = asked(&tree, "two").err().unwrap().to_string();
        assert_eq!(error, "SERIES=two: it has no patches yet");

        assert_eq!(names(""), ["one", "main"]);
        assert_eq!(names("fixes"), ["one"]);
    }

    #[test]
    fn checks_of_the_tree_are_of_no_series() {
        let repository = repository("of-tree");
        let told = |series, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            judge(&repository.0, &names, series).map_err(|error| error.to_string())
        };

        assert_eq!(told(None, &["rust", "patches"]), Ok(()));
        assert_eq!(told(Some("fixes"), &["builds"]), Ok(()));
        let error = told(Some("one"), &["patches", "rust"]).unwrap_err();
        assert!(error.starts_with("SERIES=one CHECKS=rust: "), "{error}");
        assert!(told(Some("three"), &[]).is_err());
    }
}
