//! What is asked of the series before anybody else looks at it.

mod architectures;
mod bases;
mod builds;
mod commits;
mod documents;
mod mails;
mod rust;
mod warnings;

use crate::{
    debian, kunit,
    paths::Paths,
    suite::{self, Suite},
};
use anyhow::Result;
use std::path::Path;

/// Debian's configuration for virtual machines.
const DEBIAN_CONFIG: &str = "/usr/src/linux-config-6.12/config.amd64_none_cloud-amd64.xz";

/// All checks, quick ones first.
const CHECKS: [Suite; 11] = [
    ("patches", |paths, _| mails::patches(paths)),
    ("mailbox", |paths, _| mails::mailbox(paths)),
    ("maintainers", |paths, _| mails::maintainers(paths)),
    ("upstream", |paths, _| bases::upstream(paths)),
    ("documents", |paths, _| documents::check(paths)),
    ("rust", |paths, _| rust::check(paths)),
    ("other-arch", |paths, _| architectures::check(paths)),
    ("debian-config", |paths, _| {
        debian::takes_option(paths, Path::new(DEBIAN_CONFIG))
    }),
    ("debian", |paths, _| debian::demo(paths)),
    ("arm64", |paths, _| kunit::arm64(paths)),
    ("builds", |paths, _| commits::each_commit(paths)),
];

/// Refuses the name of a check that does not exist, and an `UPSTREAM` that is no kernel.
pub fn judge(names: &[String]) -> Result<()> {
    suite::judge_some("CHECKS", &CHECKS, names)?;
    bases::judge()
}

/// Runs the checks that are named, or all. Returns whether nothing failed.
pub fn run(paths: &Paths, names: &[String]) -> Result<bool> {
    suite::run_some(paths, &CHECKS, &[], "test", names)
}
