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
    kunit,
    paths::Paths,
    suite::{
        self,
        Suite, //
    },
    tree::Tree, //
};
use anyhow::Result;
use std::path::PathBuf;

/// Debian's configuration for virtual machines.
fn debian_config(paths: &Paths) -> PathBuf {
    PathBuf::from("/usr/src")
        .join(&paths.base.config_package)
        .join("config.amd64_none_cloud-amd64.xz")
}

/// All checks, quick ones first.
const CHECKS: [Suite; 11] = [
    ("patches", |tree, _| mails::patches(tree)),
    ("mailbox", |tree, _| mails::mailbox(tree)),
    ("maintainers", |tree, _| mails::maintainers(tree)),
    ("upstream", |tree, _| upstream::check(tree)),
    ("documents", |tree, _| documents::check(tree)),
    ("rust", |tree, _| rust::check(tree)),
    ("other-arch", |tree, _| architectures::check(tree)),
    ("debian-config", |tree, _| {
        debian::takes_option(tree, &debian_config(tree.paths))
    }),
    ("debian", |tree, _| debian::demo(tree)),
    ("arm64", |tree, _| kunit::arm64(tree)),
    ("builds", |tree, _| commits::each_commit(tree)),
];

/// Refuses the name of a check that does not exist, and an `UPSTREAM` that is no kernel.
pub fn judge(paths: &Paths, names: &[String]) -> Result<()> {
    suite::judge_some("CHECKS", &CHECKS, names)?;
    upstream::judge(paths)
}

/// Runs the checks that are named, or all. Returns whether nothing failed.
pub fn run(tree: &Tree, names: &[String]) -> Result<bool> {
    suite::run_some(tree, &CHECKS, &[], "test", names)
}
