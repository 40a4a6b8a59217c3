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
    debian, kunit,
    paths::Paths,
    suite::{self, Suite},
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
    ("patches", |paths, _| mails::patches(paths)),
    ("mailbox", |paths, _| mails::mailbox(paths)),
    ("maintainers", |paths, _| mails::maintainers(paths)),
    ("upstream", |paths, _| upstream::check(paths)),
    ("documents", |paths, _| documents::check(paths)),
    ("rust", |paths, _| rust::check(paths)),
    ("other-arch", |paths, _| architectures::check(paths)),
    ("debian-config", |paths, _| {
        debian::takes_option(paths, &debian_config(paths))
    }),
    ("debian", |paths, _| debian::demo(paths)),
    ("arm64", |paths, _| kunit::arm64(paths)),
    ("builds", |paths, _| commits::each_commit(paths)),
];

/// Refuses the name of a check that does not exist, and an `UPSTREAM` that is no kernel.
pub fn judge(paths: &Paths, names: &[String]) -> Result<()> {
    suite::judge_some("CHECKS", &CHECKS, names)?;
    upstream::judge(paths)
}

/// Runs the checks that are named, or all. Returns whether nothing failed.
pub fn run(paths: &Paths, names: &[String]) -> Result<bool> {
    suite::run_some(paths, &CHECKS, &[], "test", names)
}
